import { CliError } from "./cli-error.ts";
import type { View } from "./output.ts";

/** Tokens as Hydra's commands show them; the ID token beside them is ours. */
export interface TokenRow {
  readonly access_token: string;
  readonly token_type: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  /** RFC 3339; empty: the server did not say. */
  readonly expiry: string;
}

/** The columns of a token. */
export const TOKEN_VIEW: View<TokenRow> = {
  id: (token) => token.access_token,
  columns: {
    "ACCESS TOKEN": (token) => token.access_token,
    "REFRESH TOKEN": (token) => token.refresh_token ?? "",
    "ID TOKEN": (token) => token.id_token ?? "",
    EXPIRY: (token) => token.expiry,
  },
};

/** What a token answer holds (RFC 6749 §5.1). `asked`: when it was asked for. @throws CliError when it holds no token */
export function tokenOf(answer: Readonly<Record<string, unknown>>, asked: number): TokenRow {
  const { access_token: accessToken, token_type: tokenType, refresh_token: refreshToken, id_token: idToken, expires_in: expiresIn } = answer;
  if (typeof accessToken !== "string") throw new CliError("The server's answer holds no access token. Is the endpoint really the public port?");
  return {
    access_token: accessToken,
    token_type: typeof tokenType === "string" ? tokenType : "",
    ...(typeof refreshToken === "string" ? { refresh_token: refreshToken } : {}),
    ...(typeof idToken === "string" ? { id_token: idToken } : {}),
    expiry: typeof expiresIn === "number" ? new Date(asked + expiresIn * 1000).toISOString() : "",
  };
}
