import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";

/** Bounds how many clients strangers make in one process. */
export interface RegistrationLimit {
  /** @throws OAuthError too_many_requests */
  take(now: EpochMillis): void;
}

const MINUTE = 60_000;

/** A bucket that fills evenly, and holds what comes in a minute. */
export function makeRegistrationLimit(maxPerMinute: number): RegistrationLimit {
  let left = maxPerMinute;
  let filledAt: EpochMillis | undefined;
  return {
    take(now) {
      // A clock that was set back must not stop the filling for as long.
      const passed = filledAt === undefined ? 0 : Math.max(0, now - filledAt);
      left = Math.min(maxPerMinute, left + (passed * maxPerMinute) / MINUTE);
      filledAt = now;
      if (left < 1) throw new OAuthError("too_many_requests", "Too many clients are being registered; try again later");
      left -= 1;
    },
  };
}
