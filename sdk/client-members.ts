import { getOption } from "@bufbuild/protobuf";
import { ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { json } from "#gen/writ/options_pb.ts";

/** Names of the members that a client has in the JSON of the admin API, as the contract has them. */
export const CLIENT_MEMBERS: readonly string[] = ClientSchema.fields.flatMap((field) =>
  field.message !== undefined && getOption(field, json).inline ? field.message.fields.map(({ name }) => name) : [field.name],
);
