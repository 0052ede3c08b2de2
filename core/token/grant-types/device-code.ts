import { fromBinary } from "@bufbuild/protobuf";
import { DeviceCodeSchema } from "#gen/writ/store/v1/device_code_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { equalBytes } from "#lib/hash.ts";
import { openSealed } from "#lib/seal.ts";
import { type EpochMillis, fromSeconds } from "#lib/time.ts";
import { isOfClient } from "../../model/client.ts";
import type { DeviceCode } from "../../model/device-code.ts";
import { readDeviceCode, slowDeviceDown } from "../../store/device-codes.ts";
import { readGrant } from "../../store/grants.ts";
import type { IssueDeps } from "../issue.ts";
import { lifetimesOf } from "../issue-of-grant.ts";
import { redeemGrant } from "../redeem-grant.ts";
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
  const { lifespans } = client.record.client;
  const lifetimes = lifetimesOf(deps, {
    accessToken: lifespans?.deviceAuthorizationGrantAccessTokenLifespan,
    refreshToken: lifespans?.deviceAuthorizationGrantRefreshTokenLifespan,
    idToken: lifespans?.deviceAuthorizationGrantIdTokenLifespan,
  });
  const redeemed = await redeemGrant(deps, { client, grant, request, lifetimes }, now);
  switch (redeemed.kind) {
    case "issued":
      return redeemed.response;
    case "replayed":
      deps.log.warn("grant_ended", { reason: "device_code_replayed", client_id: grant.clientId }); // as RFC 6749 §4.1.2 has it of codes
      throw invalidGrant("'device_code' has been used already; all tokens that came of it were revoked");
    case "revoked":
      throw denied("What the person agreed to was revoked");
    case "gone":
      throw invalidGrant("'device_code' is good no more");
  }
}

/** With the status of the token endpoint (RFC 6749 §5.2). */
function denied(description: string): OAuthError {
  return new OAuthError("access_denied", description, { status: 400 });
}
