import { LRUCache } from "lru-cache";
import type { PresentedToken } from "../model/token-facts.ts";

/** What sealed tokens say, by their SHA-256. Only those that opened: a stranger cannot drive them out. Nothing of it ever changes. */
export interface OpenedTokens {
  get(digest: string): PresentedToken | undefined;
  set(digest: string, token: PresentedToken): void;
}

/** About 800 bytes each. */
const MAX_TOKENS = 20_000;

/** Makes an empty cache. */
export function makeOpenedTokens(): OpenedTokens {
  return new LRUCache<string, PresentedToken>({ max: MAX_TOKENS });
}
