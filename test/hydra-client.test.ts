import assert from "node:assert/strict";
import { test } from "node:test";
import { describeWrit } from "./harness/writ.ts";
import { clientCases } from "./hydra-client/clients.ts";
import { handshakeCases } from "./hydra-client/handshake.ts";
import { keyCases } from "./hydra-client/keys.ts";
import { oidcCases } from "./hydra-client/oidc.ts";
import { CLASSES, openHydraSite } from "./hydra-client/site.ts";
import { tokenCases } from "./hydra-client/tokens.ts";

const APPS = "https://apps.example";

describeWrit(
  "@ory/hydra-client",
  {
    config: {
      compat: "hydra",
      oidc: {
        dynamic_client_registration: { enabled: true, max_per_minute: 10_000 },
        subject_identifiers: { supported_types: ["public", "pairwise"], pairwise: { salt: "a salt for tests" } },
      },
      urls: {
        login: `${APPS}/login`,
        consent: `${APPS}/consent?theme=dark`,
        logout: `${APPS}/logout`,
        error: `${APPS}/error`,
        post_logout_redirect: `${APPS}/bye`,
        device: { verification: `${APPS}/device`, success: `${APPS}/done` },
      },
      oauth2: { device_authorization: { token_polling_interval: "1s" } },
    },
  },
  (writ) => {
    const called = new Set<string>();
    const site = openHydraSite(writ, called);
    clientCases(site);
    keyCases(site);
    handshakeCases(site);
    tokenCases(site);
    oidcCases(site);

    test("hydra.md §13: no method of any class was left out", () => {
      const methods = CLASSES.flatMap((each) =>
        Object.getOwnPropertyNames(each.prototype)
          .filter((name) => name !== "constructor")
          .map((name) => `${each.name}.${name}`),
      );
      assert.ok(methods.length >= 49, String(methods.length));
      assert.deepEqual(
        methods.filter((name) => !called.has(name)),
        [],
      );
    });
  },
);
