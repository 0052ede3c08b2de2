import type { AuthMethod } from "./auth-method.ts";

/** A public client says its id and proves nothing. @see RFC 6749 §3.2.1 */
export const none: AuthMethod = {
  read({ authorization, clientId, clientSecret, clientAssertion, clientAssertionType }) {
    const bringsProof = authorization !== "" || clientSecret !== "" || clientAssertion !== "" || clientAssertionType !== "";
    return clientId === "" || bringsProof ? undefined : { clientId, isRight: () => true };
  },
};
