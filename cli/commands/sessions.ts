import type { Command } from "commander";
import { type ApiFlags, api } from "../api.ts";
import { CliError } from "../cli-error.ts";
import { ID_VIEW, type OutputFlags, printMany, printOne, type View } from "../output.ts";
import { nextPageToken } from "../page-token.ts";
import { apiCommand } from "./common.ts";

type Flags = ApiFlags &
  OutputFlags & {
    readonly subject?: string;
    readonly sid?: string;
    readonly client?: string;
    readonly all?: boolean;
    readonly id?: string;
    readonly pageSize?: string;
    readonly pageToken?: string;
  };

/** A consent session, as far as it is shown. */
interface ConsentSession {
  readonly consent_request_id: string;
  readonly grant_scope: readonly string[];
  readonly remember: boolean;
  readonly handled_at: string;
  readonly consent_request: { readonly subject: string; readonly login_session_id: string; readonly client?: { readonly client_id?: string } };
}

const CONSENT_VIEW: View<ConsentSession> = {
  id: (session) => session.consent_request_id,
  columns: {
    ID: (session) => session.consent_request_id,
    SUBJECT: (session) => session.consent_request.subject,
    "CLIENT ID": (session) => session.consent_request.client?.client_id ?? "",
    SCOPE: (session) => session.grant_scope.join(" "),
    REMEMBERED: (session) => String(session.remember),
    "HANDLED AT": (session) => session.handled_at,
  },
};

const CONSENT = "/admin/oauth2/auth/sessions/consent";
const LOGIN = "/admin/oauth2/auth/sessions/login";

/** Commands about what people agreed to, and where they are logged in. */
export function sessionCommands(parents: Readonly<Record<"list" | "revoke", Command>>): void {
  apiCommand(parents.list, "admin", "consent-sessions", "List what a subject agreed to")
    .requiredOption("--subject <subject>", "whose")
    .option("--sid <sid>", "only those of this login session")
    .option("--page-size <n>", "how many at once: 1 to 500")
    .option("--page-token <token>", "go on after the page before")
    .action(listConsentSessions);
  apiCommand(parents.revoke, "admin", "consent-sessions", "Revoke what a subject agreed to, and the tokens that came of it")
    .option("--id <consent_request_id>", "one of them")
    .option("--subject <subject>", "whose; with --client or --all")
    .option("--client <client_id>", "those to one client")
    .option("--all", "those to all clients")
    .action(revokeConsentSessions);
  apiCommand(parents.revoke, "admin", "login-sessions", "Make browsers log in again; tokens live on")
    .option("--subject <subject>", "all of a subject")
    .option("--sid <sid>", "one")
    .action(revokeLoginSessions);
}

async function listConsentSessions(flags: Flags): Promise<void> {
  const query = queryOf({ subject: flags.subject, login_session_id: flags.sid, page_size: flags.pageSize, page_token: flags.pageToken });
  const { body, headers } = await api(flags, "GET", `${CONSENT}?${query}`);
  const next = nextPageToken(headers.link);
  await printMany(flags, CONSENT_VIEW, body as ConsentSession[], { items: body, next_page_token: next, is_last_page: next === "" }, [
    ["NEXT PAGE TOKEN", next],
    ["IS LAST PAGE", String(next === "")],
  ]);
}

async function revokeConsentSessions(flags: Flags): Promise<void> {
  const { id, subject, client, all } = flags;
  if (id === undefined && (subject === undefined || (client === undefined && all !== true)))
    throw new CliError("Say which consents: --id ID, or --subject SUBJECT with --client CLIENT_ID or with --all.");
  await api(flags, "DELETE", `${CONSENT}?${queryOf({ consent_request_id: id, subject, client, all: all === true ? "true" : undefined })}`);
  await printOne(flags, ID_VIEW, id ?? subject ?? "");
}

async function revokeLoginSessions(flags: Flags): Promise<void> {
  const { subject, sid } = flags;
  if ((subject === undefined) === (sid === undefined)) throw new CliError("Say which sessions: --subject SUBJECT, or --sid SID.");
  await api(flags, "DELETE", `${LOGIN}?${queryOf({ subject, sid })}`);
  await printOne(flags, ID_VIEW, subject ?? sid ?? "");
}

function queryOf(parameters: Readonly<Record<string, string | undefined>>): URLSearchParams {
  return new URLSearchParams(Object.entries(parameters).filter((each): each is [string, string] => each[1] !== undefined));
}
