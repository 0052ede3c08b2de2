import type { Config } from "#lib/config.ts";

/** What one process serves. */
export type Part = "all" | "core" | "gateway" | "public" | "admin" | "demo";

/** What that comes to. */
export interface Role {
  /** A core of its own, over the database. */
  readonly core: boolean;
  readonly rpc: boolean;
  readonly public: boolean;
  readonly admin: boolean;
  /** The demo login and consent app. */
  readonly demo: boolean;
}

/** Where browsers find the demo app, if it runs. */
export function demoUrl({ host, port }: Config["serve"]["demo"]): string {
  return `http://${nameOf(host)}:${port}`;
}

/** What a listener's address is called from this machine. */
export function nameOf(host: string): string {
  const bare = host.replace(/^\[|\]$/g, "");
  if (bare === "0.0.0.0" || bare === "::" || host.startsWith("unix:")) return "localhost";
  return bare.includes(":") ? `[${bare}]` : bare;
}

/** What a process is made of. As with Hydra, one port alone brings its own core, unless `core.url` says where one is. */
export function roleOf(part: Part, { core: { url }, dev, urls, serve, access }: Pick<Config, "core" | "dev" | "urls" | "serve" | "access">): Role {
  // Where the operator has apps of his own nobody would come to the demo, and where core asks for credentials it has none.
  const isOpen = access.tokens.length === 0 && access.certificates.length === 0;
  const standsIn = isOpen && [urls.login, urls.consent].some((app) => app === undefined || app.startsWith(`${demoUrl(serve.demo)}/`));
  return {
    core: part === "all" || part === "core" || ((part === "public" || part === "admin") && url === undefined),
    rpc: part === "all" || part === "core",
    public: part === "all" || part === "gateway" || part === "public",
    admin: part === "all" || part === "gateway" || part === "admin",
    demo: part === "demo" || (part === "all" && dev && standsIn),
  };
}
