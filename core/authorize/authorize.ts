import type { AuthorizeRequest } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { StoredClient } from "../model/client.ts";
import { getClient } from "../store/clients.ts";
import { errorPage, respondError, type Target, toResponseError } from "./answer.ts";
import { beginLogin } from "./begin.ts";
import { readBrowser } from "./cookies.ts";
import type { AuthorizeDeps } from "./flow.ts";
import { type ParameterMap, single, toParameterMap } from "./parameters.ts";
import { readRequest, readTarget } from "./request.ts";
import { resolveRequestObject } from "./request-object.ts";
import { MAX_URL, sameByGet } from "./request-url.ts";
import type { Answer } from "./response-modes.ts";
import { resumeFlow } from "./resume.ts";
import { watchSession } from "./session-state.ts";

/**
 * Authorization endpoint: a new request, or a browser that comes back with a verifier, beside which nothing else of the URL
 * is looked at.
 * @throws OAuthError for what even an error page could not be made of: it is for the gateway to show
 * @see RFC 6749 §3.1, §4.1.1, OIDC Core §3.1.2
 */
export async function authorize(deps: AuthorizeDeps, { context, cookie }: AuthorizeRequest, now: EpochMillis): Promise<Answer> {
  const parameters = toParameterMap(context?.parameters ?? []);
  const browser = readBrowser(deps, cookie);
  try {
    const resumed = resumeFlow(deps, parameters, browser, now);
    if (resumed !== undefined) return await resumed;
    // A form that another site posts comes without cookies (SameSite=Lax): the same by GET comes with them.
    if (context?.method === "POST" && browser.binding === undefined) return againByGet(deps, parameters);

    const client = await requireClient(deps, single(parameters, "client_id"));
    const { parameters: resolved, refusal } = await resolve(deps, client, parameters, now);
    const scope = (resolved.get("scope") ?? []).flatMap((names) => names.split(" "));
    const { target, setCookie } = watchSession(deps, findTarget(deps, client, resolved, refusal), { clientId: client.record.client.clientId, scope, browser });
    try {
      if (refusal !== undefined) throw refusal;
      const request = await readRequest(deps, client, resolved, target);
      return await beginLogin(deps, { client, request, target, browser, now });
    } catch (error) {
      return { ...respondError(deps, target, toResponseError(error), client.record.client.clientId), setCookie: [...setCookie] };
    }
  } catch (error) {
    if (error instanceof OAuthError) return errorPage(deps, error);
    throw error;
  }
}

/** The parameters with those of a request object; where that is refused, those beside it, and why. */
async function resolve(
  deps: AuthorizeDeps,
  client: StoredClient,
  parameters: ParameterMap,
  now: EpochMillis,
): Promise<{ readonly parameters: ParameterMap; readonly refusal: OAuthError | undefined }> {
  try {
    return { parameters: await resolveRequestObject(deps, client, parameters, now), refusal: undefined };
  } catch (error) {
    if (error instanceof OAuthError) return { parameters, refusal: error };
    throw error;
  }
}

/** Of a request object that is refused the client hears where what stands beside it says (RFC 6749 §4.1.2.1), and else the person. */
function findTarget(deps: AuthorizeDeps, client: StoredClient, parameters: ParameterMap, refusal: OAuthError | undefined): Target {
  try {
    return readTarget(deps, client, parameters);
  } catch (error) {
    throw error instanceof OAuthError ? (refusal ?? error) : error;
  }
}

async function requireClient({ db, issuer }: AuthorizeDeps, clientId: string): Promise<StoredClient> {
  if (clientId === "") throw new OAuthError("invalid_request", "'client_id' is missing");
  const client = await getClient(db, issuer, clientId);
  if (client === undefined) throw new OAuthError("invalid_client", "Client authentication failed: 'client_id' names no client that is registered here");
  return client;
}

function againByGet(deps: AuthorizeDeps, parameters: ParameterMap): Answer {
  const location = sameByGet(deps, "/oauth2/auth", parameters);
  if (location.length > MAX_URL) throw new OAuthError("invalid_request", "The parameters of the request are too large, all together");
  return { answer: { case: "redirect", value: { location, status: 303 } } };
}
