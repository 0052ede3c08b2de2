import type { PoolOptions } from "mysql2/promise";

/** Where a database is. */
export type Dsn = { readonly kind: "memory" } | { readonly kind: "sqlite"; readonly file: string } | { readonly kind: "mysql"; readonly options: PoolOptions };

const DEFAULT_CONNECTIONS = 16;

/**
 * Reads a DSN: `memory`, `sqlite://FILE`, `mysql://user:pw@tcp(host:port)/db?…` (Go's form, also `unix(/socket)`) or
 * `mysql://user:pw@host:port/db`. Parameters: `max_conns`, and `tls` as Go's driver
 * understands it; those that Hydra's DSNs carry besides are ignored.
 * @throws Error that says what is wrong, and never the password
 */
export function parseDsn(dsn: string): Dsn {
  if (dsn === "memory" || dsn === ":memory:" || dsn === "sqlite://:memory:") return { kind: "memory" };
  if (dsn.startsWith("sqlite:")) return { kind: "sqlite", file: sqliteFile(dsn) };
  if (dsn.startsWith("mysql://") || dsn.startsWith("mariadb://")) return { kind: "mysql", options: mysqlOptions(dsn.slice(dsn.indexOf("//") + 2)) };
  // No more of it than a scheme: it may be a secret that was put in the wrong place.
  const scheme = /^[a-z][a-z0-9+.-]{0,20}(?=:\/\/)/i.exec(dsn)?.[0];
  throw new Error(
    `dsn ${scheme === undefined ? "has no scheme" : `begins with '${scheme}://', which is not supported`}: use memory, sqlite://FILE or mysql://user:password@host:port/database`,
  );
}

function sqliteFile(dsn: string): string {
  const file = dsn.replace(/^sqlite:(\/\/)?/, "").replace(/\?.*$/s, "");
  if (file === "") throw new Error("dsn names no file: sqlite://data/writ.sqlite");
  return file;
}

function mysqlOptions(rest: string): PoolOptions {
  const [, credentials = "", where = "", database = "", query = ""] = /^(?:(.*)@)?([^@]*?)\/([^/?]*)(?:\?(.*))?$/s.exec(rest) ?? [];
  if (database === "") throw new Error("dsn names no database: mysql://user:password@host:port/database");
  const [user = "", ...password] = credentials.split(":");
  const parameters = new URLSearchParams(query);
  const connections = Number(parameters.get("max_conns") ?? DEFAULT_CONNECTIONS);
  if (!Number.isInteger(connections) || connections < 2 || connections > 1000) throw new Error("dsn: max_conns must be a number from 2 to 1000");
  return { user: decode(user), password: decode(password.join(":")), database: decode(database), connectionLimit: connections, ...address(where), ...tls(parameters.get("tls")) };
}

/** Never less than was asked for: a value that is not understood is refused, and not taken for clear text. */
function tls(asked: string | null): Pick<PoolOptions, "ssl"> {
  switch (asked) {
    case null:
    case "false":
      return {};
    case "true":
      return { ssl: {} };
    case "skip-verify":
      return { ssl: { rejectUnauthorized: false } };
    default:
      throw new Error("dsn: tls must be true, false or skip-verify");
  }
}

function address(where: string): Pick<PoolOptions, "host" | "port" | "socketPath"> {
  const [, socketPath] = /^unix\((.+)\)$/.exec(where) ?? [];
  if (socketPath !== undefined) return { socketPath };
  const [, host = "127.0.0.1", port = "3306"] = /^(?:tcp\()?(\[[^\]]+\]|[^:()]+)?(?::(\d+))?\)?$/.exec(where) ?? badAddress();
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

function badAddress(): never {
  throw new Error("dsn: the address is neither host:port, tcp(host:port) nor unix(/path)");
}

/** Go's form is not percent-encoded and the URL form is; what is no good encoding is taken as it stands. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
