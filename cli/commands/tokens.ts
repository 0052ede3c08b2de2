import type { Command } from "commander";
import { type ApiAnswer, type ApiFlags, expectGood, postForm } from "../api.ts";
import { CliError } from "../cli-error.ts";
import { collect } from "../client-flags.ts";
import { type OutputFlags, printOne, type View } from "../output.ts";
import { apiCommand } from "./common.ts";

type Flags = ApiFlags & OutputFlags & { readonly clientId?: string; readonly clientSecret?: string; readonly scope?: readonly string[]; readonly audience?: readonly string[] };

interface Token {
  readonly access_token: string;
  readonly token_type: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  /** RFC 3339. */
  readonly expiry: string;
}

const TOKEN_VIEW: View<Token> = {
  id: (token) => token.access_token,
  columns: {
    "ACCESS TOKEN": (token) => token.access_token,
    "REFRESH TOKEN": (token) => token.refresh_token ?? "",
    "ID TOKEN": (token) => token.id_token ?? "",
    EXPIRY: (token) => token.expiry,
  },
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
  withClient(apiCommand(parents.perform, "client-credentials", "Get an access token by client credentials (RFC 6749 §4.4)"))
    .option("--scope <scopes>", "scopes to ask for", collect)
    .option("--audience <audience>", "audience to ask for", collect)
    .action(async (flags: Flags) => {
      const { clientId, clientSecret } = credentials(flags);
      const form = new URLSearchParams({ grant_type: "client_credentials", scope: (flags.scope ?? []).join(" ") });
      for (const audience of flags.audience ?? []) form.append("audience", audience);
      const asked = Date.now();
      let answer = await postForm(flags, "public", "/oauth2/token", form, { authorization: basic(clientId, clientSecret) });
      // A client that is registered for the other method is told so; as Hydra, the form is tried next.
      if (answer.status === 401) {
        form.set("client_id", clientId);
        form.set("client_secret", clientSecret);
        const second = await postForm(flags, "public", "/oauth2/token", form);
        if (second.status === 200) answer = second;
      }
      const body = expectGood(answer).body as { access_token: string; token_type: string; refresh_token?: string; expires_in: number };
      const token: Token = {
        access_token: body.access_token,
        token_type: body.token_type,
        ...(body.refresh_token === undefined ? {} : { refresh_token: body.refresh_token }),
        expiry: new Date(asked + body.expires_in * 1000).toISOString(),
      };
      await printOne(flags, TOKEN_VIEW, token);
    });

  apiCommand(parents.introspect, "token", "Say what is known of a token")
    .argument("<token>")
    .option("--scope <scopes>", "scopes that must all be granted", collect)
    .action(async (token: string, flags: Flags) => {
      const form = new URLSearchParams({ token, scope: (flags.scope ?? []).join(" ") });
      await printOne(flags, INTROSPECTION_VIEW, expectGood(await postForm(flags, "admin", "/admin/oauth2/introspect", form)).body as Introspection);
    });

  withClient(apiCommand(parents.revoke, "token", "Revoke a token of a client (RFC 7009)"))
    .argument("<token>")
    .action(async (token: string, flags: Flags) => {
      const { clientId, clientSecret } = credentials(flags);
      const answer: ApiAnswer = await postForm(flags, "public", "/oauth2/revoke", new URLSearchParams({ token }), { authorization: basic(clientId, clientSecret) });
      expectGood(answer);
      await printOne(flags, { id: (id: string) => id, columns: { ID: (id: string) => id } }, token);
    });
}

function withClient(command: Command): Command {
  return command
    .option("--client-id <id>", "client_id; else OAUTH2_CLIENT_ID")
    .option("--client-secret <secret>", "its secret; else OAUTH2_CLIENT_SECRET, which other users of the machine do not see");
}

function credentials({ clientId = process.env.OAUTH2_CLIENT_ID, clientSecret = process.env.OAUTH2_CLIENT_SECRET }: Flags): {
  readonly clientId: string;
  readonly clientSecret: string;
} {
  if (clientId === undefined || clientSecret === undefined)
    throw new CliError("The client is not named. Give --client-id and --client-secret, or OAUTH2_CLIENT_ID and OAUTH2_CLIENT_SECRET in the environment.");
  return { clientId, clientSecret };
}

/** RFC 6749 §2.3.1: both halves are form-encoded first. */
function basic(id: string, secret: string): string {
  const encode = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
}
