import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { AuthorizeDeviceRequest, AuthorizeDeviceResponseSchema } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { type DeviceCodeRecord, DeviceCodeRecordSchema, DeviceCodeSchema } from "#gen/writ/store/v1/device_code_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { type EpochMillis, fromSeconds, toSeconds } from "#lib/time.ts";
import { type AuthenticateDeps, authenticateClient } from "../client/authenticate.ts";
import type { Deps } from "../deps.ts";
import type { StoredClient } from "../model/client.ts";
import { insertDeviceCode } from "../store/device-codes.ts";
import { grantAudience, grantScope } from "../token/requested.ts";
import { makeUserCode, showUserCode } from "./user-code.ts";

/** `grant_type` of the device flow (RFC 8628 §3.4). */
export const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** What the device authorization endpoint needs. */
export type AuthorizeDeviceDeps = AuthenticateDeps & Pick<Deps, "config" | "settings" | "random" | "sealer" | "userCodeHashes" | "log">;

/** A request that does not fit into it is none of a device. Bytes. */
const MAX_RECORD = 4096;
/** How often another user code is tried where one is taken. */
const MAX_TRIES = 10;

/**
 * Device authorization endpoint.
 * @throws OAuthError as RFC 6749 §5.2 says
 * @see RFC 8628 §3.1, §3.2
 */
export async function authorizeDevice(
  deps: AuthorizeDeviceDeps,
  request: AuthorizeDeviceRequest,
  now: EpochMillis,
): Promise<MessageInitShape<typeof AuthorizeDeviceResponseSchema>> {
  const { client } = await authenticateClient(deps, request.clientAuthentication, now); // RFC 8628 §3.1: as at the token endpoint
  const metadata = client.record.client;
  if (!metadata.grantTypes.includes(DEVICE_GRANT))
    throw new OAuthError(deps.settings.compatHydra ? "invalid_grant" : "unauthorized_client", `The client is not registered for the grant type '${DEVICE_GRANT}'`);
  const record = create(DeviceCodeRecordSchema, {
    clientId: metadata.clientId,
    clientIncarnation: client.incarnation,
    scope: [...grantScope(request.scope, metadata, deps.config.strategies.scope)],
    audience: [...grantAudience(request.audience, metadata)],
  });
  if (toBinary(DeviceCodeRecordSchema, record).length > MAX_RECORD) throw new OAuthError("invalid_request", "'scope' and 'audience' are too large, both together");
  const { lifetime, interval } = deps.settings.device;
  const { userCode, deviceCode } = await makeCodes(deps, client, record, now);
  deps.log.info("device_code_issued", { client_id: metadata.clientId });
  const verificationUri = `${deps.settings.publicUrl}/oauth2/device/verify`;
  return { deviceCode, userCode, verificationUri, verificationUriComplete: `${verificationUri}?${new URLSearchParams({ user_code: userCode })}`, expiresIn: lifetime, interval };
}

/** Makes both codes and the row behind them. The device code is sealed, so what is not ours costs no look into the database. */
async function makeCodes(
  { db, issuer, random, settings, sealer, userCodeHashes }: AuthorizeDeviceDeps,
  { incarnation }: StoredClient,
  record: DeviceCodeRecord,
  now: EpochMillis,
): Promise<{ readonly userCode: string; readonly deviceCode: string }> {
  const { lifetime, interval, userCode: shape } = settings.device;
  const expiresAt = toSeconds(now) + lifetime;
  const birth = random(8);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const code = makeUserCode(shape, random);
    const userCodeHash = userCodeHashes.hash(code);
    const { kind } = await insertDeviceCode(db, issuer, { userCodeHash, birth, pollInterval: interval, expiresAt: fromSeconds(expiresAt), record });
    if (kind === "taken") continue;
    const sealed = create(DeviceCodeSchema, { handle: { userCodeHash, birth, expiresAt }, clientId: record.clientId, clientIncarnation: incarnation });
    return { userCode: showUserCode(shape, code), deviceCode: sealer.seal("device_code", toBinary(DeviceCodeSchema, sealed)) };
  }
  throw new OAuthError("temporarily_unavailable", "There is no user code left that nobody has: try again, or have oauth2.device_authorization.user_code be longer");
}
