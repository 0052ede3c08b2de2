import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError, type Client as OAuthClient } from "@connectrpc/connect";
import { ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { RegisteredClient } from "#gen/writ/oauth/v1/registration_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { isJsonObject } from "#lib/json.ts";
import { readBody } from "../http/body.ts";
import type { ClientCors } from "../http/client-cors.ts";
import { type Exchange, type Handler, NO_STORE, send, sendJson } from "../http/exchange.ts";
import { makeDecoder } from "../rest/decode.ts";
import { makeEncoder } from "../rest/encode.ts";
import { isMalformed } from "../rest/malformed.ts";
import { readJson } from "../rest/request.ts";
import { requestContext } from "./request.ts";

/** Largest metadata document in bytes. */
const MAX_BODY = 65_536;

const decode = makeDecoder(ClientSchema);
const encode = makeEncoder(ClientSchema);

/** How answers look. `bare`: members that say nothing are left out; else they stand there as in the admin API, as Hydra's do. */
interface Style {
  readonly bare: boolean;
}

/** Client registration endpoint. @see RFC 7591 §3 */
export function registrationEndpoint(oauth: OAuthClient<typeof OAuthService>, style: Style): Handler {
  return async (exchange) => {
    const document = await readDocument(exchange);
    if (document === undefined) return;
    const { registered } = await oauth.registerClient({ ...common(exchange), ...document }, options(exchange));
    sendRegistered(exchange, 201, registered, style);
  };
}

/** Client configuration endpoint: its methods. @see RFC 7592 §2 */
export function configurationEndpoint(oauth: OAuthClient<typeof OAuthService>, cors: ClientCors, style: Style): Readonly<Record<"GET" | "PUT" | "DELETE", Handler>> {
  const enter = async (exchange: Exchange) => {
    const clientId = lastSegment(exchange.path);
    await cors.admit(exchange, () => ({ clientId }));
    return { ...common(exchange), clientId };
  };
  return {
    async GET(exchange) {
      const { registered } = await oauth.getRegisteredClient(await enter(exchange), options(exchange));
      sendRegistered(exchange, 200, registered, style);
    },
    async PUT(exchange) {
      const entered = await enter(exchange);
      const document = await readDocument(exchange);
      if (document === undefined) return;
      const { registered } = await oauth.updateRegisteredClient({ ...entered, ...document }, options(exchange));
      sendRegistered(exchange, 200, registered, style);
    },
    async DELETE(exchange) {
      await oauth.deleteRegisteredClient(await enter(exchange), options(exchange));
      send(exchange, 204, undefined, "", NO_STORE);
    },
  };
}

function common(exchange: Exchange) {
  return { context: requestContext(exchange, []), authorization: exchange.request.headers.authorization ?? "" };
}

function options({ requestId }: Exchange): { readonly headers: Record<string, string> } {
  return { headers: { "x-request-id": requestId } };
}

/** The metadata in the body. Undefined: it was answered already. @throws OAuthError as RFC 7591 §3.2.2 says */
async function readDocument(exchange: Exchange): Promise<{ readonly client: MessageInitShape<typeof ClientSchema>; readonly softwareStatement: string } | undefined> {
  const body = await readBody(exchange, MAX_BODY);
  if (body === undefined) return undefined;
  const document = orInvalid("invalid_request", () => readJson(exchange.request, body));
  const { software_statement: statement = "" } = isJsonObject(document) ? document : {};
  return {
    client: orInvalid("invalid_client_metadata", () => decode(document, "") as MessageInitShape<typeof ClientSchema>),
    softwareStatement: typeof statement === "string" ? statement : statement === null ? "" : "(no string)",
  };
}

/** What cannot be read is the client's metadata being wrong; of redirect URIs there is a code of their own. */
function orInvalid<T>(code: "invalid_request" | "invalid_client_metadata", read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConnectError && isMalformed(error))) throw error;
    throw new OAuthError(/^'redirect_uris\b/.test(error.rawMessage) ? "invalid_redirect_uri" : code, error.rawMessage);
  }
}

function lastSegment(path: string): string {
  const segment = path.slice(path.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(segment);
  } catch {
    return ""; // which is no client
  }
}

function sendRegistered(exchange: Exchange, status: number, registered: RegisteredClient | undefined, { bare }: Style): void {
  if (registered?.client === undefined) throw new Error("core answered without a client");
  const { metadata: _, ...members } = encode(registered.client, status !== 200 || exchange.request.method === "PUT");
  const shown = bare ? Object.fromEntries(Object.entries(members).filter(([, value]) => !isNothing(value))) : members;
  const location = registered.client.registrationClientUri;
  sendJson(exchange, status, { ...shown, client_id_issued_at: registered.clientIdIssuedAt }, { ...NO_STORE, ...(status === 201 ? { location } : {}) });
}

function isNothing(value: unknown): boolean {
  return value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}
