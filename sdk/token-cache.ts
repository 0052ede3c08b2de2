import type { ActiveToken } from "#gen/writ/token/v1/introspection_pb.ts";
import type { IntrospectResponse, RevocationKey, WatchRevocationsResponse } from "#gen/writ/token/v1/token_service_pb.ts";
import type { WritClient } from "./index.ts";

/** How a cache of introspection answers is made. */
export interface TokenCacheOptions {
  readonly tokens: WritClient["tokens"];
  /**
   * Milliseconds that a kept answer may lag behind the database. When the stream of revocations cannot vouch for that, each
   * token is asked for. 15,000 unless set; below 2,000 over SQLite, or 12,000 over MySQL, nothing would ever be kept, since the
   * stream calls itself complete up to so long ago.
   */
  readonly maxStaleness?: number;
  /** Answers that are kept, the oldest goes first. 100,000 unless set: some hundred bytes each. */
  readonly maxTokens?: number;
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
}

/** Decides on tokens at the speed of a look into memory. */
export interface TokenCache {
  /** A token that is good now. Undefined: it is not kept, or not trusted any more; `introspect` asks for it. */
  peek(token: string): ActiveToken | undefined;
  /** What is known of a token; undefined: it is not good now. Tokens that are asked for together share a call. @throws ConnectError */
  introspect(token: string): Promise<ActiveToken | undefined>;
  /** Milliseconds that kept answers may lag behind the database now; infinite while there is no stream. */
  staleness(): number;
  /** Ends the stream; nothing is kept any more. */
  close(): void;
}

/** What a revocation key stands at, as far as is known. */
interface KeyState {
  epoch: number;
  /** Kept answers that carry it. */
  uses: number;
  /** When an event last named it. */
  namedAt: number;
}

interface Entry {
  readonly token: ActiveToken;
  readonly keys: readonly { readonly name: string; readonly state: KeyState; readonly epoch: number }[];
}

