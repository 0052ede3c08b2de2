import { OAuthError } from "#lib/errors.ts";
import type { Handler } from "../http/exchange.ts";

/**
 * Where Hydra issues userinfo verifiable credentials by an early draft. Here none are issued, whoever asks for whichever: who
 * looks for them is told so, in the draft's own words, and not that there is no such path.
 * @see OpenID4VCI draft 11 §7.3.1.1
 */
export const credentialsEndpoint: Handler = () => {
  throw new OAuthError("unsupported_credential_type", "This server issues no verifiable credentials");
};
