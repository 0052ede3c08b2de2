import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { getOption, hasOption } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { Validator } from "@seriousme/openapi-schema-validator";
import { REST_SERVICES } from "#gateway/rest/services.ts";
import { ClientService } from "#gen/writ/admin/v1/client_service_pb.ts";
import { JwkService } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { TokenService } from "#gen/writ/admin/v1/token_service_pb.ts";
import { rest } from "#gen/writ/options_pb.ts";
import { postForm, send } from "../harness/http.ts";
import { gatewayOver } from "./stand-in.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean;
  readonly items?: Schema;
}

function core(router: ConnectRouter): void {
  router.service(ClientService, {
    createClient: ({ client }) => ({ client: client ?? {} }),
    listClients: () => ({ clients: [{ clientId: "a", metadata: { any: [1, { b: null }] }, skipLogoutConsent: true, createdAt: { seconds: 1n } }] }),
  });
  router.service(JwkService, { getJwkSet: () => ({ keySet: { keys: [{ kty: "RSA", n: "AQ", x5c: ["a"] }] } }) });
  router.service(TokenService, { introspectToken: () => ({ introspection: { active: true, token: { sub: "s", exp: 1, aud: ["a"], ext: { x: 1 } } } }) });
}

describe("the OpenAPI document", async () => {
  const { adminUrl } = await gatewayOver(core);
  const { body: document, status } = await send(`${adminUrl}/openapi.json`);

  test("OpenAPI 3.1: it is served on the admin port and valid", async () => {
    assert.equal(status, 200);
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    assert.ok(valid, JSON.stringify(errors));
  });

  test("every route of the contract is in it, under an operation id of its own", () => {
    const ids = new Set<string>();
    for (const service of REST_SERVICES)
      for (const method of service.methods.filter((each) => hasOption(each, rest))) {
        const { route, operationId } = getOption(method, rest);
        const operation = document.paths[route.value ?? ""]?.[route.case ?? ""];
        assert.equal(operation?.operationId, operationId, `${method.name} is missing: npm run gen`);
        assert.ok(operationId !== "" && !ids.has(operationId), method.name);
        assert.ok(operation.summary, `${method.name} says nothing of itself`);
        ids.add(operationId);
      }
  });

  test("generated clients keep Hydra's method names", () => {
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path as object).map(({ operationId }) => operationId));
    for (const id of [
      "createOAuth2Client",
      "listOAuth2Clients",
      "setOAuth2ClientLifespans",
      "introspectOAuth2Token",
      "deleteOAuth2Token",
      "getJsonWebKeySet",
      "oauth2TokenExchange",
      "discoverJsonWebKeys",
      "isReady",
      "getVersion",
    ])
      assert.ok(ids.includes(id), id);
  });

  /** Where a value does not fit a schema; a member that the schema does not name is one. */
  function misfits(value: unknown, { $ref, ...schema }: Schema, path: string): string[] {
    if ($ref !== undefined) return misfits(value, document.components.schemas[$ref.split("/").at(-1) ?? ""], path);
    if (schema.type === undefined) return [];
    const type = value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;
    if (![schema.type].flat().includes(type)) return [`${path} is ${type}`];
    if (Array.isArray(value)) return value.flatMap((each, index) => misfits(each, schema.items ?? {}, `${path}[${index}]`));
    if (type !== "object" || schema.additionalProperties === true) return [];
    return Object.entries(value as object).flatMap(([name, each]) => {
      const member = schema.properties?.[name];
      return member === undefined ? [`${path}.${name} is not in the schema`] : misfits(each, member, `${path}.${name}`);
    });
  }

  const answerSchema = (path: string, verb: string, code: string): Schema => document.paths[path][verb].responses[code].content["application/json"].schema;

  test("answers are as it says: a client, a list, a key set, a token, an error", async () => {
    const created = await send(`${adminUrl}/admin/clients`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    assert.deepEqual(misfits(created.body, answerSchema("/admin/clients", "post", "201"), "client"), []);
    const listed = await send(`${adminUrl}/admin/clients`);
    assert.deepEqual(misfits(listed.body, answerSchema("/admin/clients", "get", "200"), "clients"), []);
    const keys = await send(`${adminUrl}/admin/keys/a`);
    assert.deepEqual(misfits(keys.body, answerSchema("/admin/keys/{set}", "get", "200"), "keys"), []);
    const token = await postForm(`${adminUrl}/admin/oauth2/introspect`, { token: "a" });
    assert.deepEqual(misfits(token.body, answerSchema("/admin/oauth2/introspect", "post", "200"), "token"), []);
    const error = await send(`${adminUrl}/admin/clients?page_size=x`);
    assert.deepEqual(misfits(error.body, document.components.schemas.Error, "error"), []);
  });
});
