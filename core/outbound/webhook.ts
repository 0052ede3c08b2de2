import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";

/** Where a web hook of the operator is, and how it knows us. */
export interface WebhookTarget {
  /** http or https. It is the operator's, so it may be internal; a user name and password in it are sent as Basic. */
  readonly url: string;
  /** A credential for a header, or for a cookie. */
  readonly auth?: { readonly in: "header" | "cookie"; readonly name: string; readonly value: string } | undefined;
}

/** What a web hook answered. */
export interface WebhookAnswer {
  readonly status: number;
  readonly text: string;
}

/** A web hook, over connections that are kept. */
export interface Webhook {
  /** Posts JSON. @throws Error when there is no answer in time, or one that is too large */
  post(json: string): Promise<WebhookAnswer>;
  close(): Promise<void>;
}

/** How a web hook is waited for. */
export interface WebhookLimits {
  /** Milliseconds for everything, tries and pauses between them included. */
  readonly budget: number;
  /** Pauses before further tries, in milliseconds. */
  readonly pauses: readonly number[];
  /** Largest answer, in bytes. */
  readonly maxAnswer: number;
}

/**
 * All is over before a gateway gives up its call (10 s). Hydra waits up to 30 s, three times; a token endpoint that hangs so
 * long takes the whole server with it. An answer of claims is small: Hydra takes 5 MiB.
 */
const LIMITS: WebhookLimits = { budget: 8000, pauses: [100, 400], maxAnswer: 1_048_576 };
/** Connections to one hook, each with one request at a time; further requests wait within their budget. */
const CONNECTIONS = 64;
const CONNECT_TIMEOUT = 3000;
const KEEP_ALIVE = 4000;

/**
 * Makes the caller of a web hook. Another try is made where the connection failed, for 429 and for 5xx, as Hydra does; a
 * redirect is an answer like any other and followed nowhere: the credential is for one address.
 */
export function makeWebhook({ url, auth }: WebhookTarget, limits: WebhookLimits = LIMITS): Webhook {
  const { origin, pathname, search, username, password } = new URL(url);
  const pool = new Pool(origin, {
    connections: CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE,
    maxResponseSize: limits.maxAnswer,
    connect: { timeout: CONNECT_TIMEOUT },
  });
  const headers: Record<string, string> = { "content-type": "application/json; charset=UTF-8", accept: "application/json" };
  if (username !== "" || password !== "") headers.authorization = `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")}`;
  if (auth !== undefined) headers[auth.in === "cookie" ? "cookie" : auth.name.toLowerCase()] = auth.in === "cookie" ? `${auth.name}=${auth.value}` : auth.value;

  const tryOnce = async (body: string, signal: AbortSignal): Promise<WebhookAnswer> => {
    const { statusCode: status, body: answer } = await pool.request({ path: pathname + search, method: "POST", headers, body, signal });
    return { status, text: await answer.text() };
  };
  return {
    async post(json) {
      const signal = AbortSignal.timeout(limits.budget);
      for (const pause of limits.pauses) {
        const answer = await tryOnce(json, signal).catch((cause: unknown) => giveUpOr(cause, signal));
        if (answer !== undefined && answer.status !== 429 && answer.status < 500) return answer;
        await sleep(pause, undefined, { signal });
      }
      return await tryOnce(json, signal);
    },
    close: () => pool.destroy(),
  };
}

/** Undefined: it is worth another try. */
function giveUpOr(cause: unknown, signal: AbortSignal): undefined {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (signal.aborted || code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") throw cause;
  return undefined;
}
