import { Code } from "@connectrpc/connect";
import type { TrustedIssuerService } from "#gen/writ/admin/v1/trusted_issuer_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";
import { distrust, getTrusted, listTrusted, trustIssuer } from "../trust/trusted-issuers.ts";
import { makePageToken, openPageToken, pageSize } from "./page-token.ts";
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

    async listTrustedIssuers({ pageSize: asked, pageToken, issuer }, { now }) {
      const list = JSON.stringify(["trusted_issuers", issuer]);
      const limit = pageSize(asked);
      const after = openPageToken(deps, list, pageToken, now);
      // One more than the page shows whether there is another.
      const found = await listTrusted(deps, { after, limit: limit + 1, iss: issuer });
      const trustedIssuers = found.slice(0, limit);
      const last = trustedIssuers.at(-1);
      return { trustedIssuers, nextPageToken: found.length > limit && last !== undefined ? makePageToken(deps, list, last.id, now) : "" };
    },

    async deleteTrustedIssuer({ id }) {
      if (!(await distrust(deps, id))) raise(Code.NotFound);
      return {};
    },
  };
}
