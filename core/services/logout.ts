import type { LogoutService } from "#gen/writ/admin/v1/logout_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";
import { acceptLogout, getLogout, rejectLogout } from "../handshake/logout.ts";

/** Logout requests, for the logout app. */
export function logoutService(deps: Deps): Handlers<typeof LogoutService> {
  return {
    getLogout: async ({ logoutChallenge }, { now }) => ({ logout: await getLogout(deps, logoutChallenge, now) }),
    acceptLogout: ({ logoutChallenge }, { now }) => ({ redirectTo: acceptLogout(deps, logoutChallenge, now) }),
    rejectLogout({ logoutChallenge }, { now }) {
      rejectLogout(deps, logoutChallenge, now);
      return {};
    },
  };
}
