import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { send } from "../harness/http.ts";
import { gatewayOver } from "./stand-in.ts";

describe("metrics", async () => {
  const { publicUrl, adminUrl } = await gatewayOver((router) => router.service(OAuthService, { revokeToken: () => ({}) }));
  const read = () => send(`${adminUrl}/metrics/prometheus`);
  /** The sample of a name whose labels are these. */
  const sample = (text: string, name: string, labels: Readonly<Record<string, string>>): number | undefined => {
    const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) && Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)));
    assert.ok(lines.length <= 1, lines.join("\n"));
    return lines[0] === undefined ? undefined : Number(lines[0].split(" ").at(-1));
  };
  const revoke = () => send(`${publicUrl}/oauth2/revoke`, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: "token=a-secret-of-mine" });

  test("hydra.md §1.2: on the admin port, with and without its prefix, and not on the public one; in the text format", async () => {
    for (const path of ["/metrics/prometheus", "/admin/metrics/prometheus"]) {
      const { status, headers, text } = await send(adminUrl + path);
      assert.deepEqual([status, headers.get("content-type")], [200, "text/plain; version=0.0.4; charset=utf-8"]);
      assert.ok(text.endsWith("\n"));
      for (const line of text.trimEnd().split("\n")) assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z_]+="[^"\\]*",?)+\})? [\d.e+-]+)$/);
    }
    for (const path of ["/metrics/prometheus", "/admin/metrics/prometheus"]) assert.equal((await send(publicUrl + path)).status, 404);
  });

  test("hydra.md §1.2: requests of both ports are counted by status, method and pattern, with their times and sizes", async () => {
    const { text: before } = await read();
    for (let i = 0; i < 3; i++) assert.equal((await revoke()).status, 200);
    await send(`${adminUrl}/health/alive`);
    const { text } = await read();
    const labels = { code: "200", endpoint: "/oauth2/revoke", method: "POST" };
    assert.equal((sample(text, "http_requests_total", labels) ?? 0) - (sample(before, "http_requests_total", labels) ?? 0), 3);
    assert.equal(sample(text, "http_requests_total", { code: "200", endpoint: "/admin/health/alive", method: "GET" }), 1);
    assert.ok((sample(text, "http_requests_statuses_total", { method: "POST", status_bucket: "2xx" }) ?? 0) >= 3);
    for (const name of ["http_response_time_seconds", "http_requests_duration_seconds", "http_requests_size_bytes", "http_response_size_bytes"]) {
      assert.ok(text.includes(`# TYPE ${name} histogram\n`), name);
      const count = sample(text, `${name}_count`, labels) ?? 0;
      assert.ok(count >= 3, name);
      assert.equal(sample(text, `${name}_bucket`, { ...labels, le: "+Inf" }), count, `${name}: the last bucket holds all`);
    }
    assert.equal(sample(text, "http_requests_size_bytes_sum", labels), 22 * (sample(text, "http_requests_size_bytes_count", labels) ?? 0));
    for (const name of ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"]) assert.match(text, new RegExp(`^${name} [\\d.e+]+$`, "m"));
  });

  test("RFC 9110 §4.2.4: no path, query or body of a caller is in it, and unknown paths make one series", async () => {
    await revoke();
    for (let i = 0; i < 20; i++) await send(`${publicUrl}/nobody-${i}?x=a-secret-of-mine`);
    await send(`${publicUrl}/oauth2/register/some-client`);
    const { text } = await read();
    assert.ok(!/nobody|a-secret-of-mine|some-client/.test(text));
    assert.equal(
      sample(text, "http_requests_total", { code: "404", endpoint: "(none)", method: "GET" }),
      sample(text, "http_response_time_seconds_count", { code: "404", endpoint: "(none)" }),
    );
    assert.ok((sample(text, "http_requests_total", { code: "404", endpoint: "(none)", method: "GET" }) ?? 0) >= 20);
  });
});
