import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { REST_SERVICES } from "../rest/services.ts";
import { adminPaths } from "./admin-paths.ts";
import { healthPaths, publicPaths, TOKEN_ANSWER } from "./public-paths.ts";
import { makeSchemas, type Schema } from "./schemas.ts";

/** Ports differ by deployment, so a server is a default that readers change. */
const server = (url: string, description: string): Schema => ({ url, description });
const ADMIN = [server("http://127.0.0.1:4445", "Admin port")];
const PUBLIC = [server("http://127.0.0.1:4444", "Public port")];

/**
 * The OpenAPI 3.1 document of both ports. `image` is a FileDescriptorSet with source info, as `buf build` writes it, for the
 * comments of the contract become descriptions.
 */
export function openApi(image: Uint8Array, version: string): Schema {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  const schemas = makeSchemas();
  const services = REST_SERVICES.map(({ typeName }) => {
    const service = registry.getService(typeName);
    if (service === undefined) throw new Error(`${typeName} is not in the image`);
    return service;
  });
  const admin = adminPaths(services, schemas);
  const introspection = registry.getMessage("writ.token.v1.Introspection");
  if (introspection === undefined) throw new Error("writ.token.v1.Introspection is not in the image");
  const client = registry.getMessage("writ.admin.v1.Client");
  if (client === undefined) throw new Error("writ.admin.v1.Client is not in the image");
  const open = publicPaths(schemas.refTo(introspection), schemas.refTo(client));
  return {
    openapi: "3.1.0",
    info: {
      title: "Writ",
      version,
      summary: "OAuth 2.0 and OpenID Connect authorization server.",
      description: "The public endpoints are those of the specifications. The admin API has the paths and the JSON of Ory Hydra's; the prefix `/admin` may be left out.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: ADMIN,
    paths: { ...at(open, PUBLIC), ...at(healthPaths(), undefined), ...at(admin, undefined) },
    components: {
      schemas: { ...schemas.components(), TokenAnswer: TOKEN_ANSWER, Error: ERROR },
      responses: { Error: answer("The request failed."), OAuthError: answer("The request failed (RFC 6749 §5.2).") },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "One of `access.tokens`, where the server has any." },
        basic: { type: "http", scheme: "basic", description: "Identifier and secret of a client (RFC 6749 §2.3.1)." },
      },
    },
  };
}

const ERROR: Schema = {
  type: "object",
  required: ["error", "error_description"],
  properties: {
    error: { type: "string", description: "A registered code, or on the admin API a short text as Hydra's." },
    error_description: { type: "string", description: "For the developer of the caller; may be empty." },
  },
};

function answer(description: string): Schema {
  return { description, content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } };
}

function at(paths: Readonly<Record<string, Schema>>, servers: readonly Schema[] | undefined): Readonly<Record<string, Schema>> {
  return Object.fromEntries(Object.entries(paths).map(([path, item]) => [path, servers === undefined ? item : { servers, ...item }]));
}
