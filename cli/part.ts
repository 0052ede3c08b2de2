import type { Config } from "#lib/config.ts";

/** What one process serves. */
export type Part = "all" | "core" | "gateway" | "public" | "admin";

/** What that comes to. */
export interface Role {
  /** A core of its own, over the database. */
  readonly core: boolean;
  readonly rpc: boolean;
  readonly public: boolean;
  readonly admin: boolean;
}

/** What a process is made of. As with Hydra, one port alone brings its own core, unless `core.url` says where one is. */
export function roleOf(part: Part, { core: { url } }: Pick<Config, "core">): Role {
  return {
    core: part === "all" || part === "core" || (part !== "gateway" && url === undefined),
    rpc: part === "all" || part === "core",
    public: part === "all" || part === "gateway" || part === "public",
    admin: part === "all" || part === "gateway" || part === "admin",
  };
}
