import { statSync } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import type { Config } from "../config.ts";
import type { Log } from "../events.ts";
import { readTls } from "./tls.ts";

/** A TLS server, as far as it is looked at here. */
interface SecureServer {
  setSecureContext(options: SecureContextOptions): void;
}

/** How often files are looked at. Milliseconds. */
const LOOK_AGAIN = 5000;

/**
 * Gives a TLS server the certificate anew when one of its files changes: connections from then on get it, and those that are
 * there stay. Files are looked at by their times, which also sees links that are put elsewhere (as Kubernetes does). What cannot be used,
 * such as a key beside the certificate of another, is logged once and changes nothing. Returns what ends the watch.
 */
export function reloadTls(name: string, tls: Config["serve"]["rpc"]["tls"], server: SecureServer, log: Log, every = LOOK_AGAIN): () => void {
  const paths = [tls.key.path, tls.cert.path, tls.client_ca?.path].filter((path) => path !== undefined);
  if (paths.length === 0) return () => {};
  let seen = stamp(paths);
  const look = (): void => {
    const now = stamp(paths);
    if (now === seen) return;
    seen = now;
    try {
      const files = readTls(name, tls);
      if (files === undefined) return;
      createSecureContext(files); // throws before the server has lost the one that works
      server.setSecureContext(files);
      log.info("tls_reloaded", { listener: name });
    } catch (cause) {
      log.error("tls_reload_failed", { listener: name, cause });
    }
  };
  const timer = setInterval(look, every).unref();
  return () => clearInterval(timer);
}

/** What tells one state of the files from another. A file that is away for a moment is a state too. */
function stamp(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false, bigint: true });
      return found === undefined ? "-" : `${found.ino}:${found.mtimeNs}:${found.size}`;
    })
    .join(" ");
}