interface Waiter {
  readonly token: string;
  readonly resolve: (token: ActiveToken | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Most tokens of one call. */
const MAX_BATCH = 1000;
/** Milliseconds that a call may take. */
const TIMEOUT = 10_000;
/** An event is remembered for longer than any answer that was read before it can be on its way. */
const REMEMBERED = 6 * TIMEOUT;
/** How much two clocks may drift apart, as a part of the time that passes: ten times what bad ones do. */
const DRIFT = 0.001;
/** Milliseconds before a broken stream is tried again, at first and at most. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [100, 5000];

// biome-ignore lint/style/noRestrictedGlobals: this runs in other people's programs, which have no clock to hand over
const systemNow = Date.now;

/** Keeps introspection answers and follows the stream of revocations, which ends them. */
export function createTokenCache({ tokens, maxStaleness = 15_000, maxTokens = 100_000, now = systemNow }: TokenCacheOptions): TokenCache {
  const entries = new Map<string, Entry>();
  const states = new Map<string, KeyState>();
  const closing = new AbortController();
  let waiting: Waiter[] = [];
  let stream = 0; // counts beginnings: what was asked for before one is not kept after it
  // Both by the database's clock; `ahead` is how far that is before this process's own. A heartbeat that was on its way for long
  // would make it look slow, so of several the one that came soonest counts, less what clocks may drift apart.
  let completeUntil = Number.NEGATIVE_INFINITY;
  let ahead = 0;
  let isNewStream = true;
  let heardAt = 0;

  const staleness = (): number => performance.now() + ahead - completeUntil;

  const forget = (token: string, { keys }: Entry): void => {
    entries.delete(token);
    for (const { state } of keys) state.uses--;
  };
  const forgetAll = (): void => {
    entries.clear();
    states.clear();
    stream++;
  };
  const stateOf = (name: string): KeyState => {
    const known = states.get(name) ?? { epoch: 0, uses: 0, namedAt: Number.NEGATIVE_INFINITY };
    states.set(name, known);
    return known;
  };

  const keep = (token: string, answer: ActiveToken, revocationKeys: readonly RevocationKey[]): void => {
    const before = entries.get(token);
    if (before !== undefined) forget(token, before);
    const keys = revocationKeys.map(({ key, epoch }) => {
      const name = nameOf(key);
      return { name, state: stateOf(name), epoch };
    });
    if (keys.some(({ state, epoch }) => state.epoch > epoch)) return; // its end overtook it
    for (const { state } of keys) state.uses++;
    entries.set(token, { token: answer, keys });
    const [oldest] = entries.size > maxTokens ? entries : [];
    if (oldest !== undefined) forget(...oldest);
  };

  const peek = (token: string): ActiveToken | undefined => {
    const entry = entries.get(token);
    if (entry === undefined || staleness() > maxStaleness) return undefined;
    if (now() < entry.token.exp * 1000 && entry.keys.every(({ state, epoch }) => state.epoch <= epoch)) return entry.token;
    forget(token, entry);
    return undefined;
  };

  const ask = async (batch: readonly Waiter[]): Promise<void> => {
    const began = completeUntil === Number.NEGATIVE_INFINITY ? undefined : stream; // no stream yet: an end could be missed
    try {
      const { answers } = await tokens.batchIntrospect({ tokens: batch.map(({ token }) => token) }, { timeoutMs: TIMEOUT });
      batch.forEach(({ token, resolve }, i) => {
        const { introspection, cacheable, revocationKeys } = answers[i] as IntrospectResponse; // as many as tokens
        if (cacheable && introspection?.token !== undefined && began === stream) keep(token, introspection.token, revocationKeys);
        resolve(introspection?.token);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  const askForAll = (): void => {
    const all = waiting;
    waiting = [];
    for (let i = 0; i < all.length; i += MAX_BATCH) void ask(all.slice(i, i + MAX_BATCH));
  };

  const handle = ({ event }: WatchRevocationsResponse): void => {
    if (event.case === "reset") forgetAll();
    else if (event.case === "revocation")
      for (const { key, epoch } of event.value.keys) {
        const state = stateOf(nameOf(key));
        state.epoch = Math.max(state.epoch, epoch);
        state.namedAt = performance.now();
      }
    else if (event.case === "heartbeat") {
      const heard = performance.now();
      const shown = event.value.now - heard;
      ahead = isNewStream ? shown : Math.max(shown, ahead - (heard - heardAt) * DRIFT);
      isNewStream = false;
      ({ completeUntil } = event.value);
      heardAt = heard;
      for (const [name, { uses, namedAt }] of states) if (uses === 0 && heard - namedAt > REMEMBERED) states.delete(name);
    }
  };
  const follow = async (): Promise<void> => {
    let cursor = "";
    for (let pause = FIRST_PAUSE; !closing.signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const attempt = new AbortController();
      // A connection can die without a word; and a clock that was set back is only believed by a new beginning.
      const watch = setInterval(() => performance.now() - beganAt > maxStaleness && staleness() > maxStaleness && attempt.abort(), 1000).unref();
      const beganAt = performance.now();
      try {
        if (cursor === "") forgetAll();
        isNewStream = true;
        for await (const message of tokens.watchRevocations({ cursor }, { signal: AbortSignal.any([closing.signal, attempt.signal]) })) {
          handle(message);
          cursor = message.cursor;
          pause = FIRST_PAUSE;
        }
      } catch {
        // The stream is resumed where it ended; until then what is kept grows stale, and then it is not used.
      } finally {
        clearInterval(watch);
      }
      await sleep(pause, closing.signal);
    }
  };
  void follow();

  return {
    peek,
    introspect(token) {
      const known = peek(token);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve, reject) => {
        waiting.push({ token, resolve, reject });
        if (waiting.length === 1) setImmediate(askForAll);
      });
    },
    staleness,
    close() {
      closing.abort();
      completeUntil = Number.NEGATIVE_INFINITY;
      forgetAll();
    },
  };
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString("latin1");
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    timer.unref();
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
