import type { SessionService } from "#gen/writ/admin/v1/session_service_pb.ts";
import { fromHex, toHex } from "#lib/id.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";
import { listConsentSessions, revokeConsentSessions } from "../session/consent-sessions.ts";
import { revokeLoginSessions } from "../session/login-sessions.ts";
import { makePageToken, openPageToken, pageSize } from "./page-token.ts";

/** Login and consent sessions. */
export function sessionService(deps: Deps): Handlers<typeof SessionService> {
  return {
    async revokeLoginSessions(request, { now }) {
      await revokeLoginSessions(deps, request, now);
      return {};
    },
    async listConsentSessions({ subject, loginSessionId, pageSize: asked, pageToken }, { now }) {
      const name = `consent sessions ${JSON.stringify([subject, loginSessionId])}`;
      const after = fromHex(openPageToken(deps, name, pageToken, now));
      const { consentSessions, last } = await listConsentSessions(deps, { subject, loginSessionId, after, limit: pageSize(asked) }, now);
      return { consentSessions, nextPageToken: last === undefined ? "" : makePageToken(deps, name, toHex(last), now) };
    },
    async revokeConsentSessions(request) {
      await revokeConsentSessions(deps, request);
      return {};
    },
  };
}
