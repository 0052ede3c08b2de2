import type { JsonObject } from "@bufbuild/protobuf";
import type { TokenHandle } from "#gen/writ/store/v1/token_pb.ts";

/** What a token may be used for: `token_use` of introspection. */
export type TokenUse = "access_token" | "refresh_token";

/** What a token says by itself, whichever form it has. Times in whole seconds since the epoch. */
export interface PresentedToken {
  readonly use: TokenUse;
  readonly handle: TokenHandle;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** `jti` (RFC 7519 §4.1.7). */
  readonly jti: string;
  /** All there is to know, of a token that says it all. Undefined: its grant knows. */
  readonly said: TokenContent | undefined;
  /** Scopes of a token that got fewer than its grant has (RFC 6749 §6). Undefined: all of the grant's. */
  readonly narrowed: readonly string[] | undefined;
}

/** What a token is good for, and for whom. */
export interface TokenContent {
  readonly clientId: string;
  /** Empty: the client itself. */
  readonly subject: string;
  /** `sub` that the client knows the subject by. Empty: the subject itself. */
  readonly obfuscatedSubject: string;
  readonly scope: readonly string[];
  readonly audience: readonly string[];
  readonly ext: JsonObject | undefined;
}

/** Both: all that is known of a token. */
export type TokenFacts = Omit<PresentedToken, "said" | "narrowed"> & TokenContent;
