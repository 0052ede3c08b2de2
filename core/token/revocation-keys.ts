import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RevocationRecord } from "#gen/writ/store/v1/revocation_pb.ts";
import type { RevocationKeySchema } from "#gen/writ/token/v1/token_service_pb.ts";
import { addParts } from "#lib/hash.ts";
import { derive } from "#lib/seal.ts";
import type { LiveToken } from "./live-token.ts";

/** A key that a revocation event names, with the epoch that it was read at. */
export type RevocationKey = MessageInitShape<typeof RevocationKeySchema>;

/** Names what tokens depend on, without telling what it is. */
export interface RevocationKeys {
  /** All that can end the token, as it stood when the token was found alive. */
  ofToken(token: LiveToken): RevocationKey[];
  /** What an event moved, under every configured secret: an answer may have been given before the first was changed. */
  ofEvent(record: RevocationRecord): RevocationKey[];
}

/** Greater than any epoch that a counter reaches: the thing is gone for good. */
const ENDED = 0xffff_ffff;
const SIZE = 16;

interface Names {
  readonly client: Uint8Array;
  /** The token itself, or its grant. */
  readonly state: Uint8Array;
  readonly subject: Uint8Array | undefined;
  readonly consent: Uint8Array | undefined;
}

/** Makes the names from the system secrets. */
export function makeRevocationKeys(secrets: readonly string[], issuer: number): RevocationKeys {
  const hmacKeys = [...new Set(secrets)].map((secret) => createSecretKey(derive(secret, "writ revocation keys v1", 32)));
  const [current] = hmacKeys;
  if (current === undefined) throw new Error("no secret to name revocation keys with");
  const scope = Buffer.alloc(4);
  scope.writeUInt32BE(issuer);
  const name = (key: KeyObject, parts: readonly (string | Uint8Array)[]): Uint8Array => {
    const hmac = createHmac("sha256", key).update(scope);
    addParts(hmac, parts);
    return new Uint8Array(hmac.digest().subarray(0, SIZE));
  };
  const namesOf = ({ facts: { handle, clientId, subject }, grant }: LiveToken): Names => ({
    client: name(current, ["client", clientId, grant?.clientIncarnation ?? handle.clientIncarnation]),
    state: handle.state.case === "grant" ? name(current, ["grant", handle.state.value.id]) : name(current, ["token", handle.state.value ?? ""]),
    subject: subject === "" ? undefined : name(current, ["subject", subject]),
    consent: grant === undefined ? undefined : name(current, ["consent", subject, clientId]),
  });
  // What a token depends on never changes, and a token that is shown again has the same handle (`Deps.openedTokens`).
  const known = new WeakMap<object, Names>();
  return {
    ofToken(token) {
      const { facts, grant } = token;
      const { handle, use } = facts;
      const names = known.get(handle) ?? namesOf(token);
      known.set(handle, names);
      // A refresh token outlives the client's token epoch: of the client only its end matters.
      const keys = [
        { key: names.client, epoch: use === "access_token" ? handle.tokenEpoch : ENDED - 1 },
        { key: names.state, epoch: 0 },
      ];
      if (names.subject !== undefined) keys.push({ key: names.subject, epoch: grant?.grantEpoch ?? handle.grantEpoch });
      if (names.consent !== undefined && grant !== undefined) keys.push({ key: names.consent, epoch: grant.consentEpoch });
      return keys;
    },
    ofEvent(record) {
      const moved = eventParts(record);
      return moved === undefined ? [] : hmacKeys.map((key) => ({ key: name(key, moved.parts), epoch: moved.epoch }));
    },
  };
}

function eventParts({ target, epoch }: RevocationRecord): { readonly parts: readonly (string | Uint8Array)[]; readonly epoch: number } | undefined {
  switch (target.case) {
    case "token":
      return { parts: ["token", target.value], epoch: ENDED };
    case "client":
      return { parts: ["client", target.value.clientId, target.value.incarnation], epoch };
    case "clientDeleted":
      return { parts: ["client", target.value.clientId, target.value.incarnation], epoch: ENDED };
    case "grant":
      return { parts: ["grant", target.value], epoch: ENDED };
    case "subject":
      return { parts: ["subject", target.value], epoch };
    case "consent":
      return { parts: ["consent", target.value.subject, target.value.clientId], epoch };
    case undefined:
      return undefined;
  }
}
