import assert from "node:assert/strict";
import { test } from "node:test";
import { send } from "../harness/http.ts";
import { describeWrit } from "../harness/writ.ts";

const TOKENS = { ops: "ops-".padEnd(32, "1"), keys: "keys-".padEnd(32, "2"), service: "service-".padEnd(32, "3") };

describeWrit(
  "who may use the admin API",
  {
    config: {
      access: {
        tokens: [
          { name: "ops", token: TOKENS.ops, roles: ["admin"] },
          { name: "keys", token: TOKENS.keys, roles: ["admin", "keys"] },
          { name: "service", token: TOKENS.service, roles: ["service"] },
        ],
      },
    },
  },
  (writ) => {
    const as = (who: keyof typeof TOKENS | undefined, path: string) =>
      send(writ().adminUrl + path, who === undefined ? {} : { headers: { authorization: `Bearer ${TOKENS[who]}` } });

    test("RFC 6750 §3: a caller without credentials, or with unknown ones, gets 401 and is told Bearer", async () => {
      for (const headers of [{}, { authorization: "Bearer unknown" }, { authorization: "Basic b3BzOng=" }, { authorization: "" }]) {
        const answer = await send(`${writ().adminUrl}/admin/clients`, { headers: headers as Record<string, string> });
        assert.deepEqual(
          [answer.status, answer.body.error, answer.headers.get("www-authenticate")],
          [401, "The request could not be authorized", 'Bearer realm="writ admin"'],
          JSON.stringify(headers),
        );
      }
    });

    test("the credentials of the caller reach core: an administrator gets clients, a service gets 403", async () => {
      assert.deepEqual(await as("ops", "/admin/clients").then(({ status, body }) => [status, body]), [200, []]);
      assert.deepEqual(await as("service", "/admin/clients").then(({ status, body }) => [status, body.error]), [403, "The requested action was forbidden"]);
    });

    test("private keys are for a role of their own", async () => {
      assert.equal((await as("ops", "/admin/keys/hydra.openid.id-token")).status, 403);
      assert.notEqual((await as("keys", "/admin/keys/none")).status, 403);
    });

    test("version and health are for everybody", async () => {
      for (const path of ["/version", "/health/alive", "/health/ready"]) assert.equal((await as(undefined, path)).status, 200, path);
    });
  },
  ["direct", "apart"],
);
