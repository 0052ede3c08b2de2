import type { Command } from "commander";

/** A client as the admin API has it. */
export type ClientJson = Readonly<Record<string, unknown>>;

interface Flag {
  readonly option: string;
  readonly member: string;
  readonly about: string;
  readonly kind: "text" | "list" | "boolean" | "words" | "json";
  /** What is sent on create when the flag is not given. */
  readonly initial?: unknown;
}

/** The flags of create and update, by Hydra's names. */
const FLAGS: readonly Flag[] = [
  { option: "--name <name>", member: "client_name", kind: "text", about: "name for people" },
  { option: "--owner <owner>", member: "owner", kind: "text", about: "free text to search by" },
  { option: "--contact <contacts>", member: "contacts", kind: "list", about: "people responsible" },
  { option: "--redirect-uri <uris>", member: "redirect_uris", kind: "list", about: "allowed redirect URIs" },
  { option: "--grant-type <types>", member: "grant_types", kind: "list", about: "allowed grant types", initial: ["authorization_code"] },
  { option: "--response-type <types>", member: "response_types", kind: "list", about: "allowed response types", initial: ["code"] },
  { option: "--scope <scopes>", member: "scope", kind: "words", about: "scopes that it may ask for" },
  { option: "--audience <audience>", member: "audience", kind: "list", about: "audience that it may ask for" },
  {
    option: "--token-endpoint-auth-method <method>",
    member: "token_endpoint_auth_method",
    kind: "text",
    about: "client_secret_basic, client_secret_post or none",
    initial: "client_secret_basic",
  },
  { option: "--secret <secret>", member: "client_secret", kind: "text", about: "secret; generated when not given" },
  { option: "--jwks-uri <uri>", member: "jwks_uri", kind: "text", about: "where its public keys are" },
  { option: "--policy-uri <uri>", member: "policy_uri", kind: "text", about: "privacy policy" },
  { option: "--tos-uri <uri>", member: "tos_uri", kind: "text", about: "terms of service" },
  { option: "--client-uri <uri>", member: "client_uri", kind: "text", about: "home page" },
  { option: "--logo-uri <uri>", member: "logo_uri", kind: "text", about: "logo" },
  { option: "--allowed-cors-origin <origins>", member: "allowed_cors_origins", kind: "list", about: "origins of its pages" },
  { option: "--subject-type <type>", member: "subject_type", kind: "text", about: "public or pairwise", initial: "public" },
  { option: "--sector-identifier-uri <uri>", member: "sector_identifier_uri", kind: "text", about: "for pairwise subjects" },
  { option: "--post-logout-callback <uris>", member: "post_logout_redirect_uris", kind: "list", about: "allowed URIs after logout" },
  { option: "--frontchannel-logout-callback <uri>", member: "frontchannel_logout_uri", kind: "text", about: "front-channel logout URI" },
  { option: "--frontchannel-logout-session-required", member: "frontchannel_logout_session_required", kind: "boolean", about: "send iss and sid there" },
  { option: "--backchannel-logout-callback <uri>", member: "backchannel_logout_uri", kind: "text", about: "back-channel logout URI" },
  { option: "--backchannel-logout-session-required", member: "backchannel_logout_session_required", kind: "boolean", about: "send sid there" },
  { option: "--request-uri <uris>", member: "request_uris", kind: "list", about: "allowed request URIs" },
  { option: "--request-object-signing-alg <alg>", member: "request_object_signing_alg", kind: "text", about: "algorithm of request objects", initial: "RS256" },
  { option: "--metadata <json>", member: "metadata", kind: "json", about: "JSON object kept with the client", initial: {} },
  { option: "--skip-consent", member: "skip_consent", kind: "boolean", about: "the consent app need not ask" },
  { option: "--skip-logout-consent", member: "skip_logout_consent", kind: "boolean", about: "the logout app need not ask" },
  { option: "--access-token-strategy <strategy>", member: "access_token_strategy", kind: "text", about: "opaque or jwt" },
];

/** Adds the flags to a command. */
export function addClientFlags(command: Command): Command {
  for (const { option, about, kind } of FLAGS) {
    if (kind === "list" || kind === "words") command.option(option, about, collect);
    else command.option(option, about);
  }
  return command;
}

/** Collects a flag that may be repeated or hold a list separated by commas. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [
    ...before,
    ...value
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== ""),
  ];
}

/** The client that the flags describe; every member that create sends. */
export function clientOf(flags: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const client: Record<string, unknown> = {};
  for (const flag of FLAGS) {
    const value = valueOf(flag, flags);
    if (value !== undefined || flag.initial !== undefined) client[flag.member] = value ?? flag.initial;
  }
  return client;
}

/** A JSON Patch of the flags that were given. */
export function patchOf(flags: Readonly<Record<string, unknown>>): { readonly op: "replace"; readonly path: string; readonly value: unknown }[] {
  return FLAGS.flatMap((flag) => {
    const value = valueOf(flag, flags);
    return value === undefined ? [] : [{ op: "replace" as const, path: `/${flag.member}`, value }];
  });
}

function valueOf({ option, kind }: Flag, flags: Readonly<Record<string, unknown>>): unknown {
  const name = (option.split(" ")[0] ?? "").slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const value = flags[name];
  if (value === undefined) return undefined;
  if (kind === "words" && Array.isArray(value)) return value.join(" ");
  if (kind === "json" && typeof value === "string") return JSON.parse(value) as unknown;
  return value;
}
