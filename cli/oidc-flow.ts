import * as oauth from "oauth4webapi";
import { type ApiFlags, endpointOf, extraHeaders } from "./api.ts";
import { CliError } from "./cli-error.ts";
import { sendRequest } from "./http-request.ts";
import { type TokenRow, tokenOf } from "./token-view.ts";

/** What a flow asks for, and as whom. */
export interface FlowOptions extends ApiFlags {
  readonly clientId: string;
  /** Undefined: a public client. */
  readonly clientSecret: string | undefined;
  readonly redirectUri: string;
  readonly scope?: readonly string[];
  readonly audience?: readonly string[];
  readonly prompt?: readonly string[];
  readonly maxAge: number;
  readonly authUrl?: string;
  readonly tokenUrl?: string;
  readonly state?: string;
  readonly responseMode?: string;
}

/** An authorization code flow of one client. It may be begun more than once. */
export interface OidcFlow {
  readonly clientId: string;
  readonly scope: string;
  /** The URL of an authorization request, with a state, a nonce and a PKCE challenge of its own. */
  begin(): Promise<string>;
  /** Takes an answer and redeems its code. Undefined: it belongs to no request that was begun here and is open still. */
  finish(parameters: URLSearchParams): Promise<TokenRow | FlowError | undefined>;
}

/** The flow ended with an error: the server's, or since its answer is not as it must be. */
export class FlowError extends Error {
  readonly error: string;
  readonly description: string;
  constructor(error: string, description: string) {
    super(`The flow ended with the error ${error}${description === "" ? "" : `: ${description}`}`);
    this.error = error;
    this.description = description;
  }
}

interface Begun {
  readonly verifier: string;
  readonly nonce: string;
}

/** Finds the server's endpoints (OIDC Discovery §4) and makes a flow. @throws CliError when there is no such server */
export async function prepareFlow(options: FlowOptions): Promise<OidcFlow> {
  const { clientId, clientSecret, redirectUri, maxAge } = options;
  const endpoint = endpointOf(options, "public");
  const request = requestOptions(options, endpoint);
  const as = await discover(options, endpoint, request);
  const client: oauth.Client = { client_id: clientId, [oauth.clockTolerance]: 30 };
  const scope = (options.scope ?? ["offline", "openid"]).join(" ");
  const isOpenid = scope.split(" ").includes("openid");
  const open = new Map<string, Begun>();

  return {
    clientId,
    scope,
    async begin() {
      const state = options.state ?? oauth.generateRandomState();
      const [verifier, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomNonce()];
      open.set(state, { verifier, nonce });
      const url = new URL(as.authorization_endpoint ?? "");
      const parameters = {
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: "code",
        scope,
        state,
        nonce: isOpenid ? nonce : "",
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        audience: (options.audience ?? []).join(" "),
        prompt: (options.prompt ?? []).join(" "),
        max_age: maxAge < 0 ? "" : String(maxAge),
        response_mode: options.responseMode ?? "",
      };
      for (const [name, value] of Object.entries(parameters)) if (value !== "") url.searchParams.set(name, value);
      return url.href;
    },
    async finish(parameters) {
      const state = parameters.get("state") ?? "";
      const begun = open.get(state);
      if (begun === undefined) return undefined;
      open.delete(state);
      const asked = Date.now();
      try {
        const callback = oauth.validateAuthResponse(as, client, parameters, state); // `error`, `state`, `iss` (RFC 9207)
        const response = await redeem(as, client, clientSecret, callback, { redirectUri, verifier: begun.verifier, request });
        const hasIdToken = await holdsIdToken(response);
        const answer = await oauth.processAuthorizationCodeResponse(
          as,
          client,
          response,
          hasIdToken ? { requireIdToken: true, expectedNonce: begun.nonce, ...(maxAge < 0 ? {} : { maxAge }) } : {},
        );
        if (hasIdToken) await oauth.validateApplicationLevelSignature(as, response, request);
        return tokenOf({ ...answer }, asked);
      } catch (error) {
        return toFlowError(error);
      }
    },
  };
}

/** By Basic, and where that is refused, as Hydra does, with the secret in the form (RFC 6749 §2.3.1): a refused client has burnt no code. */
async function redeem(
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  secret: string | undefined,
  callback: URLSearchParams,
  { redirectUri, verifier, request }: { readonly redirectUri: string; readonly verifier: string; readonly request: RequestOptions },
): Promise<Response> {
  const by = (authentication: oauth.ClientAuth): Promise<Response> => oauth.authorizationCodeGrantRequest(as, client, authentication, callback, redirectUri, verifier, request);
  if (secret === undefined) return by(oauth.None());
  const first = await by(oauth.ClientSecretBasic(secret));
  return first.status === 401 ? by(oauth.ClientSecretPost(secret)) : first;
}

async function holdsIdToken(response: Response): Promise<boolean> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  return typeof body === "object" && body !== null && "id_token" in body;
}

/** A request of the library. */
interface Outgoing {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: URLSearchParams | undefined;
}

type RequestOptions = ReturnType<typeof requestOptions>;

/** The library's requests, sent as the other commands send theirs. */
export function requestOptions(flags: ApiFlags, endpoint: string) {
  const own = extraHeaders(flags);
  const customFetch = async (url: string, { method, headers, body }: Outgoing): Promise<Response> => {
    const answer = await sendRequest({ url, method, headers: { ...headers, ...own }, body: body?.toString(), skipTlsVerify: flags.skipTlsVerify === true });
    const type = answer.headers["content-type"];
    const challenge = answer.headers["www-authenticate"];
    return new Response(answer.text, {
      status: answer.status,
      headers: { ...(type === undefined ? {} : { "content-type": type }), ...(challenge === undefined ? {} : { "www-authenticate": challenge }) },
    });
  };
  return { [oauth.customFetch]: customFetch, [oauth.allowInsecureRequests]: endpoint.startsWith("http://") };
}

/**
 * Finds a server's metadata. The issuer is what the server at the endpoint says it is: the endpoint may be its address from here.
 * @throws CliError when there is no such server
 */
export async function discover({ authUrl, tokenUrl }: Pick<FlowOptions, "authUrl" | "tokenUrl">, endpoint: string, request: RequestOptions): Promise<oauth.AuthorizationServer> {
  try {
    const response = await oauth.discoveryRequest(new URL(endpoint), request);
    const { issuer } = (await response.clone().json()) as { readonly issuer?: string };
    const as = await oauth.processDiscoveryResponse(new URL(issuer ?? endpoint), response);
    const endpoints = { ...as, ...(authUrl === undefined ? {} : { authorization_endpoint: authUrl }), ...(tokenUrl === undefined ? {} : { token_endpoint: tokenUrl }) };
    if (endpoints.authorization_endpoint === undefined) throw new Error("it names no authorization endpoint");
    return endpoints;
  } catch (error) {
    const reason = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
    throw new CliError(`${endpoint} does not answer as an OpenID provider (${reason}). Is it the public port, and is a server running there? 'writ serve all --dev' starts one.`);
  }
}

/** What the library threw, as the flow's end. */
export function toFlowError(error: unknown): FlowError {
  if (error instanceof oauth.AuthorizationResponseError) return new FlowError(error.error, error.error_description ?? "");
  if (error instanceof oauth.ResponseBodyError) return new FlowError(error.error, error.error_description ?? "");
  if (error instanceof oauth.WWWAuthenticateChallengeError) return new FlowError("invalid_client", "the token endpoint does not take the client's secret");
  return new FlowError("invalid_response", error instanceof Error ? error.message : String(error));
}
