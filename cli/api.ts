import type { IncomingHttpHeaders } from "node:http";
import { CliError, RefusedError } from "./cli-error.ts";
import { type CliResponse, sendRequest } from "./http-request.ts";

/** Flags that every command has which speaks to a server. */
export interface ApiFlags {
  readonly endpoint?: string;
  readonly skipTlsVerify?: boolean;
  readonly httpHeader?: readonly string[];
}

/** A good answer. */
export interface ApiAnswer {
  readonly headers: IncomingHttpHeaders;
  /** What the JSON came to; an empty object where there was no body. */
  readonly body: unknown;
}

/** Which port a command speaks to. */
export type Port = "admin" | "public";

const PORTS = {
  admin: { variable: "WRIT_ADMIN_URL", example: "http://127.0.0.1:4445" },
  public: { variable: "WRIT_PUBLIC_URL", example: "http://127.0.0.1:4444" },
} as const satisfies Record<Port, unknown>;

/** Where a port is, from the flag or the environment. @throws CliError that says how to name it */
export function endpointOf({ endpoint }: ApiFlags, port: Port): string {
  const { variable, example } = PORTS[port];
  const url = [endpoint, process.env[variable], process.env.WRIT_URL, process.env.ORY_SDK_URL].find((each) => each !== undefined && each !== "");
  if (url === undefined)
    throw new CliError(`No endpoint is given. Say where the ${port} port is, such as --endpoint ${example}, or by ${variable}, WRIT_URL or ORY_SDK_URL in the environment.`);
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) throw new CliError(`The endpoint '${url}' is no URL such as ${example}.`);
  return url.replace(/[/]+$/, "");
}

/** Calls the admin API. @throws CliError for all but a good answer, with the server's words */
export async function api(flags: ApiFlags, method: string, path: string, body?: unknown): Promise<ApiAnswer> {
  return readAnswer(await call(flags, method, path, body), "admin");
}

/** The same, and gives any answer. */
export function call(flags: ApiFlags, method: string, path: string, body?: unknown): Promise<CliResponse> {
  const headers = { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) };
  return send(flags, "admin", method, path, headers, body === undefined ? undefined : JSON.stringify(body));
}

/** Posts a form, and gives any answer. */
export function postForm(flags: ApiFlags, port: Port, path: string, form: URLSearchParams, more: Readonly<Record<string, string>> = {}): Promise<CliResponse> {
  return send(flags, port, "POST", path, { accept: "application/json", "content-type": "application/x-www-form-urlencoded", ...more }, form.toString());
}

/** What a good answer holds. @throws RefusedError with what the server said, for any other */
export function readAnswer({ status, headers, text }: CliResponse, port: Port): ApiAnswer {
  const body = text === "" ? {} : parseJson(text);
  if (status >= 200 && status < 300) {
    if (typeof body !== "object" || body === null) throw new CliError(`The server's answer is no JSON. Is the endpoint really the ${port} port?`);
    return { headers, body };
  }
  const shown = body === undefined ? text.slice(0, 2000).trim() : JSON.stringify(body, null, 2);
  throw new RefusedError(`${shown === "" || shown === "{}" ? "" : `${shown}\n`}The server refused the request with status ${status}.${hint(status, headers, port)}`);
}

function hint(status: number, { location }: IncomingHttpHeaders, port: Port): string {
  if (status >= 300 && status < 400 && location !== undefined) return ` It sends to ${location}: should that be the endpoint?`;
  if (status === 401 && port === "admin") return ' If the admin port asks for credentials, give them: -H "Authorization: Bearer TOKEN".';
  return status === 404 || status === 405 ? ` If the thing should be there: is the endpoint really the ${port} port?` : "";
}

async function send(flags: ApiFlags, port: Port, method: string, path: string, headers: Readonly<Record<string, string>>, body: string | undefined): Promise<CliResponse> {
  const base = endpointOf(flags, port);
  const all = { ...headers, ...extraHeaders(flags) };
  try {
    return await sendRequest({ url: base + path, method, headers: all, body, skipTlsVerify: flags.skipTlsVerify === true });
  } catch (error) {
    throw new CliError(`${base} cannot be reached (${reasonOf(error)}). ${adviceFor(error)}`);
  }
}

/** Headers that the caller wants on every request. @throws CliError for one that is none */
export function extraHeaders({ httpHeader = [] }: ApiFlags): Readonly<Record<string, string>> {
  return Object.fromEntries(
    httpHeader.map((line) => {
      const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+)\s*:\s*([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
      // The header may be a credential: it is not repeated.
      if (name === undefined || value === undefined) throw new CliError("A header is not of the form 'Name: value'. Give it as -H 'Name: value'.");
      return [name.toLowerCase(), value];
    }),
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code ?? error.message;
}

function adviceFor(error: unknown): string {
  const code = reasonOf(error);
  if (/CERT|SIGNATURE|ALTNAME|ISSUER/.test(code))
    return "Its certificate is not trusted here: name its CA by NODE_EXTRA_CA_CERTS, or pass --skip-tls-verify if nothing depends on it.";
  if (/SSL|TLS|HPE_|EPROTO/.test(code)) return "Should the URL begin with http:// instead of https://, or the other way round?";
  return "Is a server running there? 'writ serve all --dev' (in a checkout: 'npm start') starts one.";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
