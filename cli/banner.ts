import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "#lib/config.ts";
import type { Part } from "./part.ts";
import type { Running } from "./start.ts";

/** What a person who started the server in development needs to know: where it is and what to type next. */
export function banner(config: Config, part: Part, urls: Running["urls"]): string {
  const publicUrl = local(urls.public, "localhost");
  const adminUrl = local(urls.admin, "127.0.0.1");
  const lines = ["", "Writ runs in development mode. Never use it so in production.", ""];
  if (publicUrl !== undefined) lines.push(`  public  ${publicUrl}   for OAuth clients; discovery at ${publicUrl}/.well-known/openid-configuration`);
  if (adminUrl !== undefined) lines.push(`  admin   ${adminUrl}   Hydra's admin API; its OpenAPI document at ${adminUrl}/openapi.json`);
  if (urls.rpc !== undefined) lines.push(`  rpc     ${local(urls.rpc, "127.0.0.1")}   Connect, gRPC, gRPC-Web`);
  if (urls.demo !== undefined) lines.push(`  demo    ${urls.demo}   a login and consent app: any user name will do`);
  if (config.dsn !== undefined) lines.push(`  state   ${config.dsn.replace(/\/\/.*@/, "//…@")}`);
  lines.push("");
  if (part === "all" && publicUrl !== undefined && adminUrl !== undefined) lines.push(...nextSteps(publicUrl, adminUrl), "");
  return `${lines.join("\n")}\n`;
}

/** Secrets go by the environment: other users of a machine can read command lines. */
function nextSteps(publicUrl: string, adminUrl: string): string[] {
  const writ = command();
  return [
    "Next, in another terminal: create a client, log in to it in a browser, and look at the tokens.",
    "",
    `  export WRIT_ADMIN_URL=${adminUrl} WRIT_PUBLIC_URL=${publicUrl} OAUTH2_CLIENT_ID=my-app`,
    `  export OAUTH2_CLIENT_SECRET=$(${writ} create oauth2-client --id my-app --name "My app" --grant-type authorization_code,refresh_token,client_credentials --response-type code --scope openid,offline,profile,read --redirect-uri http://127.0.0.1:4446/callback --format jsonpointer=/client_secret)`,
    `  ${writ} perform authorization-code --scope openid,offline,profile`,
    `  ${writ} introspect token "$(${writ} perform client-credentials --scope read --format jsonpointer=/access_token)"`,
  ];
}

/** How this command is called from here. */
function command(): string {
  const main = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./main.ts" : "./main.js", import.meta.url));
  if (existsSync(join("node_modules", ".bin", "writ"))) return "npx writ";
  return main.endsWith(".ts") ? `node ${relative(process.cwd(), main)}` : "writ";
}

/** A URL that can be typed on this machine. */
function local(url: string | undefined, loopback: string): string | undefined {
  return url?.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:|$)/, `//${loopback}`);
}
