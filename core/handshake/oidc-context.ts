import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OidcContextSchema } from "#gen/writ/admin/v1/handshake_pb.ts";
import type { AuthorizationRequest } from "#gen/writ/store/v1/grant_pb.ts";

/** What a request wishes for the pages that people see. */
export function toOidcContext({ acrValues, uiLocales, display, loginHint, idTokenHintClaims }: AuthorizationRequest): MessageInitShape<typeof OidcContextSchema> {
  return { acrValues, uiLocales, display, loginHint, ...(idTokenHintClaims === undefined ? {} : { idTokenHintClaims }) };
}
