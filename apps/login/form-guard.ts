import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { text } from "./text.ts";

/** Proves that a form was made here, for this browser and this challenge: another site can post, and cannot know the proof. */
export interface FormGuard {
  /** The hidden field of a form. Gives the browser a cookie for it, if it has none. */
  proofFor(context: Context, challenge: string): string;
  /** Whether a form of this challenge was made for this browser: it may look at what stands behind a link. */
  isKnown(context: Context, challenge: string): boolean;
  /** A posted form that has it, in `challenge` and `proof`. Undefined: it has not. */
  readForm(context: Context): Promise<ProvedForm | undefined>;
}

/** A form that was made here. */
export interface ProvedForm {
  readonly challenge: string;
  readonly form: FormData;
}

/** Longest challenge in characters: no form is as large. */
const MAX_CHALLENGE = 64 * 1024;
const COOKIE_SHAPE = /^[\w-]{22}$/;
/** As long as a challenge is good, in seconds. */
const MAX_AGE = 1800;

/** Makes a guard. Its key lives as long as the process: a form that was open over a restart is asked for again. */
export function makeFormGuard(secure: boolean): FormGuard {
  const key = randomBytes(32);
  const options = { httpOnly: true, sameSite: "Lax", secure, path: "/" } as const;
  const proofOf = (browser: string, challenge: string): string => createHmac("sha256", key).update(`${browser}\n${challenge}`).digest("base64url");
  // One for each challenge: of two tabs that are opened at once neither takes the other's away. It stays when the form was
  // answered, or the second click of two would find it gone.
  const nameOf = (challenge: string): string => `${secure ? "__Host-" : ""}writ_demo_${createHash("sha256").update(challenge).digest("hex").slice(0, 12)}`;
  const browserOf = (context: Context, challenge: string): string | undefined => {
    const found = getCookie(context, nameOf(challenge));
    return found !== undefined && COOKIE_SHAPE.test(found) ? found : undefined;
  };
  return {
    proofFor(context, challenge) {
      const known = browserOf(context, challenge);
      if (known !== undefined) return proofOf(known, challenge);
      const browser = randomBytes(16).toString("base64url");
      setCookie(context, nameOf(challenge), browser, { ...options, maxAge: MAX_AGE });
      return proofOf(browser, challenge);
    },
    isKnown: (context, challenge) => browserOf(context, challenge) !== undefined,
    async readForm(context) {
      const form = await context.req.formData();
      const challenge = text(form.get("challenge"), MAX_CHALLENGE);
      const browser = browserOf(context, challenge);
      if (browser === undefined) return undefined;
      const [wanted, sent] = [Buffer.from(proofOf(browser, challenge)), Buffer.from(text(form.get("proof")))];
      return wanted.length === sent.length && timingSafeEqual(wanted, sent) ? { challenge, form } : undefined;
    },
  };
}
