import { type Exchange, send, sendJson } from "./exchange.ts";

/** No such path: in HTML, plain text or JSON, whichever the request would rather have. */
export function sendNotFound(exchange: Exchange): void {
  const accept = exchange.request.headers.accept ?? "";
  const at = (type: string): number => (accept.includes(type) ? accept.indexOf(type) : Number.POSITIVE_INFINITY);
  const [html, plain, json] = [Math.min(at("text/html"), at("*/*") + 1), at("text/plain"), at("application/json")];
  if (json < html && json < plain) sendJson(exchange, 404, { error: "Not Found", error_description: "The requested resource could not be found" });
  else if (plain < html) send(exchange, 404, "text/plain;charset=UTF-8", "404 Not Found: the requested resource could not be found\n");
  else
    send(exchange, 404, "text/html;charset=UTF-8", PAGE, {
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
      "x-content-type-options": "nosniff",
    });
}

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Not found</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color:#1c2330}</style>
<h1>Not found</h1>
<p>There is nothing at this address. If a link or an application brought you here, tell whoever runs it.</p>
</html>
`;
