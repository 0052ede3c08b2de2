import type { DeviceService } from "#gen/writ/admin/v1/device_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";
import { answerDevice, getDevice } from "../handshake/device.ts";

/** User codes, for the device app. */
export function deviceService(deps: Deps): Handlers<typeof DeviceService> {
  return {
    getDevice: async ({ deviceChallenge, userCode }, { now }) => ({ device: await getDevice(deps, deviceChallenge, userCode, now) }),
    acceptDevice: async ({ deviceChallenge, accept }, { now }) => ({
      redirectTo: await answerDevice(deps, deviceChallenge, { userCode: accept?.userCode ?? "", rejected: false }, now),
    }),
    rejectDevice: async ({ deviceChallenge, reject }, { now }) => ({
      redirectTo: await answerDevice(deps, deviceChallenge, { userCode: reject?.userCode ?? "", rejected: true }, now),
    }),
  };
}
