import type { Exchange } from "../http/exchange.ts";

/**
 * The `Link` header of a page: the first page, and the next unless this is the last. Path and query of the request, other
 * parameters kept.
 * @see RFC 8288 §3
 */
export function pageLinks({ path, query }: Exchange, nextPageToken: string): string {
  const target = path.replace(/[^\w.~!$&'()*+,;=:@%/-]/g, encodeURIComponent); // what a request line may hold and a link may not
  const link = (token: string, rel: string): string => {
    const parameters = new URLSearchParams(query);
    parameters.set("page_token", token);
    if (!parameters.has("page_size")) parameters.set("page_size", "100");
    return `<${target}?${parameters}>; rel="${rel}"`;
  };
  return nextPageToken === "" ? link("", "first") : `${link("", "first")},${link(nextPageToken, "next")}`;
}
