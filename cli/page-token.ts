/** The `page_token` of the page after this one: in the link whose relation is `next` (RFC 8288 §3). Empty: there is none. */
export function nextPageToken(link: string | string[] | undefined): string {
  const [, query = ""] = /<[^>]*\?([^>]*)>\s*;\s*rel="?next"?/i.exec(String(link ?? "")) ?? [];
  return new URLSearchParams(query).get("page_token") ?? "";
}
