import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startHook } from "#test/harness/hook.ts";
import { makeWebhook } from "./webhook.ts";

const server = await startHook();
after(() => server.close());
const limits = { budget: 300, pauses: [1, 1], maxAnswer: 1000 };

test("a try that got no answer, 429 or 5xx is made again, twice at most; what stays is the last answer", async () => {
  const hook = makeWebhook({ url: `${server.url}/hook?a=1` }, limits);
  server.answer({ status: 503 }, "reset", { status: 200, body: "yes" });
  assert.deepEqual(await hook.post("{}"), { status: 200, text: "yes" });
  assert.deepEqual(
    server.asked.map(({ url, method, headers }) => [url, method, headers["content-type"]]),
    [1, 2, 3].map(() => ["/hook?a=1", "POST", "application/json; charset=UTF-8"]),
  );
  server.answer({ status: 429 });
  assert.equal((await hook.post("{}")).status, 429);
  assert.equal(server.asked.length, 3);
  server.answer({ status: 400 });
  assert.equal((await hook.post("{}")).status, 400);
  assert.equal(server.asked.length, 1, "a verdict is asked for once");
  await hook.close();
});

test("whoever says nothing is not waited for longer than the budget, and is not asked again", async () => {
  const hook = makeWebhook({ url: server.url }, limits);
  server.answer("hang");
  const began = performance.now();
  await assert.rejects(hook.post("{}"), { name: "TimeoutError" });
  assert.ok(performance.now() - began < 2000);
  assert.equal(server.asked.length, 1);
  await hook.close();
});

test("an answer that is too large is given up and not asked for again; a redirect is followed nowhere", async () => {
  const hook = makeWebhook({ url: server.url }, limits);
  server.answer({ status: 200, body: "x".repeat(1001) });
  await assert.rejects(hook.post("{}"), { code: "UND_ERR_RES_EXCEEDED_MAX_SIZE" });
  assert.equal(server.asked.length, 1);
  server.answer({ status: 307, headers: { location: `${server.url}/elsewhere` } });
  assert.equal((await hook.post("{}")).status, 307);
  assert.equal(server.asked.length, 1);
  await hook.close();
});

test("hydra.md §9: the credential goes in a header, in a cookie, or as the URL's user name and password", async () => {
  const { host } = new URL(server.url);
  server.answer({ status: 204 });
  for (const [url, auth, header, value] of [
    [server.url, { in: "header", name: "X-Api-Key", value: "s3cret" }, "x-api-key", "s3cret"],
    [server.url, { in: "cookie", name: "key", value: "s3cret" }, "cookie", "key=s3cret"],
    [`http://ops:p%40ss@${host}`, undefined, "authorization", `Basic ${Buffer.from("ops:p@ss").toString("base64")}`],
  ] as const) {
    const hook = makeWebhook({ url, auth }, limits);
    await hook.post("{}");
    assert.equal(server.asked.at(-1)?.headers[header], value);
    await hook.close();
  }
});
