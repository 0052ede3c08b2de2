import assert from "node:assert/strict";
import { test } from "node:test";
import { closeDb, openDb } from "#core/store/db.ts";
import { silentLog } from "#lib/events.ts";
import { adminRequests } from "./bad-requests/admin.ts";
import { clientAssertions, grantAssertions, trustRequests } from "./bad-requests/assertions.ts";
import { authorizationRequests } from "./bad-requests/authorize.ts";
import { type BadRequest, openSite, type Site } from "./bad-requests/case.ts";
import { deviceRequests } from "./bad-requests/device.ts";
import { type Features, openFeatures } from "./bad-requests/features.ts";
import { logoutRequests } from "./bad-requests/logout.ts";
import { registrationRequests } from "./bad-requests/registration.ts";
import { requestObjects, responseRequests } from "./bad-requests/request-objects.ts";
import { tokenQuestions, tokenRequests, userinfoRequests } from "./bad-requests/token.ts";
import { dumpRows } from "./harness/dump.ts";
import { send } from "./harness/http.ts";
import { ENABLED } from "./harness/registration.ts";
import { ARRANGEMENTS, describeWrit } from "./harness/writ.ts";

const TABLES: readonly ((site: Site) => readonly BadRequest[])[] = [tokenRequests, tokenQuestions, userinfoRequests, authorizationRequests, adminRequests];
const FEATURE_TABLES: readonly ((features: Features) => readonly BadRequest[])[] = [
  deviceRequests,
  registrationRequests,
  logoutRequests,
  clientAssertions,
  grantAssertions,
  trustRequests,
  requestObjects,
  responseRequests,
];

async function answerOf({ url, init }: BadRequest): Promise<{ readonly status: number; readonly error: string; readonly text: string }> {
  const { status, headers, body, text } = await send(url, init);
  const location = headers.get("location");
  const redirect = location === null ? undefined : new URL(location, url);
  const fromRedirect = redirect?.searchParams.get("error") ?? new URLSearchParams(redirect?.hash.slice(1)).get("error");
  const fromHeader = /error="([^"]*)"/.exec(headers.get("www-authenticate") ?? "")?.[1];
  const isPage = headers.get("content-type")?.startsWith("text/html") === true && location === null;
  return { status, error: body?.error ?? fromRedirect ?? fromHeader ?? (isPage ? pageError(text) : "no code"), text };
}

/** `page`, and the code that a page for the person names. */
function pageError(text: string): string {
  const [, code] = /<code id="error">([^<]*)</.exec(text) ?? [];
  return code === undefined ? "page" : `page ${code}`;
}

function isRight({ status, error }: { readonly status: number; readonly error: string }, expected: BadRequest): boolean {
  if (status !== expected.status) return false;
  return typeof expected.error === "string" ? error === expected.error || error.startsWith(`${expected.error} `) : expected.error.test(error);
}

describeWrit(
  "bad requests",
  { config: ENABLED },
  (writ) => {
    test("specs.md §39: hundreds of them get the specification's error, none a 5xx or a stack trace, and nothing is written", { timeout: 240_000 }, async () => {
      const db = await openDb({ dsn: writ().dsn, log: silentLog });
      try {
        const [site, features] = [await openSite(writ()), await openFeatures(writ())];
        const requests = [...TABLES.flatMap((table) => table(site)), ...FEATURE_TABLES.flatMap((table) => table(features))];
        assert.equal(new Set(requests.map(({ what }) => what)).size, requests.length, "each has a name of its own");
        assert.ok(requests.length >= 1400, String(requests.length));
        const before = await dumpRows(db);
        const wrong: string[] = [];
        for (let from = 0; from < requests.length; from += 40)
          await Promise.all(
            requests.slice(from, from + 40).map(async (request) => {
              const answer = await answerOf(request);
              const { status, error, text } = answer;
              if (!isRight(answer, request) || /\bat .*\.[tj]s:\d+|node_modules|SQLITE|ER_[A-Z]/.test(text))
                wrong.push(`${request.what}: ${status} ${error}, not ${request.status} ${request.error}: ${text.slice(0, 200)}`);
            }),
          );
        assert.deepEqual(wrong, []);
        assert.equal(await dumpRows(db), before);
      } finally {
        await closeDb(db);
      }
    });
  },
  ARRANGEMENTS.filter((arrangement) => arrangement !== "direct"),
);
