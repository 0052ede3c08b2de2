import type { Config } from "#lib/config.ts";
import type { Part } from "./serve.ts";

/** What a person who started the server in development needs to know: where it is and what to type next. */
export function banner(config: Config, part: Part, urls: { readonly public?: string; readonly admin?: string; readonly rpc?: string }): string {
  const local = (url: string | undefined): string => (url ?? "").replace("//0.0.0.0:", "//127.0.0.1:");
  const lines = ["", "Writ runs in development mode. Never use it so in production.", ""];
  if (urls.public !== undefined) lines.push(`  public  ${local(urls.public)}   for OAuth clients; discovery at ${local(urls.public)}/.well-known/openid-configuration`);
  if (urls.admin !== undefined) lines.push(`  admin   ${local(urls.admin)}   Hydra's admin API; its OpenAPI document at ${local(urls.admin)}/openapi.json`);
  if (urls.rpc !== undefined) lines.push(`  rpc     ${local(urls.rpc)}   Connect, gRPC, gRPC-Web`);
  lines.push(`  state   ${(config.dsn ?? "").replace(/:[^:@/]*@/, ":…@")}`, "");
  if (part === "all")
    lines.push(
      "Next, in another terminal:",
      "",
      `  export WRIT_ADMIN_URL=${local(urls.admin)} WRIT_PUBLIC_URL=${local(urls.public)}`,
      "  npx writ create oauth2-client --id my-app --secret my-app-secret --grant-type client_credentials --scope read,write",
      "",
    );
  return lines.join("\n");
}
