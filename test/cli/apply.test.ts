import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createClient, introspect, issueToken, sendJson } from "../harness/http.ts";
import { writ } from "../harness/process.ts";
import { startWrit, type Writ } from "../harness/writ.ts";

const SECRET = "a secret that somebody chose";

describe("writ apply", () => {
  let server: Writ;
  let folder: string;
  before(async () => {
    server = await startWrit("direct");
    folder = mkdtempSync(join(tmpdir(), "writ-apply-"));
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const apply = (...args: string[]) => writ(["apply", ...args], { env: { WRIT_ADMIN_URL: server.adminUrl, APP_SECRET: SECRET }, cwd: folder });
  const get = async (id: string) => (await sendJson(server, "GET", `/admin/clients/${id}`)).body;

  test("clients of several documents, lists and files become what is declared; a second run changes nothing, not even updated_at; what is taken out is reset", async () => {
    file("app.secret", `${SECRET}\n`);
    const yaml = (more: string): string => `# a comment
client_id: one
client_name: One
client_secret: { env: APP_SECRET }
grant_types: [client_credentials]
${more}
---
clients:
  - client_id: two
    client_secret: { file: app.secret }
    metadata: { team: red, api_key: "0123456789" }
  - { client_id: three, token_endpoint_auth_method: none, redirect_uris: ["https://three.example/cb"] }
`;
    const first = file("clients.yaml", yaml("scope: a b"));
    const json = file("more.json", '[{"client_id":"four","token_endpoint_auth_method":"none","skip_consent":true}]');
    const made = await apply("-f", first, "-f", json);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^\+ one\n {4}client_id: "one"\n {4}client_name: "One"\n[\s\S]*\+ four\n[\s\S]*4 clients: 4 created\.\n$/);
    assert.match(made.stdout, / {4}client_secret: \(hidden\)/);
    for (const hidden of [SECRET, "0123456789"]) assert.ok(!made.stdout.includes(hidden), "no secret is printed");
    const one = await get("one");
    assert.deepEqual([one.scope, one.metadata], ["a b", { "writ.apply": "default" }]);
    for (const id of ["one"]) assert.equal((await introspect(server, await issueToken(server, { client_id: id, client_secret: SECRET }))).active, true);

    const before = await Promise.all(["one", "two", "three", "four"].map(get));
    await new Promise((resolve) => setTimeout(resolve, 1100)); // updated_at has whole seconds
    const again = await apply("-f", first, "-f", json, "--detailed-exitcode");
    assert.deepEqual([again.code, again.stdout], [0, "4 clients: 4 unchanged.\n"]);
    assert.deepEqual(await Promise.all(["one", "two", "three", "four"].map(get)), before);

    const second = file(
      "clients.yaml",
      yaml("lifespans_are: wrong").replace("lifespans_are: wrong", "authorization_code_grant_access_token_lifespan: 90m").replace("client_name: One\n", ""),
    );
    const changed = await apply("-f", second, "-f", json, "--detailed-exitcode");
    assert.equal(changed.code, 2, changed.stderr);
    assert.match(
      changed.stdout,
      /^~ one\n(?=[\s\S]*client_name: "One" → "")(?=[\s\S]*scope: "a b" → "offline_access offline openid")(?=[\s\S]*lifespan: null → "1h30m0s")[\s\S]*4 clients: 1 changed, 3 unchanged\.\n$/,
    );
  });

  test("--dry-run shows what would be done and does nothing; a changed secret is seen and not shown", async () => {
    const { client_secret: secret } = await createClient(server, { client_id: "trial", scope: "a" });
    const path = file(
      "trial.yaml",
      "client_id: trial\nscope: b\nclient_secret: {env: APP_SECRET}\ngrant_types: [client_credentials]\n---\nclient_id: new\ntoken_endpoint_auth_method: none\n",
    );
    const trial = await apply("-f", path, "--dry-run", "--detailed-exitcode");
    assert.equal(trial.code, 2, trial.stderr);
    assert.match(trial.stdout, /^~ trial\n {4}scope: "a" → "b"\n(?=[\s\S]*client_secret: \(hidden\), is changed\n)[\s\S]*\+ new\n[\s\S]*2 clients: 1 to create, 1 to change\.\n$/);
    assert.ok(!trial.stdout.includes(SECRET) && !trial.stdout.includes(secret));
    assert.deepEqual([(await get("trial")).scope, (await sendJson(server, "GET", "/admin/clients/new")).status], ["a", 404]);
    const shown = JSON.parse((await apply("-f", path, "--dry-run", "--format", "json")).stdout);
    assert.deepEqual([shown.dry_run, shown.changes[0].action, shown.changes[0].differences.scope], [true, "update", { before: "a", after: "b" }]);
    assert.ok(!JSON.stringify(shown).includes(SECRET));
    assert.equal((await apply("-f", path, "--dry-run", "-q")).stdout, "trial\nnew\n");
    assert.equal((await introspect(server, await issueToken(server, { client_id: "trial", client_secret: secret }))).active, true, "the old secret is good");
  });

  test("--prune deletes what this name looks after and no file declares, and nothing else; another name's clients are not touched", async () => {
    await createClient(server, { client_id: "by-hand" });
    const own = mkdtempSync(join(folder, "own-"));
    mkdirSync(join(own, "sub.yaml"), { recursive: true }); // a folder in the folder is none of its files
    rmSync(join(own, "sub.yaml"), { recursive: true });
    const none = "token_endpoint_auth_method: none";
    writeFileSync(join(own, "a.yaml"), `{client_id: p1, ${none}}\n---\n{client_id: p2, ${none}}\n`);
    writeFileSync(join(own, "b.json"), '{"client_id":"p3","token_endpoint_auth_method":"none"}');
    writeFileSync(join(own, "notes.txt"), "not a declaration");
    const other = file("other.yaml", `{client_id: theirs, ${none}}\n`);
    assert.equal((await apply("-f", own, "--name", "team-a")).code, 0);
    assert.equal((await apply("-f", other, "--name", "team-b")).code, 0);
    writeFileSync(join(own, "a.yaml"), `{client_id: p1, ${none}}\n`);
    const without = await apply("-f", own, "--name", "team-a");
    assert.equal(without.stdout, "2 clients: 2 unchanged.\n", "not without --prune");
    assert.match((await apply("-f", own, "--name", "team-a", "--prune", "--dry-run")).stdout, /^- p2\n3 clients: 1 to delete, 2 unchanged\.\n$/);
    assert.match((await apply("-f", own, "--name", "team-a", "--prune")).stdout, /^- p2\n3 clients: 1 deleted, 2 unchanged\.\n$/);
    for (const [id, status] of [
      ["p1", 200],
      ["p2", 404],
      ["p3", 200],
      ["theirs", 200],
      ["by-hand", 200],
    ] as const)
      assert.equal((await sendJson(server, "GET", `/admin/clients/${id}`)).status, status, id);
    const empty = await apply("-f", file("empty.yaml", "# nothing\n"), "--name", "team-a", "--prune");
    assert.deepEqual([empty.code, /declare no client/.test(empty.stderr)], [1, true]);

    const stolen = await apply("-f", other, "--name", "team-a");
    assert.equal(stolen.code, 1);
    assert.match(stolen.stderr, /other\.yaml:1:2: 'theirs' is looked after by writ apply --name team-b; --take-over/);
    assert.match((await apply("-f", other, "--name", "team-a", "--take-over")).stdout, /metadata\.writ\.apply: "team-b" → "team-a"/);
  });

  test("what is wrong is named by file, line, document and member, all of it at once, and nothing is changed", async () => {
    const none = "token_endpoint_auth_method: none";
    const path = file(
      "wrong.yaml",
      [
        `client_id: fine\n${none}`,
        "client_id: w1\nscpoe: a",
        `client_id: w2\n${none}\nredirect_uris:\n  - "https://x.example/#fragment"`,
        "client_id: 12",
        "client_name: nobody",
        "just text",
        "client_id: w3\nclient_secret: { env: NOT_SET_HERE }",
        "client_id: w4\nclient_secret: { file: nowhere.secret }",
        "client_id: w5\nclient_secret: [a]",
        "client_id: w6\nmetadata: { writ.apply: mine }",
        `client_id: fine\n${none}`,
        "client_id: w7\nscope: [a",
        "client_id: w8",
        `client_id: w9\n${none}\nscope: 5`,
        "client_id: w10\nclient_secret: short",
      ].join("\n---\n"),
    );
    const { code, stderr, stdout } = await apply("-f", path);
    assert.deepEqual([code, stdout], [1, ""]);
    for (const expected of [
      /wrong\.yaml:5:1 \(document 2\): scpoe is no member of a client; did you mean scope\?/,
      /wrong\.yaml:9:1 \(document 3\): w2: .*'redirect_uris'/,
      /wrong\.yaml:12:1 \(document 4\): client_id must be text/,
      /\(document 5\): client_id is missing/,
      /\(document 6\): is no client/,
      /\(document 7\): client_secret is to come from the environment, where NOT_SET_HERE is not set/,
      /\(document 8\): client_secret is to come from nowhere\.secret, which cannot be read \(ENOENT\)/,
      /\(document 9\): client_secret must be text, \{env: NAME\} or \{file: PATH\}/,
      /\(document 10\): metadata has a member 'writ\.apply' of its own/,
      /\(document 11\): client_id 'fine' is declared at .*wrong\.yaml:1:1 \(document 1\) too/,
      /\(document 12\): /,
      /\(document 13\): w8: 'client_secret' is missing/,
      /\(document 14\): w9: .*scope/,
      /\(document 15\): w10: 'client_secret' must have 6/,
      /Nothing was changed\.\n$/,
    ])
      assert.match(stderr, expected);
    assert.equal((await sendJson(server, "GET", "/admin/clients/fine")).status, 404);
    assert.match((await apply("-f", join(folder, "not-there.yaml"))).stderr, /not-there\.yaml cannot be read \(ENOENT\)/);
    assert.match((await apply()).stderr, /--file/);
    assert.match(
      (
        await apply(
          "-f",
          file("bomb.yaml", `a: &a [x,x]\n${Array.from({ length: 30 }, (_, i) => `k${i}: &k${i} [*${i === 0 ? "a" : `k${i - 1}`},*${i === 0 ? "a" : `k${i - 1}`}]`).join("\n")}\n`),
        )
      ).stderr,
      /bomb\.yaml:1:1: .*alias/i,
    );
  });

  test("a text that would draw on the terminal is printed without doing so", async () => {
    const { stdout } = await apply("-f", file("drawn.yaml", 'client_id: drawn\ntoken_endpoint_auth_method: none\nclient_name: "\\u009b31m\\u202ered"\n'));
    assert.doesNotMatch(stdout, /[\u0080-\u009f\u202e]/);
  });

  test("ApplyClient is an administrator's: the id of the path counts, and a hash that would take too long to check is refused", async () => {
    const path = "/admin/clients/hashed/apply";
    const post = (body: object) => sendJson(server, "POST", path, body);
    assert.match((await post({ client: { client_id: "another" } })).body.error_description, /client_id/);
    for (const hash of [
      "plain",
      "$2b$20$ab",
      `$2b$31$${"a".repeat(53)}`,
      "$pbkdf2-sha256$i=90000000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
      "$argon2id$v=19$m=9999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    ])
      assert.match((await post({ client: {}, client_secret_hash: hash })).body.error_description, /client_secret_hash/, hash);
    assert.match(
      (await post({ client: { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://a.example/keys" }, client_secret_hash: `$2b$10$${"a".repeat(53)}` })).body
        .error_description,
      /is for client_secret_basic/,
    );
    assert.match((await post({ client: { client_secret: "a secret" }, client_secret_hash: `$2b$10$${"a".repeat(53)}` })).body.error_description, /together/);
    assert.equal((await sendJson(server, "GET", "/admin/clients/hashed")).status, 404);
    const signs = (secret: string, method = "client_secret_jwt") =>
      sendJson(server, "POST", "/admin/clients/signs/apply", { client: { token_endpoint_auth_method: method, client_secret: secret } });
    assert.match((await signs("too short for HS256")).body.error_description, /client_secret/);
    for (const [secret, method, changes] of [
      ["a secret that is long enough for HS256", "client_secret_jwt", true],
      ["a secret that is long enough for HS256", "client_secret_jwt", undefined],
      ["a secret that is long enough for HS256", "client_secret_basic", undefined],
      ["a secret that is long enough for HS256", "client_secret_jwt", undefined],
      ["another that is long enough for HS256 too", "client_secret_jwt", true],
    ] as const)
      assert.equal((await signs(secret, method)).body.changes_secret, changes, `${secret} ${method}`);
    const made = await post({ client: { grant_types: ["client_credentials"] }, make_secret: true });
    assert.equal((await introspect(server, await issueToken(server, made.body.after))).active, true);
    const again = await post({ client: { grant_types: ["client_credentials"] }, make_secret: true });
    assert.deepEqual([again.body.after.client_secret, again.body.changes_secret], [undefined, undefined], "the secret stays");
  });
});
