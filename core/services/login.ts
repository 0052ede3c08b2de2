import type { LoginService } from "#gen/writ/admin/v1/login_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";
import { acceptLogin, getLogin, rejectLogin } from "../handshake/login.ts";

/** Login requests, for the login app. */
export function loginService(deps: Deps): Handlers<typeof LoginService> {
  return {
    getLogin: async ({ loginChallenge }, { now }) => ({ login: await getLogin(deps, loginChallenge, now) }),
    acceptLogin: async ({ loginChallenge, accept }, { now }) => ({ redirectTo: await acceptLogin(deps, loginChallenge, accept, now) }),
    rejectLogin: async ({ loginChallenge, reject }, { now }) => ({ redirectTo: await rejectLogin(deps, loginChallenge, reject, now) }),
  };
}
