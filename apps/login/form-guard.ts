import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";

/** Proves that a form was made here, for this browser and this challenge: another site can post, and cannot know the proof. */
export interface FormGuard {
  /** The hidden field of a form. Gives the browser its cookie, if it has none. */
  proofFor(context: Context, challenge: string): string;
  /** Whether a posted form has it. */
  isProved(context: Context, challenge: string, proof: string): boolean;
}

const COOKIE_SHAPE = /^[\w-]{22}$/;

/** Makes a guard. Its key lives as long as the process: a form that was open over a restart is asked for again. */
export function makeFormGuard(secure: boolean): FormGuard {
  const key = randomBytes(32);
  const name = secure ? "__Host-writ_demo" : "writ_demo";
  const proofOf = (browser: string, challenge: string): string => createHmac("sha256", key).update(`${browser}\n${challenge}`).digest("base64url");
  const browserOf = (context: Context): string | undefined => {
    const found = getCookie(context, name);
    return found !== undefined && COOKIE_SHAPE.test(found) ? found : undefined;
  };
  return {
    proofFor(context, challenge) {
      const known = browserOf(context);
      if (known !== undefined) return proofOf(known, challenge);
      const browser = randomBytes(16).toString("base64url");
      setCookie(context, name, browser, { httpOnly: true, sameSite: "Lax", secure, path: "/" });
      return proofOf(browser, challenge);
    },
    isProved(context, challenge, proof) {
      const browser = browserOf(context);
      if (browser === undefined) return false;
      const [wanted, sent] = [Buffer.from(proofOf(browser, challenge)), Buffer.from(proof)];
      return wanted.length === sent.length && timingSafeEqual(wanted, sent);
    },
  };
}
