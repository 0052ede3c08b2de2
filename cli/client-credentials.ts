import { type ApiFlags, postForm } from "./api.ts";
import { CliError } from "./cli-error.ts";
import type { CliResponse } from "./http-request.ts";

/** Flags that name a client and its secret. */
export interface CredentialFlags {
  readonly clientId?: string;
  readonly clientSecret?: string;
}

/** A client and its secret. */
export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** From the flags, else the environment. @throws CliError that says how to give them */
export function credentialsOf({ clientId, clientSecret }: CredentialFlags): Credentials {
  const id = clientId ?? process.env.OAUTH2_CLIENT_ID;
  const secret = clientSecret ?? process.env.OAUTH2_CLIENT_SECRET;
  if (!id || !secret) throw new CliError("The client is not named. Give OAUTH2_CLIENT_ID and OAUTH2_CLIENT_SECRET in the environment, or --client-id and --client-secret.");
  return { clientId: id, clientSecret: secret };
}

/** Posts a form to the public port as a client: by Basic, and where that is refused, as Hydra does, with the secret in the form (RFC 6749 §2.3.1). */
export async function postAsClient(flags: ApiFlags, path: string, form: URLSearchParams, { clientId, clientSecret }: Credentials): Promise<CliResponse> {
  const first = await postForm(flags, "public", path, form, { authorization: basic(clientId, clientSecret) });
  if (first.status !== 401) return first;
  const second = await postForm(flags, "public", path, new URLSearchParams([...form, ["client_id", clientId], ["client_secret", clientSecret]]));
  return second.status === 401 ? first : second;
}

/** RFC 6749 §2.3.1, App. B: both halves are form-encoded first. */
function basic(id: string, secret: string): string {
  const encode = (text: string): string => new URLSearchParams([["", text]]).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
}
