import { request as httpsRequest } from "node:https";
import { CliError } from "./cli-error.ts";

/** Flags that every command has which speaks to a server. */
export interface ApiFlags {
  readonly endpoint?: string;
  readonly skipTlsVerify?: boolean;
  readonly httpHeader?: readonly string[];
}

/** An answer of the server. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

const TIMEOUT = 10_000;

/** Which port a command speaks to. */
export type Port = "admin" | "public";

/** The endpoint, from the flag or the environment. @throws Error that says how to give one */
export function endpointOf({ endpoint }: ApiFlags, port: Port): string {
  const url = endpoint ?? process.env[port === "admin" ? "WRIT_ADMIN_URL" : "WRIT_PUBLIC_URL"] ?? process.env.WRIT_URL ?? process.env.ORY_SDK_URL;
  if (url === undefined || url === "")
    throw new CliError(
      `No endpoint is given. Say where the ${port} port is: --endpoint http://127.0.0.1:${port === "admin" ? 4445 : 4444}, or the environment variable WRIT_${port.toUpperCase()}_URL or ORY_SDK_URL.`,
    );
  if (!/^https?:\/\//.test(url)) throw new CliError(`The endpoint '${url}' is no http or https URL.`);
  return url.replace(/\/+$/, "");
}

/** Sends a request to the admin API and returns a good answer. @throws CliError for every other, with the server's words */
export async function api(flags: ApiFlags, method: string, path: string, body?: unknown): Promise<ApiAnswer> {
  const headers: Record<string, string> = { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) };
  return expectGood(await send(flags, "admin", method, path, headers, body === undefined ? undefined : JSON.stringify(body)));
}

/** Posts a form. */
export async function postForm(flags: ApiFlags, port: Port, path: string, form: URLSearchParams, more: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> {
  return send(flags, port, "POST", path, { accept: "application/json", "content-type": "application/x-www-form-urlencoded", ...more }, form.toString());
}

/** A good answer as it is. @throws CliError with what the server said */
export function expectGood(answer: ApiAnswer): ApiAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body, null, 2);
  throw new CliError(`${text}\nThe server refused the request with status ${answer.status}.${hint(answer.status)}`);
}

function hint(status: number): string {
  if (status === 401) return ' If the admin port asks for credentials, give them: -H "Authorization: Bearer TOKEN".';
  return status === 404 ? " Is the endpoint the right port?" : "";
}

async function send(flags: ApiFlags, port: Port, method: string, path: string, headers: Record<string, string>, body: string | undefined): Promise<ApiAnswer> {
  const base = endpointOf(flags, port);
  for (const line of flags.httpHeader ?? []) {
    const [, name, value] = /^([^:\s]+)\s*:\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new CliError(`The header '${line}' is not of the form 'Name: value'.`);
    headers[name.toLowerCase()] = value;
  }
  try {
    return flags.skipTlsVerify === true && base.startsWith("https:")
      ? await sendUnverified(base + path, method, headers, body)
      : await sendVerified(base + path, method, headers, body);
  } catch (error) {
    throw new CliError(`${base} cannot be reached (${reason(error)}). Is the server running there? 'npm start' starts one.`);
  }
}

async function sendVerified(url: string, method: string, headers: Record<string, string>, body: string | undefined): Promise<ApiAnswer> {
  const response = await fetch(url, { method, headers, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT), ...(body === undefined ? {} : { body }) });
  return { status: response.status, headers: response.headers, body: parse(await response.text()) };
}

/** Global fetch cannot leave a certificate unchecked for one request alone. */
function sendUnverified(url: string, method: string, headers: Record<string, string>, body: string | undefined): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { method, headers, rejectUnauthorized: false, timeout: TIMEOUT }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: new Headers(response.headers as Record<string, string>), body: parse(Buffer.concat(chunks).toString()) }),
      );
    });
    request.on("timeout", () => request.destroy(new Error("no answer in 10 seconds")));
    request.on("error", reject);
    request.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
}
