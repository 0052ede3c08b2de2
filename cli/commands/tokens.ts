import { type Command, InvalidArgumentError, Option } from "commander";
import { type ApiFlags, postForm, readAnswer } from "../api.ts";
import type { CodeFlags } from "../authorization-code.ts";
import { type CredentialFlags, credentialsOf, postAsClient } from "../client-credentials.ts";
import { collect } from "../client-flags.ts";
import type { DeviceFlags } from "../device-code.ts";
import { ID_VIEW, type OutputFlags, printOne, type View } from "../output.ts";
import { TOKEN_VIEW, tokenOf } from "../token-view.ts";
import { apiCommand } from "./common.ts";

type Flags = ApiFlags & OutputFlags & CredentialFlags & { readonly scope?: readonly string[]; readonly audience?: readonly string[] };

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
  withClient(apiCommand(parents.perform, "public", "authorization-code", "Get tokens by a login in the browser (RFC 6749 §4.1)"))
    .option("-p, --port <port>", "port of the callback server on 127.0.0.1", portNumber, 4446)
    .option("--scope <scopes>", "scopes to ask for; offline,openid unless given", collect)
    .option("--audience <audience>", "audience to ask for", collect)
    .option("--prompt <prompts>", "login, consent, none, select_account", collect)
    .option("--max-age <seconds>", "how old the login may be; -1: of any age", wholeNumber, -1)
    .option("--redirect <url>", "redirect_uri; else http://127.0.0.1:PORT/callback")
    .option("--auth-url <url>", "authorization endpoint; else by discovery")
    .option("--token-url <url>", "token endpoint; else by discovery")
    .option("--state <state>", "state to send; else a random one")
    .option("--response-mode <mode>", "query, fragment or form_post")
    .option("--no-open", "open no browser")
    .option("--no-shutdown", "go on after an answer, until Ctrl-C")
    .option("--skip", "begin without the start page")
    .option("--https", "callback server with a certificate made for this run, of which the browser warns")
    .action(async (flags: CodeFlags) => (await import("../authorization-code.ts")).performAuthorizationCode(flags));
  withClient(apiCommand(parents.perform, "public", "device-code", "Get tokens as a device that a person connects in a browser (RFC 8628)"))
    .option("--scope <scopes>", "scopes to ask for; offline,openid unless given", collect)
    .option("--audience <audience>", "audience to ask for", collect)
    .option("--device-auth-url <url>", "device authorization endpoint; else by discovery")
    .option("--token-url <url>", "token endpoint; else by discovery")
    .addOption(new Option("-p, --port <port>").hideHelp().argParser(refusePages))
    .action(async (flags: DeviceFlags) => (await import("../device-code.ts")).performDeviceCode(flags));
  apiCommand(parents.introspect, "admin", "token", "Say what is known of a token")
    .argument("<token>")
    .option("--scope <scopes>", "scopes that it must have, or it is shown as not active", collect)
    .action(introspect);
  withClient(apiCommand(parents.revoke, "public", "token", "Revoke a token of a client (RFC 7009)"))
    .argument("<token>")
    .action(revoke);
}

function wholeNumber(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is no whole number.");
  return Number(text);
}

function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port < 0 || port > 65_535) throw new InvalidArgumentError("It is no port.");
  return port;
}

/** Hydra's -1 asks for no pages. */
function refusePages(port: string): string {
  if (port === "-1") return port;
  throw new InvalidArgumentError("This command has no pages of its own. 'writ serve demo' has those for entering a code.");
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
