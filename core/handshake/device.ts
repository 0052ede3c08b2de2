import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { DeviceSchema } from "#gen/writ/admin/v1/device_service_pb.ts";
import type { DeviceChallenge } from "#gen/writ/store/v1/device_code_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { deviceVerifierUrl, openDeviceChallenge } from "../device/sealed.ts";
import { canonicalUserCode, showUserCode } from "../device/user-code.ts";
import { MAX_USER_CODE } from "../device/verify.ts";
import type { StoredClient } from "../model/client.ts";
import type { DeviceCode } from "../model/device-code.ts";
import { getSameClient } from "../store/clients.ts";
import { readDeviceCode } from "../store/device-codes.ts";
import { requireChallenge } from "./challenge.ts";

/** What answering the device app needs. */
export type DeviceDeps = Pick<Deps, "db" | "issuer" | "config" | "settings" | "sealer" | "userCodeHashes" | "guesses" | "log">;

interface FoundDevice {
  readonly challenge: DeviceChallenge;
  readonly code: DeviceCode;
  readonly client: StoredClient;
}

/** Whose device shows a user code. @throws OAuthError invalid_request, access_denied, request_unauthorized, Not Found */
export async function getDevice(deps: DeviceDeps, sealed: string, userCode: string, now: EpochMillis): Promise<MessageInitShape<typeof DeviceSchema>> {
  const { code, client } = await findDevice(deps, sealed, userCode, now);
  return {
    challenge: sealed,
    userCode: showUserCode(deps.settings.device.userCode, canonicalUserCode(deps.settings.device.userCode, userCode)),
    client: client.record.client,
    requestedScope: code.record.scope,
    requestedAccessTokenAudience: code.record.audience,
    expiresAt: timestampFromMs(code.expiresAt),
  };
}

/**
 * Says that a person has entered a user code, as often as the app likes, and whether it is a device of theirs. Writes nothing:
 * what counts is what the bound browser brings back.
 */
export async function answerDevice(
  deps: DeviceDeps,
  sealed: string,
  { userCode, rejected }: { readonly userCode: string; readonly rejected: boolean },
  now: EpochMillis,
): Promise<string> {
  const { challenge, code, client } = await findDevice(deps, sealed, userCode, now);
  const handle = { userCodeHash: code.userCodeHash, birth: code.birth, expiresAt: toSeconds(code.expiresAt) };
  return deviceVerifierUrl(deps, client.record.client.clientId, { challengeId: challenge.id, browser: challenge.browser, handle, rejected });
}

/** All that can be wrong with a code has the same answer: what was wrong is what a guesser wants to know (RFC 8628 §5.1). */
async function findDevice(deps: DeviceDeps, sealed: string, userCode: string, now: EpochMillis): Promise<FoundDevice> {
  const challenge = requireChallenge(deps, { name: "device_challenge", what: "device challenge" }, sealed, openDeviceChallenge(deps, sealed), now);
  if (userCode === "") throw new OAuthError("invalid_request", "'user_code' is missing");
  if (!deps.guesses.take(challenge, now)) {
    deps.log.warn("user_code_refused", { reason: "too_many" });
    throw new OAuthError("access_denied", "Too many wrong codes were entered: begin again, a while later");
  }
  const code = userCode.length > MAX_USER_CODE ? undefined : await findCode(deps, userCode);
  const client = code === undefined || code.state !== "pending" || code.expiresAt <= now ? undefined : await getSameClient(deps.db, deps.issuer, code.record);
  if (code === undefined || client === undefined) {
    deps.log.info("user_code_refused", { reason: "unknown" });
    throw new OAuthError("invalid_request", "'user_code' is none that a device waits with: it was mistyped, has expired or was used already");
  }
  deps.guesses.giveBack(challenge);
  return { challenge, code, client };
}

async function findCode({ db, issuer, userCodeHashes }: DeviceDeps, userCode: string): Promise<DeviceCode | undefined> {
  for (const hash of userCodeHashes.hashAll(userCode)) {
    const found = await readDeviceCode(db, issuer, hash);
    if (found !== undefined) return found;
  }
  return undefined;
}
