import { Code } from "@connectrpc/connect";
import type { TrustedIssuerService } from "#gen/writ/admin/v1/trusted_issuer_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";
import { distrust, getTrusted, listTrusted, trustIssuer } from "../trust/trusted-issuers.ts";
import { readPage } from "./page-token.ts";
import { raise } from "./raise.ts";

/** Issuers of assertions that are taken as authorization grants. */
export function trustedIssuerService(deps: Deps): Handlers<typeof TrustedIssuerService> {
  return {
    async createTrustedIssuer(request, { now }) {
      return { trustedIssuer: (await trustIssuer(deps, request, now)) ?? raise(Code.AlreadyExists) };
    },

    async getTrustedIssuer({ id }) {
      return { trustedIssuer: (await getTrusted(deps, id)) ?? raise(Code.NotFound) };
    },

    async listTrustedIssuers({ pageSize, pageToken, issuer }, { now }) {
      const { items, nextPageToken } = await readPage(deps, { list: JSON.stringify(["trusted_issuers", issuer]), pageSize, pageToken }, now, {
        find: (after, limit) => listTrusted(deps, { after, limit, iss: issuer }),
        keyOf: ({ id }) => id,
      });
      return { trustedIssuers: [...items], nextPageToken };
    },

    async deleteTrustedIssuer({ id }) {
      if (!(await distrust(deps, id))) raise(Code.NotFound);
      return {};
    },
  };
}
