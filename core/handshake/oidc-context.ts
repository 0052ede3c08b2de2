import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OidcContextSchema } from "#gen/writ/admin/v1/handshake_pb.ts";
import type { AuthorizationRequest } from "#gen/writ/store/v1/grant_pb.ts";
import { wantedAcrValues } from "../model/claims-request.ts";
import { readJsonObject } from "./json.ts";

/** What a request wishes for the pages that people see. */
export function toOidcContext(request: AuthorizationRequest): MessageInitShape<typeof OidcContextSchema> {
  const { uiLocales, display, loginHint, idTokenHintClaims } = request;
  const claims = readJsonObject(request.claims);
  return {
    acrValues: wantedAcrValues(request),
    uiLocales,
    display,
    loginHint,
    ...(idTokenHintClaims === undefined ? {} : { idTokenHintClaims }),
    ...(claims === undefined ? {} : { claims }),
  };
}
