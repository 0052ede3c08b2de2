import { createHash } from "node:crypto";
import type { Client } from "@connectrpc/connect";
import { html, raw } from "hono/html";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { type Handler, NO_STORE, send } from "../http/exchange.ts";
import { sendNotFound } from "../http/not-found.ts";

/**
 * In old words, with a SHA-256 of its own: frames on http pages, and some browsers, have no Web Crypto. FIPS 180-4 §4.2.2,
 * §5.3.3, §6.2: the constants are the roots of the first primes.
 */
const SCRIPT = `(function () {
  var cookie = document.body.getAttribute("data-cookie");
  function fraction(x) { return ((x - Math.floor(x)) * 4294967296) | 0; }
  function turn(x, n) { return (x >>> n) | (x << (32 - n)); }
  function sha256(text) {
    var k = [], h = [], w = [], c = 2, i, j, n, v, a, b;
    for (n = 0; n < 64; c++) {
      for (i = 2; i * i <= c && c % i !== 0; i++) {}
      if (i * i <= c) continue;
      if (n < 8) h[n] = fraction(Math.pow(c, 1 / 2));
      k[n++] = fraction(Math.pow(c, 1 / 3));
    }
    text = unescape(encodeURIComponent(text));
    var size = text.length, words = [];
    text += String.fromCharCode(128);
    while (text.length % 64 !== 56) text += String.fromCharCode(0);
    for (i = 0; i < text.length; i++) words[i >> 2] = (words[i >> 2] || 0) | (text.charCodeAt(i) << (24 - (i % 4) * 8));
    words.push(Math.floor(size / 536870912), size << 3);
    for (j = 0; j < words.length; j += 16) {
      v = h.slice(0);
      for (i = 0; i < 64; i++) {
        if (i < 16) w[i] = words[j + i];
        else {
          a = w[i - 15];
          b = w[i - 2];
          w[i] = (w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))) | 0;
        }
        a = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        b = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        v = [(a + b) | 0, v[0], v[1], v[2], (v[3] + a) | 0, v[4], v[5], v[6]];
      }
      for (i = 0; i < 8; i++) h[i] = (h[i] + v[i]) | 0;
    }
    for (i = 0, text = ""; i < 8; i++) text += ("0000000" + (h[i] >>> 0).toString(16)).slice(-8);
    return text;
  }
  function state() {
    var all = document.cookie.split("; ");
    for (var i = 0; i < all.length; i++) if (all[i].indexOf(cookie + "=") === 0) return all[i].slice(cookie.length + 1);
    return "";
  }
  function judge(message, origin) {
    var parts = typeof message === "string" ? /^([^ ]+) ([0-9a-f]{64})[.]([A-Za-z0-9_-]+)$/.exec(message) : null;
    var now = state();
    if (parts === null || now === "") return "error";
    return sha256(parts[1] + " " + origin + " " + now + " " + parts[3]) === parts[2] ? "unchanged" : "changed";
  }
  window.addEventListener("message", function (event) {
    if (event.source === null || event.source === window || event.origin === "null") return;
    event.source.postMessage(judge(event.data, event.origin), event.origin);
  }, false);
})();`;

const HEADERS = {
  ...NO_STORE,
  "content-security-policy": `default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'sha256-${createHash("sha256").update(SCRIPT).digest("base64")}'`,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const;

/**
 * The page that clients have in a frame and ask whether somebody has logged in or out since. It shows nothing, tells no more
 * than that, and any site may have it in a frame. Where the browser keeps the cookie from it, it says `error`: for `changed`
 * clients would ask again and again (OIDC Session Management §3.1). Not there unless session management is on.
 * @see OIDC Session Management §3.2, §3.3
 */
export function checkSessionPage(oauth: Client<typeof OAuthService>): Handler {
  return async (exchange) => {
    const { cookie } = await oauth.getCheckSession({}, { headers: { "x-request-id": exchange.requestId } });
    if (cookie === "") return sendNotFound(exchange);
    const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Session</title></head>
<body data-cookie="${cookie}"><script>${raw(SCRIPT)}</script></body>
</html>
`;
    send(exchange, 200, "text/html;charset=UTF-8", String(page), HEADERS);
  };
}
