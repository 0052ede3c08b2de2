import { clone, create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Client, ClientLifespansSchema, ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { ClientSettings } from "../settings.ts";
import { withDefaultEnc } from "./encryption.ts";
import { requireWithinLimits } from "./limits.ts";
import { normalizeLifespan, RULES } from "./rules.ts";

/** The whole of a client's metadata in bytes: every look-up reads it. */
const MAX_SIZE = 65_536;

/**
 * The metadata as it is kept: checked by every rule, defaults filled in as Hydra fills them, without the secret.
 * @throws OAuthError invalid_client_metadata or invalid_redirect_uri naming the member
 * @see RFC 7591 §2
 */
export function normalizeMetadata(settings: ClientSettings, client: Client, createdAt: EpochMillis, now: EpochMillis): Client {
  requireWithinLimits(client);
  for (const rule of RULES) rule(client, settings);
  const kept = clone(ClientSchema, client);
  delete kept.$unknown; // members that this version does not know were checked by nobody
  kept.clientSecret = "";
  kept.clientSecretExpiresAt = 0;
  kept.registrationAccessToken = "";
  kept.registrationClientUri = "";
  kept.scope = kept.scope || settings.defaultScope;
  kept.subjectType = kept.subjectType || (settings.subjectTypes[0] ?? "public");
  kept.tokenEndpointAuthMethod = kept.tokenEndpointAuthMethod || "client_secret_basic";
  kept.userinfoSignedResponseAlg = kept.userinfoSignedResponseAlg || "none";
  kept.createdAt = timestampFromMs(toSeconds(createdAt) * 1000);
  kept.updatedAt = timestampFromMs(toSeconds(now) * 1000);
  const encryption = withDefaultEnc(kept.encryption);
  if (encryption === undefined) delete kept.encryption;
  else kept.encryption = encryption;
  if (kept.lifespans !== undefined) {
    const lifespans = create(ClientLifespansSchema);
    for (const field of ClientLifespansSchema.fields) {
      const name = field.localName as keyof typeof lifespans;
      const value = kept.lifespans[name] as string | undefined;
      if (value !== undefined && value !== "") (lifespans as unknown as Record<string, string>)[name] = normalizeLifespan(field.name, value);
    }
    kept.lifespans = lifespans;
  }
  if (toBinary(ClientSchema, kept).length > MAX_SIZE) throw new OAuthError("invalid_client_metadata", `The client would be larger than ${MAX_SIZE} bytes`);
  return kept;
}
