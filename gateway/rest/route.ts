import { create, type DescField, type DescMessage, type DescMethodUnary, type DescService, getOption, hasOption, type Message } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { type Rest, rest as restOption } from "#gen/writ/options_pb.ts";
import { readBody } from "../http/body.ts";
import { type Exchange, send, sendJson } from "../http/exchange.ts";
import { makeEncoder } from "./encode.ts";
import { pageLinks } from "./page.ts";
import { type Init, makeBodyReader, makeQueryReader } from "./request.ts";
import { decodeText } from "./scalar.ts";

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
  return services.flatMap((service) =>
    service.methods.filter((method) => hasOption(method, restOption)).map((method) => makeRoute(method as DescMethodUnary, getOption(method, restOption), transport, issuer)),
  );
}

function makeRoute(method: DescMethodUnary, rest: Rest, transport: Transport, issuer: string): RestRoute {
  const { case: verb, value: path } = rest.route;
  if (verb === undefined) throw new Error(`${method.name} has a route without a verb`);
  const answer = makeAnswer(method.output, rest, issuer);
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => fieldOf(method.input, name ?? ""));
  const readQuery = makeQueryReader(method.input.fields.filter((field) => rest.body !== "*" && field.name !== rest.body && !inPath.includes(field)));
  const readRequestBody = rest.body === "" ? undefined : makeBodyReader(method.input, rest);

  return {
    httpMethod: verb.toUpperCase(),
    path,
    method,
    rest,
    async handle(exchange, pathValues) {
      const init: Init = {};
      if (exchange.query !== "") readQuery(init, exchange.query);
      if (readRequestBody !== undefined) {
        const body = await readBody(exchange, MAX_BODY);
        if (body === undefined) return;
        readRequestBody(init, exchange.request, body);
      }
      for (const field of inPath) init[field.localName] = decodeText(field, [pathValues[field.name] ?? ""]); // last: the path wins over the body
      const request = create(method.input, init);
      const { authorization } = exchange.request.headers;
      const { message } = await transport.unary(
        method,
        undefined,
        undefined,
        authorization === undefined ? { "x-request-id": exchange.requestId } : { "x-request-id": exchange.requestId, authorization },
        request,
      );
      answer(exchange, message, request);
    },
  };
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
      const found = path
        .split(".")
        .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase())], source);
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
