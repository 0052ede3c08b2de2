import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { getOption, hasOption } from "@bufbuild/protobuf";
import fc from "fast-check";
import { REST_SERVICES } from "#gateway/rest/services.ts";
import { rest as restOption } from "#gen/writ/options_pb.ts";
import { silentLog } from "#lib/events.ts";
import { type Features, JWT_BEARER, openFeatures } from "./bad-requests/features.ts";
import { DEVICE_GRANT } from "./harness/device.ts";
import { basicAuthorization } from "./harness/http.ts";
import { BYE } from "./harness/logout.ts";
import { ENABLED } from "./harness/registration.ts";
import { ARRANGEMENTS, describeWrit, type Writ } from "./harness/writ.ts";

/** The same requests each time: what fails once fails again. Another one finds others. */
const SEED = 20_260_102;
/** Groups of requests for each endpoint, and requests in a group, which are sent at once. */
const [GROUPS, SIZE] = [30, 8];
/** Milliseconds until the last of a group is answered. */
const SOON = 2000;

const PUBLIC =
  "client_id client_secret response_type redirect_uri response_mode scope audience state nonce prompt max_age display ui_locales acr_values login_hint id_token_hint claims registration request request_uri code_challenge code_challenge_method login_verifier consent_verifier grant_type code code_verifier refresh_token device_code assertion client_assertion client_assertion_type token token_type_hint access_token user_code device_verifier post_logout_redirect_uri logout_hint logout_verifier logout_challenge answer resource username password".split(
    " ",
  );
const WORDS =
  "code token id_token none login consent query fragment form_post openid offline_access read admin S256 plain 0 -1 1e9 3600 true null [] {} client_credentials authorization_code refresh_token password page popup en-US".split(
    " ",
  );

/** A request that fast-check made up. */
interface Made {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Text that somebody might send: any at all, what is known somewhere, or what is right here. */
function texts(right: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...right) },
    { weight: 3, arbitrary: fc.constantFrom(...WORDS) },
    { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 60 }) },
    { weight: 1, arbitrary: fc.webUrl({ withFragments: true, withQueryParameters: true }) },
    { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
    { weight: 1, arbitrary: fc.integer({ min: 500, max: 5000 }).map((length) => "x".repeat(length)) },
  );
}

type Parameters = Readonly<Record<string, string>>;

