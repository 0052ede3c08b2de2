import { LRUCache } from "lru-cache";
import type { StoredClient } from "../model/client.ts";
import type { Driver } from "./driver.ts";

/** What of a client a token's life depends on; `undefined` inside: there is no such client. */
export interface ClientEpochs {
  readonly client: { readonly incarnation: Uint8Array; readonly tokenEpoch: number } | undefined;
}

/**
 * What SQLite reads need not ask again. Everything in it is committed: own commits change it after COMMIT, and those of
 * another connection move `data_version`, which is looked at before each use. On MySQL nothing is kept.
 */
export interface Caches {
  /** False: nothing may be taken from here. Forgets everything when another connection has committed. */
  usable(): boolean;
  /**
   * The same, asked once in a turn of the event loop: what another process committed since the turn began may be missing.
   * Asking costs as much as all else of a look-up, and a request that arrives in the same turn as such a commit cannot tell.
   */
  usableThisTurn(): boolean;
  readonly clients: LRUCache<string, StoredClient>;
  readonly clientEpochs: LRUCache<string, ClientEpochs>;
  readonly revokedTokens: LRUCache<string, { readonly revoked: boolean }>;
  readonly grantEpochs: LRUCache<string, { readonly epoch: number }>;
  forgetClient(issuer: number, clientId: string): void;
}

/** Key of something of one issuer. */
export function cacheKey(issuer: number, id: string | Uint8Array): string {
  return `${issuer}:${typeof id === "string" ? id : Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("latin1")}`;
}

/** Makes empty caches. A client takes a few kilobytes, a token's state some hundred bytes. */
export function makeCaches(driver: Driver): Caches {
  const clients = new LRUCache<string, StoredClient>({ max: 10_000 });
  const clientEpochs = new LRUCache<string, ClientEpochs>({ max: 10_000 });
  const revokedTokens = new LRUCache<string, { readonly revoked: boolean }>({ max: 100_000 });
  const grantEpochs = new LRUCache<string, { readonly epoch: number }>({ max: 10_000 });
  let version: number | undefined;
  let askedThisTurn = false;
  const usable = (): boolean => {
    const now = driver.version();
    if (now === undefined) return false;
    if (now !== version) for (const cache of [clients, clientEpochs, revokedTokens, grantEpochs]) cache.clear();
    version = now;
    return true;
  };
  return {
    clients,
    clientEpochs,
    revokedTokens,
    grantEpochs,
    usable,
    usableThisTurn() {
      if (askedThisTurn) return true;
      askedThisTurn = usable();
      if (askedThisTurn)
        setImmediate(() => {
          askedThisTurn = false;
        });
      return askedThisTurn;
    },
    forgetClient(issuer, clientId) {
      clients.delete(cacheKey(issuer, clientId));
      clientEpochs.delete(cacheKey(issuer, clientId));
    },
  };
}
