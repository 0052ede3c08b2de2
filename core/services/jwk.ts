import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { JsonWebKeySchema, type JwkService } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";
import { createJwk, deleteJwkSet, getJwkSet, updateJwk, updateJwkSet } from "../keys/jwk-sets.ts";
import { raise } from "./raise.ts";

/** JSON Web Key sets. */
export function jwkService(deps: Deps): Handlers<typeof JwkService> {
  return {
    async createJwk(request, { now }) {
      return { keySet: (await createJwk(deps, request, now)) ?? raise(Code.AlreadyExists) };
    },
    async getJwkSet({ set }) {
      return { keySet: (await getJwkSet(deps, set)) ?? raise(Code.NotFound) };
    },
    async getJwk({ set, kid }) {
      return { keySet: (await getJwkSet(deps, set, kid)) ?? raise(Code.NotFound) };
    },
    async updateJwkSet({ set, keySet }, { now }) {
      return { keySet: await updateJwkSet(deps, set, keySet?.keys ?? [], now) };
    },
    async updateJwk({ set, kid, key }, { now }) {
      return { key: await updateJwk(deps, set, kid, key ?? create(JsonWebKeySchema), now) };
    },
    async deleteJwkSet({ set }) {
      await deleteJwkSet(deps, set);
      return {};
    },
    async deleteJwk({ set, kid }) {
      await deleteJwkSet(deps, set, kid);
      return {};
    },
  };
}
