import type { ConsentService } from "#gen/writ/admin/v1/consent_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";
import { acceptConsent, getConsent, rejectConsent } from "../handshake/consent.ts";

/** Consent requests, for the consent app. */
export function consentService(deps: Deps): Handlers<typeof ConsentService> {
  return {
    getConsent: async ({ consentChallenge }, { now }) => ({ consent: await getConsent(deps, consentChallenge, now) }),
    acceptConsent: async ({ consentChallenge, accept }, { now }) => ({ redirectTo: await acceptConsent(deps, consentChallenge, accept, now) }),
    rejectConsent: async ({ consentChallenge, reject }, { now }) => ({ redirectTo: await rejectConsent(deps, consentChallenge, reject, now) }),
  };
}
