import type { Command } from "commander";
import { type ApiFlags, postForm, readAnswer } from "../api.ts";
import { CliError } from "../cli-error.ts";
import { type CredentialFlags, credentialsOf, postAsClient } from "../client-credentials.ts";
import { collect } from "../client-flags.ts";
import { ID_VIEW, type OutputFlags, printOne, type View } from "../output.ts";
import { apiCommand } from "./common.ts";

type Flags = ApiFlags & OutputFlags & CredentialFlags & { readonly scope?: readonly string[]; readonly audience?: readonly string[] };

/** A token as Hydra's command shows it. */
interface Token {
  readonly access_token: string;
  readonly token_type: string;
  readonly refresh_token?: string;
  /** RFC 3339; empty: the server did not say. */
  readonly expiry: string;
}

const TOKEN_VIEW: View<Token> = {
  id: (token) => token.access_token,
  columns: { "ACCESS TOKEN": (token) => token.access_token, "REFRESH TOKEN": (token) => token.refresh_token ?? "", "ID TOKEN": () => "", EXPIRY: (token) => token.expiry },
};

type Introspection = Readonly<Record<string, unknown>>;

const INTROSPECTION_VIEW: View<Introspection> = {
  id: (answer) => String(answer.active),
  columns: {
    ACTIVE: (answer) => String(answer.active),
    SUBJECT: (answer) => String(answer.sub ?? ""),
    "CLIENT ID": (answer) => String(answer.client_id ?? ""),
    SCOPE: (answer) => String(answer.scope ?? ""),
    EXPIRY: (answer) => (typeof answer.exp === "number" ? new Date(answer.exp * 1000).toISOString() : ""),
    "TOKEN USE": (answer) => String(answer.token_use ?? ""),
  },
};

/** Commands that get, look at and end tokens. */
export function tokenCommands(parents: Readonly<Record<"perform" | "introspect" | "revoke", Command>>): void {
  withClient(apiCommand(parents.perform, "public", "client-credentials", "Get an access token by client credentials (RFC 6749 §4.4)"))
    .option("--scope <scopes>", "scopes to ask for", collect)
    .option("--audience <audience>", "audience to ask for", collect)
    .action(performClientCredentials);
  apiCommand(parents.introspect, "admin", "token", "Say what is known of a token")
    .argument("<token>")
    .option("--scope <scopes>", "scopes that it must have, or it is shown as not active", collect)
    .action(introspect);
  withClient(apiCommand(parents.revoke, "public", "token", "Revoke a token of a client (RFC 7009)"))
    .argument("<token>")
    .action(revoke);
}

function withClient(command: Command): Command {
  return command
    .option("--client-id <id>", "client_id; else OAUTH2_CLIENT_ID")
    .option("--client-secret <secret>", "its secret; else OAUTH2_CLIENT_SECRET, which other users of this machine do not see");
}

async function performClientCredentials(flags: Flags): Promise<void> {
  const form = new URLSearchParams({ grant_type: "client_credentials", scope: (flags.scope ?? []).join(" ") });
  for (const audience of flags.audience ?? []) form.append("audience", audience);
  const asked = Date.now();
  const { body } = readAnswer(await postAsClient(flags, "/oauth2/token", form, credentialsOf(flags)), "public");
  await printOne(flags, TOKEN_VIEW, tokenOf(body as Readonly<Record<string, unknown>>, asked));
}

function tokenOf(
  { access_token: accessToken, token_type: tokenType, refresh_token: refreshToken, expires_in: expiresIn }: Readonly<Record<string, unknown>>,
  asked: number,
): Token {
  if (typeof accessToken !== "string") throw new CliError("The server's answer holds no access token. Is the endpoint really the public port?");
  return {
    access_token: accessToken,
    token_type: typeof tokenType === "string" ? tokenType : "",
    ...(typeof refreshToken === "string" ? { refresh_token: refreshToken } : {}),
    expiry: typeof expiresIn === "number" ? new Date(asked + expiresIn * 1000).toISOString() : "",
  };
}

async function introspect(token: string, flags: Flags): Promise<void> {
  const form = new URLSearchParams({ token, scope: (flags.scope ?? []).join(" ") });
  const { body } = readAnswer(await postForm(flags, "admin", "/admin/oauth2/introspect", form), "admin");
  await printOne(flags, INTROSPECTION_VIEW, body as Introspection);
}

async function revoke(token: string, flags: Flags): Promise<void> {
  const answer = await postAsClient(flags, "/oauth2/revoke", new URLSearchParams({ token }), credentialsOf(flags));
  // RFC 7009 §2.2: what stands in the body of a good answer means nothing.
  if (answer.status !== 200) readAnswer(answer, "public");
  await printOne(flags, ID_VIEW, token);
}
