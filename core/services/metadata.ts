import type { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";

/** The server itself. */
export function metadataService({ version }: Pick<Deps, "version">): Handlers<typeof MetadataService> {
  return { getVersion: () => ({ version }) };
}
