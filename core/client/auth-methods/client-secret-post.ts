import { OAuthError } from "#lib/errors.ts";
import { isSecretOf } from "../secret.ts";
import type { AuthMethod } from "./auth-method.ts";

/** @see RFC 6749 §2.3.1 */
export const clientSecretPost: AuthMethod = {
  read({ clientId, clientSecret }) {
    if (clientSecret === "") return undefined;
    if (clientId === "") throw new OAuthError("invalid_request", "'client_id' is missing beside 'client_secret'");
    return { clientId, isRight: (deps, { record }) => isSecretOf(deps, record, clientSecret) };
  },
};
