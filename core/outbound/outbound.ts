import { Agent, request } from "undici";
import { type GuardOptions, makeGuardedConnector, REFUSED_ADDRESS } from "./address-guard.ts";

/** Why there is no answer. */
export type OutboundFailure = "bad_url" | "refused_address" | "timeout" | "too_large" | "too_many" | "unreachable";

/** What came of a request. A redirect is an answer like any other and is not followed. */
export type OutboundOutcome =
  | { readonly kind: "answered"; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array }
  /** `cause` is for the log, and only for it: what it says of inner networks is not for those who named the URL. */
  | { readonly kind: "failed"; readonly reason: OutboundFailure; readonly cause?: unknown };

/** The document that was asked for, or why it is not there: `reason` is for the log. */
export type OutboundDocument = { readonly kind: "document"; readonly body: Uint8Array } | { readonly kind: "failed"; readonly reason: string };

/** What a GET brought: a document is what comes with 200. */
export function documentOf(outcome: OutboundOutcome): OutboundDocument {
  if (outcome.kind === "failed") return { kind: "failed", reason: outcome.reason };
  return outcome.status === 200 ? { kind: "document", body: outcome.body } : { kind: "failed", reason: `status ${outcome.status}` };
}

/** Bounds of one request. */
export interface OutboundLimits {
  /** Largest body in bytes: 64 KiB unless set. */
  readonly maxBytes?: number;
  /** Milliseconds from the look-up of the name to the last byte: 5 s unless set. */
  readonly timeout?: number;
}

/** Sends requests to URLs that clients have registered. */
export interface Outbound {
  get(url: string, options?: OutboundLimits & { readonly accept?: string }): Promise<OutboundOutcome>;
  /** Posts a form. */
  post(url: string, form: Readonly<Record<string, string>>, options?: OutboundLimits): Promise<OutboundOutcome>;
  /** Ends what is under way. */
  close(): Promise<void>;
}

/** How strict to be. */
export interface OutboundOptions extends GuardOptions {
  /** In development; else https alone. */
  readonly allowHttp: boolean;
}

const MAX_BYTES = 65_536;
const TIMEOUT = 5000;
const MAX_URL = 2048;
const MAX_HEADERS = 16_384;
/** Requests at one time, those that wait for a connection included: to all hosts, and to each, so that a slow one leaves room for others. */
const MAX_UNDER_WAY = 256;
const MAX_OF_HOST = 32;
const CONNECTIONS_PER_ORIGIN = 16;

/**
 * The one client for URLs that strangers chose (jwks_uri, request_uri, sector_identifier_uri, back-channel logout): bounded
 * in time, size and number, without redirects, cookies, proxies, compression or kept connections, and only to addresses
 * that may be connected to. It never throws: what can go wrong is an outcome.
 */
export function makeOutbound(options: OutboundOptions): Outbound {
  const dispatcher = new Agent({ connect: makeGuardedConnector(options), connections: CONNECTIONS_PER_ORIGIN, pipelining: 0, maxHeaderSize: MAX_HEADERS });
  let underWay = 0;
  const ofHost = new Map<string, number>();
  const count = (host: string, by: 1 | -1): void => {
    const now = (ofHost.get(host) ?? 0) + by;
    underWay += by;
    if (now === 0) ofHost.delete(host);
    else ofHost.set(host, now);
  };
  const exchange = async (url: URL, init: RequestShape, maxBytes: number, deadline: AbortSignal): Promise<OutboundOutcome> => {
    count(url.host, 1);
    try {
      const answer = await request(url, { ...init, dispatcher, signal: deadline });
      const body = await readBody(answer.body, Number(answer.headers["content-length"] ?? 0), maxBytes);
      if (body === undefined) return { kind: "failed", reason: "too_large" };
      return { kind: "answered", status: answer.statusCode, headers: plain(answer.headers), body };
    } catch (cause) {
      return { kind: "failed", reason: deadline.aborted ? "timeout" : reasonOf(cause), cause };
    } finally {
      count(url.host, -1);
    }
  };
  const send = async (text: string, init: RequestShape, { maxBytes = MAX_BYTES, timeout = TIMEOUT }: OutboundLimits): Promise<OutboundOutcome> => {
    const url = readUrl(text, options.allowHttp);
    if (url === undefined) return { kind: "failed", reason: "bad_url" };
    if (underWay >= MAX_UNDER_WAY || (ofHost.get(url.host) ?? 0) >= MAX_OF_HOST) return { kind: "failed", reason: "too_many" };
    // One deadline for all: each single wait may be short, and a slow drip still takes for ever. It is waited for apart,
    // since undici ends a request that is still connecting only when the connection does, and counts until then.
    const deadline = AbortSignal.timeout(timeout);
    const late = new Promise<OutboundOutcome>((resolve) => deadline.addEventListener("abort", () => resolve({ kind: "failed", reason: "timeout" }), { once: true }));
    return Promise.race([exchange(url, init, maxBytes, deadline), late]);
  };
  return {
    get: (url, { accept = "*/*", ...limits } = {}) => send(url, { method: "GET", headers: { ...HEADERS, accept } }, limits),
    post: (url, form, limits = {}) =>
      send(url, { method: "POST", headers: { ...HEADERS, "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(form).toString() }, limits),
    close: () => dispatcher.destroy(),
  };
}

interface RequestShape {
  readonly method: "GET" | "POST";
  readonly headers: Record<string, string>;
  readonly body?: string;
}

const HEADERS = { "user-agent": "writ", "accept-encoding": "identity" } as const;

/** The fragment is the caller's matter and is never sent. */
function readUrl(text: string, allowHttp: boolean): URL | undefined {
  const url = text.length > MAX_URL ? null : URL.parse(text);
  if (url === null || (url.protocol !== "https:" && !(allowHttp && url.protocol === "http:"))) return undefined;
  return url.username === "" && url.password === "" ? url : undefined;
}

/** Undefined: it is larger than it may be. */
async function readBody(stream: AsyncIterable<Uint8Array> & { destroy(): unknown }, announced: number, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = announced;
  if (size <= maxBytes) {
    size = 0;
    for await (const chunk of stream) {
      size += chunk.length;
      if (size > maxBytes) break;
      chunks.push(chunk);
    }
  }
  if (size <= maxBytes) return new Uint8Array(Buffer.concat(chunks));
  stream.destroy();
  return undefined;
}

function plain(headers: Readonly<Record<string, string | string[] | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value = ""]) => [name, typeof value === "string" ? value : value.join(", ")]));
}

function reasonOf(error: unknown): OutboundFailure {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (code === REFUSED_ADDRESS) return "refused_address";
  return code === "UND_ERR_CONNECT_TIMEOUT" || code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT" ? "timeout" : "unreachable";
}
