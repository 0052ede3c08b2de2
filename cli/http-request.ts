import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";

/** A request of the command line. */
export interface CliRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly skipTlsVerify: boolean;
}

/** An answer of the server. */
export interface CliResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Milliseconds, from the first byte sent to the last received. */
const TIMEOUT = 10_000;
/** A page of clients is far below this. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Sends one request, once; follows no redirect. @throws Error when no whole answer comes in 10 seconds */
export function sendRequest({ url, method, headers, body, skipTlsVerify }: CliRequest): Promise<CliResponse> {
  return new Promise((resolve, reject) => {
    const options = {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }) },
      agent: false as const,
      signal: AbortSignal.timeout(TIMEOUT),
    };
    const request = url.startsWith("https:") ? httpsRequest(url, { ...options, rejectUnauthorized: !skipTlsVerify }) : httpRequest(url, options);
    request.on("error", (error) => reject(error.name === "AbortError" ? new Error("no answer in 10 seconds") : error));
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) response.destroy(new Error("the answer is too large"));
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
    request.end(body);
  });
}
