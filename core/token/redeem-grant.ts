import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ExchangeTokenRequest, ExchangeTokenResponseSchema } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { StoredClient } from "../model/client.ts";
import type { Grant } from "../model/grant.ts";
import { redeemCode } from "../store/grant-tokens.ts";
import type { IssueDeps } from "./issue.ts";
import { issueOfGrant, type Lifetimes, prepareIssuing } from "./issue-of-grant.ts";

/** What redeeming a grant came to. `replayed`: it was redeemed before, and has ended with all that came of it. */
export type Redeemed = { readonly kind: "issued"; readonly response: MessageInitShape<typeof ExchangeTokenResponseSchema> } | { readonly kind: "replayed" | "revoked" | "gone" };

/**
 * Redeems a grant for its first tokens, whatever stands for it (an authorization code, a device code): once, and somebody else who
 * brings that again ends the grant.
 * @throws OAuthError access_denied, server_error when a web hook refuses or fails: then nothing is spent
 * @see RFC 6749 §4.1.2, RFC 8628 §3.5
 */
export async function redeemGrant(
  deps: IssueDeps,
  { client, grant, request, lifetimes }: { readonly client: StoredClient; readonly grant: Grant; readonly request: ExchangeTokenRequest; readonly lifetimes: Lifetimes },
  now: EpochMillis,
): Promise<Redeemed> {
  // What is spent already ends the grant, whatever a web hook would say of it.
  const isSpent = grant.state !== "code";
  const issuing = await prepareIssuing(deps, { client, grant, scope: undefined, lifetimes, request: isSpent ? undefined : request }, now);
  const redeemed = await redeemCode(deps.db, deps.issuer, { grant, expiresAt: issuing.expiresAt, session: issuing.session, attempt: deps.random(16), now });
  switch (redeemed.kind) {
    case "redeemed":
      return { kind: "issued", response: await issueOfGrant(deps, issuing, redeemed.grant, now) };
    case "replayed":
    case "revoked":
      return { kind: redeemed.kind };
    case "expired":
    case "ended":
    case "unknown":
      return { kind: "gone" };
  }
}
