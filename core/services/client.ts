import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import type { ClientService } from "#gen/writ/admin/v1/client_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import { applyClient } from "../client/apply.ts";
import { patchClient } from "../client/patch.ts";
import { changeClient, registerClient, replaceClient, replaceLifespans } from "../client/register.ts";
import { endRotatedSecrets, rotateSecret } from "../client/rotate-secret.ts";
import type { Deps } from "../deps.ts";
import { deleteClient, getClient, listClients } from "../store/clients.ts";
import { readPage } from "./page-token.ts";
import { raise } from "./raise.ts";

/** OAuth 2.0 clients. */
export function clientService(deps: Deps): Handlers<typeof ClientService> {
  return {
    async createClient({ client }, { now }) {
      return { client: (await registerClient(deps, client ?? create(ClientSchema), now)) ?? raise(Code.AlreadyExists) };
    },

    async getClient({ clientId }) {
      return { client: (await getClient(deps.db, deps.issuer, clientId))?.record.client ?? raise(Code.NotFound) };
    },

    async listClients({ pageSize, pageToken, clientName, owner }, { now }) {
      const filters = { ...(clientName === "" ? {} : { clientName }), ...(owner === "" ? {} : { owner }) };
      const { items, nextPageToken } = await readPage(deps, { list: JSON.stringify(["clients", clientName, owner]), pageSize, pageToken }, now, {
        find: (after, limit) => listClients(deps.db, deps.issuer, { after, limit, ...filters }),
        keyOf: ({ record }) => record.client.clientId,
      });
      return { clients: items.map(({ record }) => record.client), nextPageToken };
    },

    async updateClient({ clientId, client }, { now }) {
      return { client: (await replaceClient(deps, clientId, client ?? create(ClientSchema), now)) ?? raise(Code.NotFound) };
    },

    async patchClient({ clientId, patch }, { now }) {
      return { client: (await changeClient(deps, clientId, (before) => patchClient(before, patch), now)) ?? raise(Code.NotFound) };
    },

    applyClient: (request, { now }) => applyClient(deps, request, now),

    async deleteClient({ clientId }) {
      const { kind } = await deleteClient(deps.db, deps.issuer, clientId);
      if (kind === "missing") raise(Code.NotFound);
      deps.log.info("client_deleted", { client_id: clientId });
      return {};
    },

    async rotateClientSecret({ clientId }, { now }) {
      return { client: (await rotateSecret(deps, clientId, now)) ?? raise(Code.NotFound) };
    },

    async deleteRotatedClientSecrets({ clientId }, { now }) {
      return { client: (await endRotatedSecrets(deps, clientId, now)) ?? raise(Code.NotFound) };
    },

    async updateClientLifespans({ clientId, lifespans }, { now }) {
      return { client: (await replaceLifespans(deps, clientId, lifespans, now)) ?? raise(Code.NotFound) };
    },
  };
}
