import assert from "node:assert/strict";
import { Configuration, type ConfigurationParameters, JwkApi, MetadataApi, OAuth2Api, OidcApi, WellknownApi } from "@ory/hydra-client";
import type { Writ } from "../harness/writ.ts";

/** The classes that `@ory/hydra-client` has. */
export const CLASSES = [OAuth2Api, JwkApi, OidcApi, MetadataApi, WellknownApi] as const;

/** Hydra's own client at both ports. It throws at no status, and follows no redirect. */
export interface HydraSite {
  readonly writ: Writ;
  /** On the admin port. */
  readonly admin: OAuth2Api;
  readonly jwks: JwkApi;
  readonly metadata: MetadataApi;
  /** On the public port; with what a client or a person brings. */
  open(bring?: ConfigurationParameters): OAuth2Api;
  oidc(bring?: ConfigurationParameters): OidcApi;
  wellknown(): WellknownApi;
}

/** A site, and which methods were called on it. */
export function openHydraSite(writ: () => Writ, called: Set<string>): () => HydraSite {
  const configure = (basePath: string, bring: ConfigurationParameters = {}) =>
    new Configuration({ basePath, ...bring, baseOptions: { maxRedirects: 0, validateStatus: () => true } });
  /** Notes what is called; changes nothing of it. */
  const noting = <T extends object>(api: T): T =>
    new Proxy(api, {
      get(target, name) {
        const found: unknown = Reflect.get(target, name);
        if (typeof found !== "function") return found;
        return (...args: unknown[]) => {
          called.add(`${api.constructor.name}.${String(name)}`);
          return found.apply(target, args) as unknown;
        };
      },
    });
  return () => {
    const { adminUrl, publicUrl } = writ();
    return {
      writ: writ(),
      admin: noting(new OAuth2Api(configure(adminUrl))),
      jwks: noting(new JwkApi(configure(adminUrl))),
      metadata: noting(new MetadataApi(configure(adminUrl))),
      open: (bring) => noting(new OAuth2Api(configure(publicUrl, bring))),
      oidc: (bring) => noting(new OidcApi(configure(publicUrl, bring))),
      wellknown: () => noting(new WellknownApi(configure(publicUrl))),
    };
  };
}

/** An answer as axios has it. `data` is what the wire brought, whatever the client's types say of it. */
export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: what came is looked at member by member, whatever the types say
  readonly data: any;
}

/** An answer whose headers are looked at. */
export function got(answer: { readonly status: number; readonly headers: object; readonly data: unknown }): Got {
  return { status: answer.status, headers: answer.headers as Got["headers"], data: answer.data };
}

/** hydra.md §5.1, §5.2: an error is JSON of exactly two members. */
export function assertError(
  answer: { readonly status: number; readonly headers: object; readonly data: unknown },
  status: number,
  error: string | RegExp,
  description = /./,
): void {
  const { data, headers } = got(answer);
  assert.equal(answer.status, status, JSON.stringify(data));
  assert.match(String(headers["content-type"]), /^application\/json/);
  assert.deepEqual(Object.keys(data).toSorted(), ["error", "error_description"]);
  if (typeof error === "string") assert.equal(data.error, error);
  else assert.match(data.error, error);
  assert.match(data.error_description, description);
  assert.doesNotMatch(data.error_description, /["\\]/, "RFC 6749 §5.2");
}

/** hydra.md §3: a success is JSON. */
export function assertJson(answer: { readonly status: number; readonly headers: object; readonly data: unknown }, status = 200): Got["data"] {
  const { data, headers } = got(answer);
  assert.equal(answer.status, status, JSON.stringify(data));
  assert.match(String(headers["content-type"]), /^application\/json/);
  return data;
}

/** hydra.md §3: done, and nothing to say. */
export function assertDone({ status, data }: { readonly status: number; readonly data: unknown }): void {
  assert.deepEqual([status, data], [204, ""]);
}

/** Pages of a list: each page's answer, by the `Link` header to its end (hydra.md §3.1). */
export async function readPages(
  path: string,
  read: (pageToken: string | undefined) => Promise<{ readonly status: number; readonly headers: object; readonly data: unknown }>,
): Promise<Got["data"][][]> {
  const pages: Got["data"][][] = [];
  for (let pageToken: string | undefined; ; ) {
    const answer = await read(pageToken);
    const page = assertJson(answer);
    assert.ok(Array.isArray(page));
    pages.push(page);
    const link = String(got(answer).headers.link);
    assert.match(link, new RegExp(`^<${path}\\?[^>]*page_token=(&[^>]*)?>; rel="first"(,<${path}\\?[^>]*page_token=[^&>]+[^>]*>; rel="next")?$`));
    const [, next] = /,<([^>]+)>; rel="next"$/.exec(link) ?? [];
    if (next === undefined) return pages;
    pageToken = new URL(next, "http://host").searchParams.get("page_token") ?? assert.fail(link);
  }
}
