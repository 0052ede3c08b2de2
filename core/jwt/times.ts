import type { JsonObject } from "@bufbuild/protobuf";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Settings } from "../settings.ts";

/** What is asked of the times of a JWT. Seconds. */
export interface TimeRules {
  /** Whether `exp` must be there. */
  readonly expRequired: boolean;
  readonly iatRequired?: boolean;
  /** How far ahead `exp` may lie: of now, or of `iat` where it is there and `fromIat` says so. */
  readonly maxLifetime: number;
  readonly fromIat?: boolean;
}

/** How far the clocks of others may be ahead of ours. Seconds. */
const LEEWAY = 30;

/**
 * What is wrong with `exp`, `nbf` and `iat`; undefined: nothing.
 * @see RFC 7519 §4.1.4 to §4.1.6
 */
export function faultOfTimes({ exp, nbf, iat }: JsonObject, { expRequired, iatRequired = false, maxLifetime, fromIat = false }: TimeRules, now: EpochMillis): string | undefined {
  const seconds = toSeconds(now);
  for (const [name, value, required] of [
    ["exp", exp, expRequired],
    ["iat", iat, iatRequired],
    ["nbf", nbf, false],
  ] as const) {
    if (value === undefined && required) return `'${name}' is missing`;
    if (value !== undefined && (typeof value !== "number" || !Number.isFinite(value) || value < 0)) return `'${name}' is no number of seconds`;
  }
  if (typeof nbf === "number" && nbf > seconds + LEEWAY) return "'nbf' is in the future";
  if (typeof iat === "number" && iat > seconds + LEEWAY) return "'iat' is in the future";
  if (typeof exp !== "number") return undefined;
  if (exp <= seconds) return "'exp' is past";
  const start = fromIat && typeof iat === "number" ? iat : seconds;
  return exp - start > maxLifetime + (fromIat ? 0 : LEEWAY) ? `'exp' is more than ${maxLifetime} seconds ahead` : undefined;
}

/** What names this server as the audience of an assertion: its issuer, or its token endpoint's URL. @see RFC 7523 §3 */
export function ownAudiences({ issuerUrl, publicUrl }: Pick<Settings, "issuerUrl" | "publicUrl">): ReadonlySet<string> {
  return new Set([issuerUrl, `${publicUrl}/oauth2/token`, `${issuerUrl.replace(/\/$/, "")}/oauth2/token`]);
}

/** The entries of `aud`; undefined: it is no string and no list of strings. @see RFC 7519 §4.1.3 */
export function audienceOf({ aud }: JsonObject): readonly string[] | undefined {
  const entries: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return entries.length > 0 && entries.every((each) => typeof each === "string") ? (entries as readonly string[]) : undefined;
}
