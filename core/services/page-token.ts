import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { PageTokenSchema } from "#gen/writ/store/v1/token_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { openSealed } from "#lib/seal.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";

const DEFAULT_SIZE = 100;
const MAX_SIZE = 500;
/** Seconds. */
const GOOD_FOR = 3600;

/** How many items a page holds: Hydra's default and limit. */
export function pageSize(asked: number): number {
  return asked <= 0 ? DEFAULT_SIZE : Math.min(asked, MAX_SIZE);
}

/** What a request says of the page that it wants, and which list it is of: by name, with its filters. */
export interface PageRequest {
  readonly list: string;
  readonly pageSize: number;
  readonly pageToken: string;
}

/** Reads a page of a list by `find`, and makes the token of the next: items are after the key that `keyOf` gives of the last. @throws OAuthError as `openPageToken` */
export async function readPage<T>(
  deps: Pick<Deps, "pageSealer">,
  { list, pageSize: asked, pageToken }: PageRequest,
  now: EpochMillis,
  { find, keyOf }: { readonly find: (after: string, limit: number) => Promise<readonly T[]>; readonly keyOf: (item: T) => string },
): Promise<{ readonly items: readonly T[]; readonly nextPageToken: string }> {
  const limit = pageSize(asked);
  const found = await find(openPageToken(deps, list, pageToken, now), limit + 1); // one more than the page shows whether there is another
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, nextPageToken: found.length > limit && last !== undefined ? makePageToken(deps, list, keyOf(last), now) : "" };
}

/** The page token of what comes after `after`. `list` names what was listed, with its filters. */
export function makePageToken({ pageSealer }: Pick<Deps, "pageSealer">, list: string, after: string, now: EpochMillis): string {
  return pageSealer.seal("page_token", toBinary(PageTokenSchema, create(PageTokenSchema, { list, after, expiresAt: toSeconds(now) + GOOD_FOR })));
}

/** Where a page begins. @throws OAuthError invalid_request for a token that is none of this list, or too old; temporarily_unavailable for an unknown secret */
export function openPageToken({ pageSealer }: Pick<Deps, "pageSealer">, list: string, token: string, now: EpochMillis): string {
  if (token === "") return "";
  const payload = openSealed(pageSealer, "page_token", token, "'page_token'");
  const page = payload === undefined ? undefined : fromBinary(PageTokenSchema, payload);
  if (page === undefined || page.list !== list) throw new OAuthError("invalid_request", "'page_token' is an invalid pagination token for this list");
  if (page.expiresAt <= toSeconds(now)) throw new OAuthError("invalid_request", "'page_token' has expired: begin again with the first page");
  return page.after;
}
