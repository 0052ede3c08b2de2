import { fromBinary } from "@bufbuild/protobuf";
import { DeviceCodeSchema } from "#gen/writ/store/v1/device_code_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { equalBytes } from "#lib/hash.ts";
import { openSealed } from "#lib/seal.ts";
import { type EpochMillis, fromSeconds } from "#lib/time.ts";
import { isOfClient, type StoredClient } from "../../model/client.ts";
import type { DeviceCode } from "../../model/device-code.ts";
import { readDeviceCode, slowDeviceDown } from "../../store/device-codes.ts";
import { redeemCode } from "../../store/grant-tokens.ts";
import { readGrant } from "../../store/grants.ts";
import { type IssueDeps, lifetimeSeconds } from "../issue.ts";
import { issueOfGrant, prepareIssuing } from "../issue-of-grant.ts";
import { type GrantType, type GrantTypeDeps, invalidGrant, type TokenRequest } from "./grant-type.ts";

/**
 * A poll of a device. Once its request is approved the device code is redeemed as an authorization code is: once, and somebody
 * else who brings it again ends the grant.
 * @see RFC 8628 §3.4, §3.5
 */
export const deviceCode: GrantType = async (deps, { request, client }, now) => {
  if (request.deviceCode === "") throw new OAuthError("invalid_request", "'device_code' is missing");
  const payload = openSealed(deps.sealer, "device_code", request.deviceCode, "The device code");
  const sealed = payload === undefined ? undefined : fromBinary(DeviceCodeSchema, payload);
  if (sealed?.handle === undefined) throw invalidGrant("'device_code' is none of this server");
  const { handle } = sealed;
  if (!isOfClient(client, sealed)) throw invalidGrant("'device_code' was issued to another client");
  if (fromSeconds(handle.expiresAt) <= now) throw new OAuthError("expired_token", "'device_code' has expired: make a new device authorization request"); // RFC 8628 §3.5
  const code = await readDeviceCode(deps.db, deps.issuer, handle.userCodeHash);
  if (code === undefined || !equalBytes(code.birth, handle.birth)) throw invalidGrant("'device_code' is good no more");
  switch (code.state) {
    case "pending":
      throw await stillPending(deps, code, now);
    case "denied":
      throw denied("The person denied the request");
    case "approved":
      return redeem(deps, { request, client }, code, now);
  }
};

/** RFC 8628 §3.5: slow_down is authorization_pending for those who ask too often. */
async function stillPending({ db, issuer, pollPace }: GrantTypeDeps, code: DeviceCode, now: EpochMillis): Promise<OAuthError> {
  const longer = pollPace.note(code, now);
  if (longer === undefined) return new OAuthError("authorization_pending", "The person has not answered yet");
  if (longer > code.pollInterval) await slowDeviceDown(db, issuer, { ...code, pollInterval: longer });
  return new OAuthError("slow_down", `The device polls too often: wait ${longer} seconds between two polls from now on`);
}

async function redeem(deps: IssueDeps, { request, client }: Pick<TokenRequest, "request" | "client">, { grantId }: DeviceCode, now: EpochMillis) {
  const found = grantId === undefined ? undefined : await readGrant(deps.db, deps.issuer, grantId);
  if (found === undefined || !isOfClient(client, found.grant)) throw invalidGrant("'device_code' is good no more");
  const { grant } = found;
  // As with an authorization code: one that is spent ends the grant, whatever a web hook would say of it.
  const isSpent = grant.state !== "code";
  const issuing = await prepareIssuing(deps, { client, grant, scope: undefined, lifetimes: lifetimesOf(deps, client), request: isSpent ? undefined : request }, now);
  const redeemed = await redeemCode(deps.db, deps.issuer, { grant, expiresAt: issuing.expiresAt, session: issuing.session, attempt: deps.random(16), now });
  switch (redeemed.kind) {
    case "redeemed":
      return issueOfGrant(deps, issuing, redeemed.grant, now);
    case "replayed":
      deps.log.warn("grant_ended", { reason: "device_code_replayed", client_id: grant.clientId }); // as RFC 6749 §4.1.2 has it of codes
      throw invalidGrant("'device_code' has been used already; all tokens that came of it were revoked");
    case "revoked":
      throw denied("What the person agreed to was revoked");
    case "expired":
    case "ended":
    case "unknown":
      throw invalidGrant("'device_code' is good no more");
  }
}

/** With the status of the token endpoint (RFC 6749 §5.2). */
function denied(description: string): OAuthError {
  return new OAuthError("access_denied", description, { status: 400 });
}

function lifetimesOf({ config, settings }: IssueDeps, { record: { client } }: StoredClient) {
  const { lifespans } = client;
  return {
    accessToken: lifetimeSeconds(lifespans?.deviceAuthorizationGrantAccessTokenLifespan, config.ttl.access_token),
    refreshToken: lifetimeSeconds(lifespans?.deviceAuthorizationGrantRefreshTokenLifespan, settings.ttl.refreshToken),
    idToken: lifetimeSeconds(lifespans?.deviceAuthorizationGrantIdTokenLifespan, config.ttl.id_token),
  };
}
