import { create, type DescField, type DescMessage, type DescMethodUnary, type DescService, getOption, hasOption, type JsonValue, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { json as jsonOption, type Rest, rest as restOption } from "#gen/writ/options_pb.ts";
import { readBody } from "../http/body.ts";
import { type Exchange, send, sendJson } from "../http/exchange.ts";
import { parseParameters } from "../http/form.ts";
import { decodeList, decodeMessage, decodeText, type FieldValue, parseJson } from "./decode.ts";
import { makeEncoder } from "./encode.ts";
import { pageLinks } from "./page.ts";

/** One RPC on the admin REST API, as its `(writ.rest)` option says. */
export interface RestRoute {
  readonly httpMethod: string;
  /** Path with `{field}` places. */
  readonly path: string;
  readonly method: DescMethodUnary;
  readonly rest: Rest;
  handle(exchange: Exchange, pathValues: Readonly<Record<string, string | undefined>>): Promise<void>;
}

/** Largest body in bytes. */
const MAX_BODY = 1024 * 1024;

/** Makes the routes of services. `issuer` is what a Location may begin with. */
export function makeRestRoutes(services: readonly DescService[], transport: Transport, issuer: string): RestRoute[] {
  return services.flatMap((service) => service.methods.filter((method) => hasOption(method, restOption)).map((method) => makeRoute(method as DescMethodUnary, getOption(method, restOption), transport, issuer)));
}

function makeRoute(method: DescMethodUnary, rest: Rest, transport: Transport, issuer: string): RestRoute {
  const { case: verb, value: path } = rest.route;
  if (verb === undefined) throw new Error(`${method.name} has a route without a verb`);
  const answer = makeAnswer(method.output, rest, issuer);
  const bodyField = rest.body === "" || rest.body === "*" ? undefined : fieldOf(method.input, rest.body);
  const inPath = new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  const inQuery = rest.body === "*" ? [] : method.input.fields.filter((field) => !inPath.has(field.name) && field !== bodyField);

  return {
    httpMethod: verb.toUpperCase(),
    path,
    method,
    rest,
    async handle(exchange, pathValues) {
      const init: Record<string, FieldValue> = {};
      if (inQuery.length > 0 && exchange.query !== "") readQuery(init, inQuery, exchange.query);
      if (rest.body !== "") {
        const body = await readBody(exchange, MAX_BODY);
        if (body === undefined) return;
        readRequestBody(init, exchange, body, method.input, rest, bodyField);
      }
      for (const name of inPath) if (name !== undefined) init[fieldOf(method.input, name).localName] = pathValues[name] ?? "";
      const request = create(method.input, init);
      const { authorization } = exchange.request.headers;
      const { message } = await transport.unary(method, undefined, undefined, { "x-request-id": exchange.requestId, ...(authorization === undefined ? {} : { authorization }) }, request);
      answer(exchange, message, request);
    },
  };
}

function readQuery(init: Record<string, FieldValue>, fields: readonly DescField[], query: string): void {
  // A list's elements may be repeated; a repeated scalar is refused below by name.
  const parameters = new URLSearchParams(query);
  for (const field of fields) {
    const texts = [field.name, ...getOption(field, jsonOption).aliases].flatMap((name) => parameters.getAll(name)).filter((text) => text !== "");
    if (texts.length > 0) init[field.localName] = decodeText(field, texts);
  }
}

function readRequestBody(init: Record<string, FieldValue>, { request }: Exchange, body: Uint8Array, input: DescMessage, rest: Rest, bodyField: DescField | undefined): void {
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  const wanted = rest.form ? "application/x-www-form-urlencoded" : "application/json";
  if (type !== wanted && !(wanted === "application/json" && /^application\/[\w.-]+\+json$/.test(type ?? ""))) throw new ConnectError(`the request is not of the content type ${wanted}`, Code.InvalidArgument);
  if (rest.form) {
    const parameters = parseParameters(Buffer.from(body).toString());
    for (const field of input.fields) {
      const texts = parameters.filter(({ name }) => name === field.name).map(({ value }) => value);
      if (texts.length > 0) init[field.localName] = decodeText(field, texts);
    }
    return;
  }
  const value: JsonValue = parseJson(body);
  if (bodyField === undefined) Object.assign(init, decodeMessage(input, value));
  else if (bodyField.fieldKind === "list" && bodyField.listKind === "message") init[bodyField.localName] = decodeList(bodyField.message, value);
  else if (bodyField.fieldKind === "message") init[bodyField.localName] = decodeMessage(bodyField.message, value);
}

type Answer = (exchange: Exchange, message: Message, request: Message) => void;

function makeAnswer(output: DescMessage, rest: Rest, issuer: string): Answer {
  const status = rest.status === 0 ? 200 : rest.status;
  if (status === 204) return (exchange) => send(exchange, 204, undefined, "");
  const bodyField = rest.responseBody === "" ? undefined : fieldOf(output, rest.responseBody);
  const encode = makeEncoder(output);
  const encodeBody = bodyField === undefined || bodyField.fieldKind === "scalar" || bodyField.message === undefined ? undefined : makeEncoder(bodyField.message);
  const isPaged = output.fields.some((field) => field.name === "next_page_token");
  return (exchange, message, request) => {
    const members = message as unknown as Readonly<Record<string, unknown>>;
    const found = bodyField === undefined ? undefined : members[bodyField.localName];
    const value =
      bodyField === undefined || encodeBody === undefined
        ? encode(message, rest.nullLists)
        : bodyField.fieldKind === "list"
          ? ((found ?? []) as readonly Message[]).map((each) => encodeBody(each, rest.nullLists))
          : encodeBody((found ?? create(bodyField.message as DescMessage)) as Message, rest.nullLists);
    const headers: Record<string, string> = {};
    if (isPaged) headers.link = pageLinks(exchange, String(members.nextPageToken ?? ""));
    if (rest.location !== "") headers.location = fillLocation(rest.location, issuer, [message, request]);
    sendJson(exchange, status, value, headers);
  };
}

function fillLocation(template: string, issuer: string, sources: readonly Message[]): string {
  return template.replace(/\{([\w.]+)\}/g, (_, path: string) => {
    if (path === "issuer") return issuer.endsWith("/") ? issuer : `${issuer}/`;
    for (const source of sources) {
      const found = path.split(".").reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase())], source);
      if (typeof found === "string") return encodeURIComponent(found);
    }
    return "";
  });
}

function fieldOf(message: DescMessage, name: string): DescField {
  const field = message.fields.find((each) => each.name === name);
  if (field === undefined) throw new Error(`${message.typeName} has no field ${name}`);
  return field;
}
