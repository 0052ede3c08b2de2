import { type Command, InvalidArgumentError, Option } from "commander";

/** A client as the admin API has it. */
export type ClientJson = Readonly<Record<string, unknown>>;

/** Values of flags as commander hands them over. */
export type FlagValues = Readonly<Record<string, unknown>>;

type Kind = "text" | "list" | "words" | "boolean" | "json";

interface Flag {
  readonly name: string;
  readonly member: string;
  readonly kind: Kind;
  readonly about: string;
  /** What is sent on create when the flag is not given, as Hydra sends it. */
  readonly initial?: unknown;
}

/** The flags of create and update, by Hydra's names. */
const FLAGS: readonly Flag[] = [
  { name: "name", member: "client_name", kind: "text", about: "name for people" },
  { name: "owner", member: "owner", kind: "text", about: "free text to search by" },
  { name: "contact", member: "contacts", kind: "list", about: "people responsible" },
  { name: "redirect-uri", member: "redirect_uris", kind: "list", about: "redirect URIs that it may use" },
  { name: "grant-type", member: "grant_types", kind: "list", about: "grant types that it may use", initial: ["authorization_code"] },
  { name: "response-type", member: "response_types", kind: "list", about: "response types that it may use", initial: ["code"] },
  { name: "scope", member: "scope", kind: "words", about: "scopes that it may ask for" },
  { name: "audience", member: "audience", kind: "list", about: "audience that it may ask for" },
  {
    name: "token-endpoint-auth-method",
    member: "token_endpoint_auth_method",
    kind: "text",
    about: "how it proves itself: client_secret_basic, client_secret_post, none",
    initial: "client_secret_basic",
  },
  { name: "secret", member: "client_secret", kind: "text", about: "its secret; the server makes one when none is given, which no other user of this machine sees" },
  { name: "jwks-uri", member: "jwks_uri", kind: "text", about: "where its public keys are" },
  { name: "policy-uri", member: "policy_uri", kind: "text", about: "its privacy policy" },
  { name: "tos-uri", member: "tos_uri", kind: "text", about: "its terms of service" },
  { name: "client-uri", member: "client_uri", kind: "text", about: "its home page" },
  { name: "logo-uri", member: "logo_uri", kind: "text", about: "its logo" },
  { name: "allowed-cors-origin", member: "allowed_cors_origins", kind: "list", about: "origins of its pages" },
  { name: "subject-type", member: "subject_type", kind: "text", about: "public or pairwise", initial: "public" },
  { name: "sector-identifier-uri", member: "sector_identifier_uri", kind: "text", about: "for pairwise subjects" },
  { name: "post-logout-callback", member: "post_logout_redirect_uris", kind: "list", about: "URIs that it may send to after logout" },
  { name: "frontchannel-logout-callback", member: "frontchannel_logout_uri", kind: "text", about: "front-channel logout URI" },
  { name: "frontchannel-logout-session-required", member: "frontchannel_logout_session_required", kind: "boolean", about: "send iss and sid there" },
  { name: "backchannel-logout-callback", member: "backchannel_logout_uri", kind: "text", about: "back-channel logout URI" },
  { name: "backchannel-logout-session-required", member: "backchannel_logout_session_required", kind: "boolean", about: "send sid there" },
  { name: "request-uri", member: "request_uris", kind: "list", about: "request URIs that it may use" },
  { name: "request-object-signing-alg", member: "request_object_signing_alg", kind: "text", about: "algorithm of its request objects", initial: "RS256" },
  { name: "id-token-signed-response-alg", member: "id_token_signed_response_alg", kind: "text", about: "algorithm of its ID tokens" },
  { name: "userinfo-signed-response-alg", member: "userinfo_signed_response_alg", kind: "text", about: "algorithm of its userinfo" },
  { name: "metadata", member: "metadata", kind: "json", about: "JSON object that is kept with it", initial: {} },
  { name: "skip-consent", member: "skip_consent", kind: "boolean", about: "the consent app need not ask" },
  { name: "skip-logout-consent", member: "skip_logout_consent", kind: "boolean", about: "the logout app need not ask" },
  { name: "access-token-strategy", member: "access_token_strategy", kind: "text", about: "opaque or jwt" },
];

/** Flags of Hydra that encrypt the secret that is printed. They are known so that nobody thinks it was. */
const ENCRYPTING = ["pgp-key", "pgp-key-url", "keybase"] as const;

/** Adds the flags to a command. */
export function addClientFlags(command: Command): Command {
  for (const { name, kind, about } of FLAGS) {
    if (kind === "boolean") command.option(`--${name}`, about).addOption(new Option(`--no-${name}`).hideHelp());
    else if (kind === "json") command.option(`--${name} <json>`, about, parseObject);
    else if (kind === "text") command.option(`--${name} <value>`, about);
    else command.option(`--${name} <values>`, `${about}; several: a,b or the flag again`, collect);
  }
  for (const name of ENCRYPTING) command.addOption(new Option(`--${name} <key>`).hideHelp().argParser(refuseEncrypting));
  return command;
}

/** Collects a flag that may be repeated, or hold a list separated by commas. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  const items = value.split(",").map((each) => each.trim());
  return [...before, ...items.filter((each) => each !== "")];
}

/** The client that the flags describe, with what create sends for those that were not given. */
export function clientOf(values: FlagValues): ClientJson {
  return Object.fromEntries(
    FLAGS.flatMap((flag) => {
      const value = valueOf(flag, values) ?? flag.initial;
      return value === undefined ? [] : [[flag.member, value] as const];
    }),
  );
}

/** A JSON Patch with one `replace` for each flag that was given (RFC 6902 §4.3). */
export function patchOf(values: FlagValues): readonly { readonly op: "replace"; readonly path: string; readonly value: unknown }[] {
  return FLAGS.flatMap((flag) => {
    const value = valueOf(flag, values);
    return value === undefined ? [] : [{ op: "replace" as const, path: `/${flag.member}`, value }];
  });
}

/** Go's spelling of flags that are yes or no, `--skip-consent=false`, in commander's: `--no-skip-consent`. */
export function spellBooleans(argv: readonly string[]): string[] {
  const names = new Set(FLAGS.filter(({ kind }) => kind === "boolean").map(({ name }) => name));
  const end = argv.indexOf("--");
  return argv.map((each, index) => {
    const [, name = "", value = ""] = (end === -1 || index < end ? /^--([a-z-]+)=(true|false|1|0)$/i.exec(each) : null) ?? [];
    return names.has(name) ? `--${/^(true|1)$/i.test(value) ? "" : "no-"}${name}` : each;
  });
}

function valueOf({ name, kind }: Flag, values: FlagValues): unknown {
  const value = values[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
  return kind === "words" && Array.isArray(value) ? value.join(" ") : value;
}

function parseObject(text: string): unknown {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // said below
  }
  throw new InvalidArgumentError("It is no JSON object.");
}

function refuseEncrypting(): never {
  throw new InvalidArgumentError("Writ does not encrypt what it prints; pipe the output of --format json into a tool that does.");
}
