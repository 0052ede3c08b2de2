import type { MessageInitShape } from "@bufbuild/protobuf";
import { type DeviceChallenge, DeviceChallengeSchema, type DeviceVerifier, DeviceVerifierSchema } from "#gen/writ/store/v1/device_code_pb.ts";
import { openMessage, sealMessage } from "../authorize/sealed.ts";
import type { Deps } from "../deps.ts";

type SealedDeps = Pick<Deps, "sealer">;
/** A device's row, as requests and verifiers name it. */
export type DeviceHandle = NonNullable<DeviceVerifier["handle"]>;

/** Seals a device challenge. */
export function sealDeviceChallenge(deps: SealedDeps, challenge: MessageInitShape<typeof DeviceChallengeSchema>): string {
  return sealMessage(deps, "device_challenge", DeviceChallengeSchema, challenge);
}

/** Opens a device challenge. Undefined: it is none. */
export function openDeviceChallenge(deps: SealedDeps, sealed: string): DeviceChallenge | undefined {
  return openMessage(deps, "device_challenge", DeviceChallengeSchema, sealed);
}

/** Opens a device verifier. Undefined: it is none. */
export function openDeviceVerifier(deps: SealedDeps, sealed: string): DeviceVerifier | undefined {
  return openMessage(deps, "device_verifier", DeviceVerifierSchema, sealed);
}

/** Where the browser takes a device verifier that is sealed here. `client_id` is Hydra's, and not looked at. */
export function deviceVerifierUrl({ sealer, settings }: SealedDeps & Pick<Deps, "settings">, clientId: string, verifier: MessageInitShape<typeof DeviceVerifierSchema>): string {
  const sealed = sealMessage({ sealer }, "device_verifier", DeviceVerifierSchema, verifier);
  return `${settings.publicUrl}/oauth2/device/verify?${new URLSearchParams({ client_id: clientId, device_verifier: sealed })}`;
}
