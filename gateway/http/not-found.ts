import { html } from "hono/html";
import { sendPage } from "../pages/layout.ts";
import { type Exchange, send, sendJson } from "./exchange.ts";

const PAGE = html`<h1>Not found</h1>
<p>There is nothing at this address. If a link or an application brought you here, tell whoever runs it.</p>`;

/** No such path: in HTML, plain text or JSON, whichever the request would rather have. */
export function sendNotFound(exchange: Exchange): void {
  const accept = exchange.request.headers.accept ?? "";
  const at = (type: string): number => (accept.includes(type) ? accept.indexOf(type) : Number.POSITIVE_INFINITY);
  const [html, plain, json] = [Math.min(at("text/html"), at("*/*") + 1), at("text/plain"), at("application/json")];
  if (json < html && json < plain) sendJson(exchange, 404, { error: "Not Found", error_description: "The requested resource could not be found" });
  else if (plain < html) send(exchange, 404, "text/plain;charset=UTF-8", "404 Not Found: the requested resource could not be found\n");
  else sendPage(exchange, 404, { title: "Not found", content: PAGE });
}
