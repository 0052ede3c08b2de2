import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { freePort } from "../harness/port.ts";
import { writ } from "../harness/process.ts";
import { startWrit, type Writ } from "../harness/writ.ts";

describe("command line", () => {
  let server: Writ;
  let folder: string;
  let env: Record<string, string>;
  before(async () => {
    server = await startWrit("direct");
    folder = mkdtempSync(join(tmpdir(), "writ-cli-"));
    env = { WRIT_ADMIN_URL: server.adminUrl, WRIT_PUBLIC_URL: server.publicUrl };
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const run = (...args: string[]) => writ(args, { env });
  const good = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 0, stderr);
    return stdout.trimEnd();
  };
  const json = async (...args: string[]) => JSON.parse(await good(...args, "--format", "json"));

  test("hydra.md §11.2, §11.4: create a client, perform client-credentials, introspect and revoke the token", async () => {
    const client = await json("create", "oauth2-client", "--grant-type", "client_credentials", "--scope", "read,write", "--name", "My App");
    assert.deepEqual([client.client_name, client.scope, client.grant_types], ["My App", "read write", ["client_credentials"]]);
    const secrets = { OAUTH2_CLIENT_ID: client.client_id, OAUTH2_CLIENT_SECRET: client.client_secret };
    const performed = await writ(["perform", "client-credentials", "--scope", "read", "--format", "json"], { env: { ...env, ...secrets } });
    const token = JSON.parse(performed.stdout);
    assert.deepEqual(Object.keys(token), ["access_token", "token_type", "expiry"]);
    assert.match(await good("introspect", "token", token.access_token), /^ACTIVE +true\nSUBJECT +\S+\nCLIENT ID +\S+\nSCOPE +read\nEXPIRY +\S+\nTOKEN USE +access_token$/);
    assert.equal((await json("introspect", "token", token.access_token, "--scope", "write")).active, false);
    assert.match((await writ(["revoke", "token", token.access_token], { env: { ...env, ...secrets } })).stdout, /^ID +writ_at_/);
    assert.equal((await json("introspect", "token", token.access_token)).active, false);
  });

  test("hydra.md §11.4: perform client-credentials works for a client that takes its secret in the form", async () => {
    const client = await json("create", "client", "--grant-type", "client_credentials", "--token-endpoint-auth-method", "client_secret_post");
    assert.match(await good("perform", "client-credentials", "--client-id", client.client_id, "--client-secret", client.client_secret), /^ACCESS TOKEN +writ_at_/);
  });

  test("hydra.md §11.2: get, list, update by flags and by file, delete; several at once; ids alone with -q", async () => {
    const ids = [];
    for (const owner of ["cli", "cli"]) ids.push(await good("create", "oauth2-client", "--owner", owner, "-q"));
    assert.match(await good("get", "client", ids[0] ?? ""), /^CLIENT ID +/);
    assert.equal((await good("get", "clients", ...ids, "-q")).split("\n").length, 2);
    const page = await json("list", "oauth2-clients", "--owner", "cli", "--page-size", "1");
    assert.deepEqual([page.items.length, page.is_last_page, page.next_page_token !== ""], [1, false, true]);
    const next = await json("ls", "clients", "--owner", "cli", "--page-size", "1", "--page-token", page.next_page_token);
    assert.deepEqual([next.items.length, next.is_last_page], [1, true]);
    const updated = await json("update", "oauth2-client", ids[0] ?? "", "--scope", "a,b", "--metadata", '{"x":1}');
    assert.deepEqual([updated.scope, updated.metadata, updated.owner], ["a b", { x: 1 }, "cli"]);
    const file = join(folder, "client.json");
    writeFileSync(file, JSON.stringify({ client_name: "from a file" }));
    const replaced = await json("update", "client", ids[0] ?? "", "--file", file);
    assert.deepEqual([replaced.client_name, replaced.owner], ["from a file", ""]);
    assert.match(await good("delete", "access-tokens", ids[0] ?? ""), /^ID\n/);
    await good("delete", "oauth2-client", ...ids);
    const gone = await run("get", "client", ids[0] ?? "");
    assert.deepEqual([gone.code, /Unable to locate the resource/.test(gone.stderr)], [1, true]);
  });

  test("hydra.md §11.2: import creates what it can, names what it cannot, and ends with 1 then", async () => {
    const file = join(folder, "clients.json");
    writeFileSync(file, JSON.stringify([{ client_id: "imported-a" }, { client_id: "imported-b", redirect_uris: ["javascript:x"] }]));
    const { code, stdout, stderr } = await run("import", "oauth2-client", file, "--format", "json");
    assert.equal(code, 1);
    assert.deepEqual(
      JSON.parse(stdout).map(({ client_id }: { client_id: string }) => client_id),
      ["imported-a"],
    );
    assert.match(stderr, /imported-b[\s\S]*redirect_uris[\s\S]*1 of 2/);
    const piped = await writ(["import", "oauth2-client", "-q"], { env, input: JSON.stringify([{ client_id: "imported-c" }]) });
    assert.equal(piped.stdout.trim(), "imported-c");
  });

  test("hydra.md §11.3: create, get, import (PEM, JWK) and delete keys; --public shows no private part", async () => {
    const created = await json("create", "jwk", "cli-set", "cli-key", "--alg", "ES256", "--public");
    assert.deepEqual([created.set, created.keys[0].kid, "d" in created.keys[0]], ["cli-set", "cli-key", false]);
    const pem = join(folder, "key.pem");
    writeFileSync(pem, generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }));
    const without = await run("import", "jwk", "cli-set", pem);
    assert.deepEqual([without.code, /--alg/.test(without.stderr)], [1, true]);
    assert.match(await good("import", "jwk", "cli-set", pem, "--alg", "ES256"), /cli-set/);
    assert.equal((await json("get", "jwk", "cli-set")).keys.length, 2);
    assert.equal(await good("delete", "jwk", "cli-set", "-q"), "cli-set");
  });

  test("hydra.md §11.1: table, json, json-pretty, yaml, jsonpath and jsonpointer", async () => {
    const id = await good("create", "client", "--id", "formats", "--name", "Formats", "-q");
    assert.equal(JSON.parse(await good("get", "client", id, "--format", "json")).client_name, "Formats");
    assert.match(await good("get", "client", id, "--format", "json-pretty"), /\n {2}"client_name": "Formats"/);
    assert.match(await good("get", "client", id, "--format", "yaml"), /^client_name: Formats$/m);
    assert.equal(await good("get", "client", id, "--format", "jsonpath=client_name"), "Formats");
    assert.equal(await good("get", "client", id, "--format", "jsonpath=$.grant_types[0]"), "authorization_code");
    assert.equal(await good("get", "client", id, "--format", "jsonpointer=/grant_types/0"), "authorization_code");
    for (const format of ["xml", "jsonpath=$.nothing", "jsonpath=$[?(process.exit(7))]", "jsonpointer=/nothing"])
      assert.equal((await run("get", "client", id, "--format", format)).code, 1, format);
  });

  test("errors say what to do and end with 1: no endpoint, nobody there, unknown commands, missing arguments", async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    for (const [args, expected, envOf] of [
      [["list", "clients"], /--endpoint http:\/\/127\.0\.0\.1:4445/, {}],
      [["list", "clients", "-e", nobody], /http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)/, {}],
      [["list", "clients", "-e", "ftp://x"], /is no URL such as/, {}],
      [["list", "clients", "-H", "nonsense"], /'Name: value'/, env],
      [["lisst"], /unknown command 'lisst'\n\(Did you mean list\?\)/, env],
      [["get", "client"], /missing required argument/, env],
      [["perform", "client-credentials"], /--client-id/, env],
      [["update", "client", "x"], /Nothing is to be changed/, env],
      [["create", "client", "--metadata", "{"], /JSON/, env],
    ] as const) {
      const { code, stderr } = await writ(args, { env: envOf });
      assert.equal(code, 1, `${args.join(" ")}: ${stderr}`);
      assert.match(stderr, expected);
      assert.ok(!/\bat .*:\d+:\d+/.test(stderr), stderr);
    }
    assert.equal((await writ(["list", "clients"], { env: { ORY_SDK_URL: server.adminUrl } })).code, 0, "Hydra's variable works too");
  });

  test("help, version and completion for four shells", async () => {
    assert.match(await good("version"), /^Version: +\d+\.\d+\.\d+/);
    assert.match(await good("help"), /create[\s\S]*perform[\s\S]*serve/);
    assert.match(await good("create", "oauth2-client", "--help"), /--grant-type/);
    for (const shell of ["bash", "zsh", "fish", "powershell"]) assert.match(await good("completion", shell), /writ/, shell);
    assert.match(await good("complete", "--", "create", ""), /oauth2-client/);
    assert.equal((await run("completion", "tcsh")).code, 1);
  });
});
