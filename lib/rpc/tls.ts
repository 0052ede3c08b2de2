import { readFileSync } from "node:fs";
import type { Config } from "../config.ts";

type Source = { readonly path?: string | undefined; readonly base64?: string | undefined };

/** What node's TLS servers take. Undefined: the listener speaks plain text. */
export interface TlsFiles {
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly ca?: Buffer;
  readonly requestCert?: boolean;
  readonly rejectUnauthorized?: boolean;
}

/** Reads the TLS files of a listener. @throws Error naming the option when one is missing or cannot be read */
export function readTls(name: string, tls: Config["serve"]["rpc"]["tls"]): TlsFiles | undefined {
  if (!tls.enabled) return undefined;
  const read = (part: string, { path, base64 }: Source): Buffer => {
    if (base64 !== undefined) return Buffer.from(base64, "base64");
    if (path === undefined) throw new Error(`serve.${name}.tls.${part} is not set: give its path or base64`);
    try {
      return readFileSync(path);
    } catch (error) {
      throw new Error(`serve.${name}.tls.${part}.path cannot be read: ${(error as NodeJS.ErrnoException).code ?? "unknown error"}`);
    }
  };
  const files = { key: read("key", tls.key), cert: read("cert", tls.cert) };
  return tls.client_ca === undefined ? files : { ...files, ca: read("client_ca", tls.client_ca), requestCert: true, rejectUnauthorized: true };
}
