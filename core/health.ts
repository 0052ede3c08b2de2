import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#gen/grpc/health/v1/health_pb.ts";
import { type Registration, register } from "#lib/rpc/call.ts";
import { sleep } from "./token/sleep.ts";

/** How often a watched status is looked at. Milliseconds. */
const WATCH_INTERVAL = 1000;

/** grpc.health.v1 over one readiness: the server is ready as a whole or not at all. */
export function healthRegistration({ ready, services }: { readonly ready: () => Promise<boolean>; readonly services: readonly DescService[] }): Registration {
  const names = new Set(["", ...services.map(({ typeName }) => typeName)]);
  let asked: Promise<Status> | undefined;
  // Anybody may ask, so those who ask at the same time share one answer.
  const status = (): Promise<Status> => {
    asked ??= ready()
      .then(
        (isReady) => (isReady ? Status.SERVING : Status.NOT_SERVING),
        () => Status.NOT_SERVING,
      )
      .finally(() => {
        asked = undefined;
      });
    return asked;
  };
  return register(Health, {
    async check({ service }) {
      if (!names.has(service)) throw new ConnectError(`service '${service}' is not known`, Code.NotFound);
      return { status: await status() };
    },
    async *watch({ service }, { signal }) {
      let last: Status | undefined;
      while (signal?.aborted !== true) {
        const now = names.has(service) ? await status() : Status.SERVICE_UNKNOWN;
        if (now !== last) yield { status: now };
        last = now;
        await sleep(WATCH_INTERVAL, signal);
      }
    },
  }) as unknown as Registration;
}
