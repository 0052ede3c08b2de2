import { create, toBinary } from "@bufbuild/protobuf";
import { AuthorizationCodeSchema } from "#gen/writ/store/v1/token_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { addMillis, type EpochMillis, fromSeconds, toSeconds } from "#lib/time.ts";
import type { Grant } from "../model/grant.ts";
import { type Issuing, issueAccessToken, issueIdToken, lifetimesOf, prepareIssuing } from "../token/issue-of-grant.ts";
import type { AuthorizeDeps, Flow } from "./flow.ts";
import type { ResponseParameters } from "./response-modes.ts";
import { type ResponseType, requireResponseType } from "./response-types.ts";

/** All that a response needs and that could fail, gathered before the consent is redeemed. */
export interface PreparedResponse {
  readonly type: ResponseType;
  /** Of the code, in seconds since the epoch. */
  readonly codeExpiry: number;
  /** Undefined: nothing but a code is issued. */
  readonly issuing: Issuing | undefined;
  /** Expiry of the last of what the response holds. */
  readonly expiresAt: EpochMillis;
}

/**
 * Gathers what the response to a consent needs; to one that was rejected it holds no tokens.
 * @throws OAuthError that the client may be told
 */
export async function prepareResponse(deps: AuthorizeDeps, { client, request, now }: Flow, grant: Grant): Promise<PreparedResponse> {
  const { compatHydra, ttl } = deps.settings;
  // Looked at again: tokens are given to nobody who may no more have them by this way.
  const type = requireResponseType(client.record.client, request.responseType || "code", compatHydra);
  const codeExpiry = toSeconds(addMillis(now, ttl.authCode));
  const plain = { type, codeExpiry, issuing: undefined, expiresAt: fromSeconds(codeExpiry) };
  const { consent } = grant.record;
  if ((!type.givesAccessToken && !type.givesIdToken) || consent?.outcome.case === "rejected") return plain;
  if (consent?.outcome.case !== "accepted") throw new OAuthError("temporarily_unavailable", "The consent is not known here yet; try again");
  if (type.givesIdToken && !consent.outcome.value.scope.includes("openid"))
    throw new OAuthError(compatHydra ? "unsupported_response_type" : "access_denied", "The scope openid was not granted, without which there is no ID token");
  const { lifespans } = client.record.client;
  const lifetimes = lifetimesOf(deps, { accessToken: lifespans?.implicitGrantAccessTokenLifespan, refreshToken: undefined, idToken: lifespans?.implicitGrantIdTokenLifespan });
  const parts = { accessToken: type.givesAccessToken, refreshToken: false, idToken: type.givesIdToken };
  const issuing = await prepareIssuing(deps, { client, grant, scope: undefined, lifetimes, request: undefined, parts }, now);
  return { ...plain, issuing, expiresAt: type.givesCode && plain.expiresAt > issuing.expiresAt ? plain.expiresAt : issuing.expiresAt };
}

/**
 * The parameters of a response, but for those that every one has.
 * @see RFC 6749 §4.1.2, §4.2.2, OIDC Core §3.2.2.5, §3.3.2.5
 */
export async function makeResponse(deps: AuthorizeDeps, { type, codeExpiry, issuing }: PreparedResponse, grant: Grant, now: EpochMillis): Promise<ResponseParameters> {
  const code = type.givesCode ? sealCode(deps, grant, codeExpiry) : "";
  const access = issuing !== undefined && type.givesAccessToken ? issueAccessToken(deps, issuing, grant, now) : undefined;
  const bound = { grant, accessToken: access?.accessToken ?? "", code, state: grant.record.request?.state }; // OIDC Core §3.3.2.11
  const idToken = issuing === undefined ? "" : await issueIdToken(deps, issuing, bound, now);
  if (idToken !== "" && access === undefined) deps.log.info("token_issued", { client_id: grant.clientId, id_token: true });
  return {
    ...(code === "" ? {} : { code }),
    ...(access === undefined ? {} : { access_token: access.accessToken, token_type: deps.settings.tokenType, expires_in: String(access.expiresIn) }),
    ...(code === "" && access === undefined ? {} : { scope: grantedScope(grant) }),
    ...(idToken === "" ? {} : { id_token: idToken }),
  };
}

function sealCode({ sealer, log }: AuthorizeDeps, grant: Grant, expiresAt: number): string {
  const code = create(AuthorizationCodeSchema, { grant: { id: grant.id, birth: grant.birth }, expiresAt });
  log.info("code_issued", { client_id: grant.clientId });
  return sealer.seal("authorization_code", toBinary(AuthorizationCodeSchema, code));
}

function grantedScope({ record }: Grant): string {
  const { outcome } = record.consent ?? {};
  if (outcome?.case !== "accepted") throw new Error("a redeemed consent that was not accepted");
  return outcome.value.scope.join(" ");
}
