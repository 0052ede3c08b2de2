import { fromJson, getOption, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import jsonPatch, { type Operation } from "fast-json-patch";
import { type Client, ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import type { JsonPatchOperation } from "#gen/writ/admin/v1/client_service_pb.ts";
import { json as jsonOption } from "#gen/writ/options_pb.ts";
import { OAuthError } from "#lib/errors.ts";

const MAX_OPERATIONS = 500;
const OPERATIONS = new Set(["add", "remove", "replace", "test"]);
/** What names the client or belongs to the server. */
const FIXED = /^\/(id|client_id|rotated_secrets|RotatedSecrets|created_at|updated_at|client_secret_expires_at|registration_access_token|registration_client_uri)(\/|$)/;
/** Members that stand among the client's own and are kept in a message inside it, with the name of that. */
const INSIDE = new Map(
  ClientSchema.fields.flatMap((field) =>
    field.fieldKind === "message" && getOption(field, jsonOption).inline ? field.message.fields.map(({ name }) => [name, field.name] as const) : [],
  ),
);

/**
 * Applies a JSON Patch to the JSON form of a client, all of it or none. As Hydra, `replace` of what is not there adds it,
 * and `add` makes the objects on its way.
 * @throws OAuthError invalid_request naming the operation that cannot be done
 * @see RFC 6902 §4
 */
export function patchClient(before: Client, patch: readonly JsonPatchOperation[]): Client {
  if (patch.length > MAX_OPERATIONS) throw refuse("the patch", `has more than ${MAX_OPERATIONS} operations`);
  let document: JsonObject = toPlain(before);
  patch.forEach((operation, i) => {
    document = applyOne(document, operation, `operation ${i}`);
  });
  try {
    return fromJson(ClientSchema, fromPlain(document), { ignoreUnknownFields: true });
  } catch (cause) {
    const [, member = "a member"] = /field (?:[\w.]+\.)?(\w+) from JSON/.exec(cause instanceof Error ? cause.message : "") ?? [];
    throw new OAuthError("invalid_request", `The patch gives '${member}' a value of the wrong type`, { cause });
  }
}

/** Changes `document`, which nobody else has: the whole is thrown away when one operation fails. */
function applyOne(document: JsonObject, { op, path, value }: JsonPatchOperation, name: string): JsonObject {
  if (!OPERATIONS.has(op)) throw refuse(name, `is '${op.slice(0, 20)}' and must be add, remove, replace or test`);
  if (!path.startsWith("/") || FIXED.test(path)) throw refuse(name, `may not touch '${path.slice(0, 100)}'`);
  if (op !== "remove" && value === undefined) throw refuse(name, "has no 'value'");
  const steps = path
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (steps.some((step) => step === "__proto__" || step === "constructor" || step === "prototype")) throw refuse(name, `may not touch '${path.slice(0, 100)}'`);
  try {
    const json = value === undefined ? undefined : toJson(ValueSchema, value);
    const verb = op === "replace" && !exists(document, steps) ? "add" : op;
    if (verb === "add") makeParents(document, steps);
    return jsonPatch.applyOperation(document, { op: verb, path, ...(json === undefined ? {} : { value: json }) } as Operation, true, true, true).newDocument as JsonObject;
  } catch (cause) {
    throw new OAuthError("invalid_request", `${name} of the patch (${op} '${path.slice(0, 100)}') cannot be done`, { cause });
  }
}

function exists(document: JsonValue, steps: readonly string[]): boolean {
  let at: JsonValue | undefined = document;
  for (const step of steps) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return false;
    at = (at as JsonObject)[step];
  }
  return true;
}

function makeParents(document: JsonObject, steps: readonly string[]): void {
  let at: JsonObject = document;
  for (const step of steps.slice(0, -1)) {
    if (!Object.hasOwn(at, step) || at[step] === null) at[step] = {};
    const next = at[step];
    if (typeof next !== "object" || next === null) return;
    at = next as JsonObject;
  }
}

/** The client as callers see it: every list there, what is kept in messages inside it among the other members. */
function toPlain(client: Client): JsonObject {
  const members = toJson(ClientSchema, client, { useProtoFieldName: true, alwaysEmitImplicit: true }) as JsonObject;
  for (const name of new Set(INSIDE.values())) {
    Object.assign(members, members[name]);
    delete members[name];
  }
  return members;
}

function fromPlain(document: JsonObject): JsonObject {
  const members: JsonObject = {};
  for (const name of INSIDE.values()) members[name] = {};
  for (const [name, value] of Object.entries(document)) {
    if (members[name] !== undefined && INSIDE.get(name) === undefined) continue; // no member of the client as callers see it
    const inside = INSIDE.get(name);
    ((inside === undefined ? members : members[inside]) as JsonObject)[name] = value;
  }
  return members;
}

function refuse(name: string, why: string): OAuthError {
  return new OAuthError("invalid_request", `${name} of the patch ${why}`);
}
