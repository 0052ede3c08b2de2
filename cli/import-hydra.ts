import { isDeepStrictEqual } from "node:util";
import { type ApiFlags, api, call, readAnswer } from "./api.ts";
import { CliError, RefusedError } from "./cli-error.ts";
import { type Change, changeOf, printChanges } from "./client-changes.ts";
import type { ClientJson } from "./client-flags.ts";
import { type ExportedIssuer, type ExportedKey, readHydraExport } from "./hydra-export.ts";
import { inputName } from "./input.ts";
import type { OutputFlags } from "./output.ts";
import { applyClient, keep } from "./put-client.ts";
import type { Jwk } from "./read-keys.ts";

/** Flags of `import hydra`. */
export type ImportHydraFlags = ApiFlags &
  OutputFlags & {
    readonly dryRun?: boolean;
    readonly makeSecrets?: boolean;
    readonly keepGoing?: boolean;
    /** Of keys whose file does not name one. */
    readonly set?: string;
  };

/** One thing to import, and how. */
interface Step {
  readonly name: string;
  /** What it comes to; with `dryRun` nothing is written. */
  act(dryRun: boolean): Promise<Imported>;
}

interface Imported {
  readonly change: Change;
  /** A secret that was made, which is shown this one time. */
  readonly secret?: string;
}

/** What Hydra writes in place of a secret: PBKDF2, or bcrypt. */
const HASH = /^\$(pbkdf2-sha\d+|2[aby]|argon2id)\$/;

/** What an operator has to know before the switch. */
const NOTES = `What does not come along:
  - access and refresh tokens of Hydra: Writ does not know them, so clients get new ones. JWT access tokens and ID tokens go on
    being verified by their keys, which are imported; whoever introspects them at Writ is told that they are not active.
  - login sessions and remembered consents: people log in again, and are asked again.
  - secrets that were rotated away, registration access tokens, flows under way.
`;

/**
 * Brings what Hydra exported into a Writ. It may be run again and again until the switch: what is there as it should be is
 * left alone.
 * @throws CliError with a line for each thing that the server does not take
 */
export async function importHydra(files: readonly string[], flags: ImportHydraFlags): Promise<void> {
  const { clients, keys, issuers, skipped, issues } = readHydraExport(files.length === 0 ? ["-"] : files, flags.set);
  const steps = [
    ...keys.map((key) => keyStep(flags, key)),
    ...issuers.map((each) => issuerStep(flags, each)),
    ...[...clients].map(([id, { json, file }]) => clientStep(flags, id, json, file)),
  ];
  const refused = [...issues];
  const good: Step[] = [];
  const planned: Imported[] = [];
  for (const step of steps) {
    const plan = await attempt(step, true, refused);
    if (plan === undefined) continue;
    good.push(step);
    planned.push(plan);
  }
  if (refused.length > 0 && flags.keepGoing !== true) throw new CliError(`${refused.join("\n")}\nNothing was changed. With --keep-going the rest is imported.`);
  const done = flags.dryRun === true ? planned : await carryOut(good, planned, refused);
  await printChanges(
    flags,
    done.map(({ change }) => change),
    flags.dryRun === true,
  );
  const secrets = done.flatMap(({ change, secret }) => (secret === undefined ? [] : [`  ${change.id}  ${secret}`]));
  if (secrets.length > 0) process.stderr.write(`New secrets, shown this one time:\n${secrets.join("\n")}\n`);
  process.stderr.write(`${skipped.map((each) => `Skipped: ${each}\n`).join("")}${NOTES}`);
  if (refused.length > 0) throw new CliError(`${refused.join("\n")}\n${refused.length} could not be imported.`);
}

async function carryOut(steps: readonly Step[], planned: readonly Imported[], refused: string[]): Promise<Imported[]> {
  const done: Imported[] = [];
  for (const [i, step] of steps.entries()) {
    const plan = planned[i];
    const imported = plan?.change.action === "none" ? plan : await attempt(step, false, refused);
    if (imported !== undefined) done.push(imported);
  }
  return done;
}