/** Parameters, well encoded or not: none that are right, or a request that is right but for some of them, which may come twice. */
function forms(right: readonly string[], bases: readonly Parameters[]): fc.Arbitrary<string> {
  const name = fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...PUBLIC) }, { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) });
  const base = fc.oneof({ weight: 1, arbitrary: fc.constant<Parameters>({}) }, { weight: 3, arbitrary: fc.constantFrom<Parameters>({}, ...bases) });
  const well = fc.tuple(base, fc.array(fc.tuple(name, texts(right)), { maxLength: 8 }), fc.integer({ min: 0, max: 7 })).map(([from, changes, twice]) => {
    const changed = new Set(twice === 0 ? [] : changes.map(([each]) => each));
    return new URLSearchParams([...Object.entries(from).filter(([each]) => !changed.has(each)), ...changes]).toString();
  });
  return fc.oneof({ weight: 12, arbitrary: well }, { weight: 1, arbitrary: fc.string({ maxLength: 200 }).map((text) => text.replace(/[^\x21-\x7e]|#/g, "%zz")) });
}

const authorizations = (right: readonly string[]): fc.Arbitrary<Readonly<Record<string, string>>> =>
  fc.oneof(
    fc.constant({}),
    fc.constantFrom(...right).map((authorization) => ({ authorization })),
    fc.string({ maxLength: 40 }).map((text) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` })),
  );
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** An endpoint for a query or a form. */
interface Endpoint {
  readonly path: string;
  readonly methods: readonly ("GET" | "POST")[];
  /** Requests that are right. */
  readonly bases: readonly Parameters[];
}

/** Requests to an endpoint. */
function requests({ path, methods, bases }: Endpoint, right: readonly string[], credentials: readonly string[]): fc.Arbitrary<Made> {
  return fc
    .tuple(fc.constantFrom(...methods), forms(right, bases), authorizations(credentials))
    .map(([method, form, headers]) => (method === "GET" ? { method, path: `${path}?${form}`, headers } : { method, path, headers: { ...headers, ...FORM }, body: form }));
}

/** The endpoints, with what is right there. */
function endpoints({ device, codes, member, hybrid, machine, registered }: Features): readonly Endpoint[] {
  const { access_token: accessToken, refresh_token: refreshToken, id_token: idToken } = member.tokens;
  const asked: Parameters = Object.fromEntries(new URLSearchParams(hybrid.request({ nonce: "a nonce" }).split("?")[1]));
  const tokens = [{ token: accessToken }, { token: refreshToken }, { token: "x", client_id: device.client_id }];
  const grants: Parameters[] = [
    { grant_type: "client_credentials", scope: "read" },
    { grant_type: "authorization_code", code: "writ_ac_x", redirect_uri: hybrid.redirectUri, client_id: hybrid.client.client_id, client_secret: hybrid.client.client_secret },
    { grant_type: "refresh_token", refresh_token: "writ_rt_x" },
    { grant_type: DEVICE_GRANT, device_code: codes.device_code, client_id: device.client_id },
    { grant_type: JWT_BEARER, assertion: idToken },
  ];
  return [
    {
      path: "/oauth2/auth",
      methods: ["GET", "POST"],
      bases: [asked, ...["token", "code id_token"].map((type) => ({ ...asked, response_type: type })), { ...asked, prompt: "none" }],
    },
    { path: "/oauth2/token", methods: ["POST"], bases: grants },
    { path: "/oauth2/device/auth", methods: ["POST"], bases: [{ client_id: device.client_id, scope: "read" }] },
    { path: "/oauth2/device/verify", methods: ["GET"], bases: [{ user_code: codes.user_code }] },
    { path: "/oauth2/sessions/logout", methods: ["GET", "POST"], bases: [{ id_token_hint: idToken, post_logout_redirect_uri: BYE }, { client_id: registered.client_id }] },
    { path: "/oauth2/revoke", methods: ["POST"], bases: [{ token: "x", client_id: device.client_id }] },
    { path: "/oauth2/introspect", methods: ["POST"], bases: tokens },
    { path: "/userinfo", methods: ["GET", "POST"], bases: [{ access_token: accessToken }, { access_token: machine.client_secret }] },
  ];
}

/** JSON that is nearly metadata of a client. */
function registrations(right: readonly string[]): fc.Arbitrary<Made> {
  const names =
    "redirect_uris grant_types response_types scope client_name jwks jwks_uri token_endpoint_auth_method subject_type default_max_age contacts application_type software_statement sector_identifier_uri id_token_signed_response_alg request_uris".split(
      " ",
    );
  const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), texts(right), fc.array(texts(right), { maxLength: 4 }));
  const base = { redirect_uris: ["https://app.example/cb"] };
  return fc
    .tuple(fc.constantFrom({}, base, base, base), fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4 }))
    .map(([from, changes]) => ({ method: "POST", path: "/oauth2/register", headers: { "content-type": "application/json" }, body: JSON.stringify({ ...from, ...changes }) }));
}

/** Every route of the admin API, with whatever in its path, query and body. Keys are made of one kind: of others it takes its time. */
function adminRequests(right: readonly string[]): fc.Arbitrary<Made> {
  const routes = REST_SERVICES.flatMap((service) =>
    service.methods
      .filter((method) => hasOption(method, restOption))
      .map((method) => {
        const { route, form } = getOption(method, restOption);
        const inner = method.input.fields.flatMap((field) => (field.fieldKind === "message" ? field.message.fields : []));
        return { verb: String(route.case).toUpperCase(), path: String(route.value), form, names: [...new Set([...method.input.fields, ...inner].map(({ name }) => name))] };
      }),
  );
  const segment = fc.oneof(texts(right), fc.constant("made-up")).map((text) => encodeURIComponent(text.toWellFormed()) || "x");
  return fc.constantFrom(...routes).chain(({ verb, path, form, names }) => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), texts(right), fc.constantFrom("ES256", "sig"), fc.array(texts(right), { maxLength: 3 }));
    const members = fc.dictionary(fc.constantFrom(...names, "x"), value, { maxKeys: 6 });
    return fc
      .tuple(segment, segment, forms(right, []), members, fc.dictionary(fc.constantFrom(...names, "x"), texts(right), { maxKeys: 3 }))
      .map(([one, two, parameters, body, query]) => {
        const filled = path.replace(/\{\w+\}/, one).replace(/\{\w+\}/, two);
        const made = { method: verb, path: `${filled}?${new URLSearchParams(query)}`, headers: form ? FORM : { "content-type": "application/json" } };
        return verb === "GET" || verb === "DELETE" ? { ...made, headers: {} } : { ...made, body: form ? parameters : JSON.stringify(body) };
      });
  });
}

/** What is right here, in one place or another. */
function rightValues({ device, codes, member, hybrid, logoutChallenge, registered, machine }: Features): readonly string[] {
  const { access_token: accessToken, refresh_token: refreshToken, id_token: idToken } = member.tokens;
  return [
    device.client_id,
    hybrid.client.client_id,
    hybrid.redirectUri,
    machine.client_id,
    codes.device_code,
    codes.user_code,
    accessToken,
    refreshToken,
    idToken,
    logoutChallenge,
    registered.client_id,
  ];
}

describeWrit(
  "made-up requests",
  { config: ENABLED, log: silentLog },
  (writ) => {
    let site: Promise<Features> | undefined;
    const open = (): Promise<Features> => {
      site ??= openFeatures(writ());
      return site;
    };

    /** Sends them, and fails with the smallest that is answered by a 5xx or too late. */
    const assertHandled = async (t: TestContext, made: fc.Arbitrary<Made>, urlOf: (server: Writ) => string): Promise<void> => {
      t.diagnostic(`seed ${SEED}`);
      const statuses = new Map<number, number>();
      await fc.assert(
        fc.asyncProperty(fc.array(made, { minLength: SIZE, maxLength: SIZE }), async (group) => {
          const base = urlOf(writ());
          const began = performance.now();
          await Promise.all(
            group.map(async ({ method, path, headers, body }) => {
              const response = await fetch(base + path, { method, headers, redirect: "manual", ...(body === undefined ? {} : { body }) });
              const text = await response.text();
              statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
              assert.ok(response.status < 500, `${response.status} ${text.slice(0, 300)}`);
              assert.doesNotMatch(text, /\bat .*\.[tj]s:\d+|node_modules|SQLITE|ER_[A-Z]{3}/);
            }),
          );
          const took = performance.now() - began;
          assert.ok(took < SOON, `${Math.round(took)} ms`);
        }),
        { seed: SEED, numRuns: GROUPS },
      );
      t.diagnostic([...statuses].map(([status, count]) => `${count} × ${status}`).join(", "));
    };
    const publicUrl = (server: Writ): string => server.publicUrl;
    const credentials = async (): Promise<readonly string[]> => {
      const { machine, member, desk } = await open();
      return [basicAuthorization(machine.client_id, machine.client_secret), basicAuthorization(desk.client_id, desk.client_secret), `Bearer ${member.tokens.access_token}`];
    };

    for (const path of [
      "/oauth2/auth",
      "/oauth2/token",
      "/oauth2/device/auth",
      "/oauth2/device/verify",
      "/oauth2/sessions/logout",
      "/oauth2/revoke",
      "/oauth2/introspect",
      "/userinfo",
    ])
      test(`specs.md §39: ${path} answers whatever parameters come, within two seconds and never by a 5xx`, async (t) => {
        const features = await open();
        const endpoint = endpoints(features).find((each) => each.path === path) ?? assert.fail(path);
        await assertHandled(t, requests(endpoint, rightValues(features), await credentials()), publicUrl);
      });

    test("specs.md §39: /oauth2/register answers whatever metadata come, within two seconds and never by a 5xx", async (t) => {
      await assertHandled(t, registrations(rightValues(await open())), publicUrl);
    });

    test("specs.md §39: every route of /admin answers whatever comes in path, query and body, within two seconds and never by a 5xx", async (t) => {
      await assertHandled(t, adminRequests(rightValues(await open())), ({ adminUrl }) => adminUrl);
    });
  },
  ARRANGEMENTS.filter((arrangement) => arrangement !== "apart"),
);
