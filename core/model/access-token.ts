import type { JsonObject } from "@bufbuild/protobuf";
import type { TokenHandle } from "#gen/writ/store/v1/token_pb.ts";

/** What an access token says, whichever form it has. Times in whole seconds since the epoch. */
export interface AccessTokenFacts {
  readonly handle: TokenHandle;
  readonly clientId: string;
  /** Empty: the client itself. */
  readonly subject: string;
  readonly scope: readonly string[];
  readonly audience: readonly string[];
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly ext: JsonObject | undefined;
  /** `jti` (RFC 7519 §4.1.7). */
  readonly jti: string;
}