async function attempt(step: Step, dryRun: boolean, refused: string[]): Promise<Imported | undefined> {
  try {
    return await step.act(dryRun);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    refused.push(`${step.name}: ${error.message}`);
    return undefined;
  }
}

function clientStep(flags: ImportHydraFlags, id: string, json: ClientJson, file: string): Step {
  const { client_secret: secret, ...rest } = json;
  const isHash = typeof secret === "string" && HASH.test(secret);
  const client = isHash || secret === "" || secret === null ? rest : json;
  const body = { client, ...(isHash ? { client_secret_hash: secret } : {}), make_secret: flags.makeSecrets === true };
  return {
    name: `${inputName(file)}: the client '${id}'`,
    async act(dryRun) {
      const applied = await applyClient(flags, id, { ...body, dry_run: dryRun });
      if ("refused" in applied) throw new RefusedError(hinted(applied.refused));
      const made = isHash || client.client_secret !== undefined ? undefined : applied.after.client_secret;
      return { change: changeOf(id, applied), ...(typeof made === "string" ? { secret: made } : {}) };
    },
  };
}

/** Hydra's API shows no secret and no hash: whoever only has its lists cannot bring them along. */
function hinted(description: string): string {
  return /'client_secret' is missing/.test(description)
    ? `${description}. Hydra's API does not show its hash: add rows of 'id' and 'client_secret' from the table hydra_client, or have new secrets made by --make-secrets`
    : description;
}

function keyStep(flags: ImportHydraFlags, { set, kid, jwk }: ExportedKey): Step {
  const path = `/admin/keys/${encodeURIComponent(set)}/${encodeURIComponent(kid)}`;
  return {
    name: `the key '${kid}' of ${set}`,
    async act(dryRun) {
      const known = await call(flags, "GET", path);
      const before = known.status === 404 ? undefined : ((readAnswer(known, "admin").body as { readonly keys?: readonly Jwk[] }).keys?.[0] ?? {});
      const change: Change = { kind: "key", id: `${set}/${kid}`, action: before === undefined ? "create" : isSameKey(before, jwk) ? "none" : "update", differences: [] };
      if (dryRun || change.action === "none") return { change };
      await keep(flags, "PUT", path, jwk);
      return { change };
    },
  };
}

const ISSUERS = "/admin/trust/grants/jwt-bearer/issuers";

/** A trusted issuer cannot be changed: one that differs is made anew. */
function issuerStep(flags: ImportHydraFlags, { issuer, subject, scope, expiresAt, key }: ExportedIssuer): Step {
  return {
    name: `the trusted issuer '${issuer}'`,
    async act(dryRun) {
      const listed = (await api(flags, "GET", `${ISSUERS}?${new URLSearchParams({ issuer, page_size: "500" })}`)).body as readonly TrustedIssuer[];
      const before = listed.find((each) => (each.subject ?? "") === subject && each.public_key?.kid === key.kid);
      const isSame = before !== undefined && isDeepStrictEqual(before.scope, scope) && Date.parse(before.expires_at ?? "") === Date.parse(expiresAt);
      const change: Change = { kind: "issuer", id: `${issuer}/${key.kid}`, action: before === undefined ? "create" : isSame ? "none" : "update", differences: [] };
      if (dryRun || change.action === "none") return { change };
      if (before !== undefined) await api(flags, "DELETE", `${ISSUERS}/${encodeURIComponent(before.id ?? "")}`);
      const body = { issuer, ...(subject === "" ? { allow_any_subject: true } : { subject }), scope, jwk: key.jwk, expires_at: expiresAt };
      await keep(flags, "POST", ISSUERS, body);
      return { change };
    },
  };
}

interface TrustedIssuer {
  readonly id?: string;
  readonly subject?: string;
  readonly scope?: readonly string[];
  readonly public_key?: { readonly kid?: string };
  readonly expires_at?: string;
}

/** Whether they are one key, with its private part or without. */
function isSameKey(before: Jwk, after: Jwk): boolean {
  return ["kty", "crv", "x", "y", "n", "e", "d", "k"].every((member) => (before[member] ?? "") === (after[member] ?? ""));
}
