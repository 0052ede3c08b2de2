import { type DescField, type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import { json as jsonOption, type Rest, rest as restOption } from "#gen/writ/options_pb.ts";
import { commentOf } from "./comments.ts";
import type { Schema, Schemas } from "./schemas.ts";

/** Operations by path and, in lower case, method. */
export type Paths = Record<string, Record<string, Schema>>;

const ERRORS = { default: { $ref: "#/components/responses/Error" } };

/** The admin REST API of services, from the options of their RPCs. */
export function adminPaths(services: readonly DescService[], schemas: Schemas): Paths {
  const paths: Paths = {};
  for (const service of services)
    for (const method of service.methods) {
      if (!hasOption(method, restOption)) continue;
      const rest = getOption(method, restOption);
      const { case: verb, value: path } = rest.route;
      if (verb === undefined) continue;
      paths[path] = { ...paths[path], [verb]: operation(method, rest, path, schemas) };
    }
  return paths;
}

function operation(method: DescMethod, rest: Rest, path: string, schemas: Schemas): Schema {
  const { fields } = method.input;
  const inPath = new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  const inBody = (field: DescField): boolean => !inPath.has(field.name) && (rest.body === "*" || field.name === rest.body);
  const parameters = fields.flatMap((field) =>
    inPath.has(field.name)
      ? [parameter(field, field.name, "path", schemas)]
      : inBody(field)
        ? []
        : [field.name, ...getOption(field, jsonOption).aliases].map((name) => parameter(field, name, "query", schemas)),
  );
  return {
    operationId: rest.operationId === "" ? method.localName : rest.operationId,
    tags: [method.parent.name.replace(/Service$/, "")],
    ...(commentOf(method) === "" ? {} : { summary: commentOf(method) }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(rest.body === ""
      ? {}
      : {
          requestBody: {
            required: true,
            content: { [rest.form ? "application/x-www-form-urlencoded" : "application/json"]: { schema: bodySchema(fields.filter(inBody), rest, schemas) } },
          },
        }),
    responses: { [String(rest.status === 0 ? 200 : rest.status)]: response(method, rest, schemas), ...ERRORS },
    security: [{}, { bearer: [] }],
  };
}

function parameter(field: DescField, name: string, place: "path" | "query", schemas: Schemas): Schema {
  const { description, ...schema } = schemas.ofField(field);
  return { name, in: place, ...(place === "path" ? { required: true } : {}), ...(description === undefined ? {} : { description }), schema };
}

function bodySchema(fields: readonly DescField[], { body }: Rest, schemas: Schemas): Schema {
  const [first] = fields;
  if (body !== "*" && first !== undefined) return schemas.ofField(first);
  return { type: "object", properties: Object.fromEntries(fields.map((field) => [field.name, schemas.ofField(field)])) };
}

function response({ output }: DescMethod, { responseBody, status, location }: Rest, schemas: Schemas): Schema {
  if (status === 204) return { description: "Done." };
  const field = output.fields.find(({ name }) => name === responseBody);
  const isPaged = output.fields.some(({ name }) => name === "next_page_token");
  const headers = {
    ...(isPaged ? { Link: { description: 'Where the first page is and, with `rel="next"`, the next one (RFC 8288).', schema: { type: "string" } } } : {}),
    ...(location === "" ? {} : { Location: { description: "Where what was made is.", schema: { type: "string" } } }),
  };
  return {
    description: commentOf(output),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    content: { "application/json": { schema: field === undefined ? schemas.refTo(output) : schemas.ofField(field) } },
  };
}
