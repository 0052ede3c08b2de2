import { isUtf8 } from "node:buffer";
import { isSecretOf } from "../secret.ts";
import type { AuthMethod } from "./auth-method.ts";
import { authenticationFailed } from "./failure.ts";

/** Four times what the longest id and secret come to when each of their bytes is percent-encoded. */
const MAX_HEADER = 12_288;
const SCHEME = "Basic ";

/** @see RFC 6749 §2.3.1, RFC 7617 §2 */
export const clientSecretBasic: AuthMethod = {
  read({ authorization }) {
    if (authorization === "") return undefined;
    const { id, secret } = readBasic(authorization);
    return { clientId: id, isRight: (deps, { record }) => isSecretOf(deps, record, secret) };
  },
};

function readBasic(header: string): { readonly id: string; readonly secret: string } {
  const isBasic = header.startsWith(SCHEME) || header.slice(0, SCHEME.length).toLowerCase() === SCHEME.toLowerCase(); // RFC 9110 §11.1: in any case
  if (header.length > MAX_HEADER || !isBasic) throw authenticationFailed("the 'Authorization' header is not of the scheme 'Basic'");
  const encoded = header.slice(SCHEME.length).trim();
  const bytes = Buffer.from(encoded, "base64");
  // Buffer skips what is no base64: then there are fewer bytes than so many characters stand for.
  if (bytes.length === 0 || bytes.length !== sizeOf(encoded)) throw authenticationFailed("the credentials in the 'Authorization' header are not base64");
  const pair = bytes.toString();
  if (pair.includes("\ufffd") && !isUtf8(bytes)) throw authenticationFailed("the credentials in the 'Authorization' header are not UTF-8");
  const colon = pair.indexOf(":");
  if (colon === -1) throw authenticationFailed("the credentials in the 'Authorization' header have no colon");
  return { id: formDecode(pair.slice(0, colon)), secret: formDecode(pair.slice(colon + 1)) };
}

/** Bytes that a padded base64 text stands for; -1: it is none. */
function sizeOf(encoded: string): number {
  if (encoded.length % 4 !== 0) return -1;
  const padding = encoded.endsWith("==") ? 2 : encoded.endsWith("=") ? 1 : 0;
  return (encoded.length / 4) * 3 - padding;
}

/** RFC 6749 App. B. */
function formDecode(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw authenticationFailed("the credentials in the 'Authorization' header are not form-encoded (RFC 6749 §2.3.1)");
  }
}
