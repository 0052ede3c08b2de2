import type { SessionService } from "#gen/writ/admin/v1/session_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";
import { listConsentSessions, revokeConsentSessions } from "../session/consent-sessions.ts";
import { revokeLoginSessions } from "../session/login-sessions.ts";

/** Login and consent sessions. */
export function sessionService(deps: Deps): Handlers<typeof SessionService> {
  return {
    async revokeLoginSessions(request) {
      await revokeLoginSessions(deps, request);
      return {};
    },
    listConsentSessions: (request, { now }) => listConsentSessions(deps, request, now),
    async revokeConsentSessions(request) {
      await revokeConsentSessions(deps, request);
      return {};
    },
  };
}
