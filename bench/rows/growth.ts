import { closeDb, openDb } from "#core/store/db.ts";
import { silentLog } from "#lib/events.ts";
import { freshMysqlDsn, hasMariadb } from "#test/harness/mariadb.ts";
import { type Filling, fill, filledClient } from "../fill.ts";
import { exchangeForm, flowOfWrit, many, postForm } from "../load/flows.ts";
import { type Party, type Ratio, sampleOf } from "../measure.ts";
import { CODE_FLOW, createClient } from "../servers/writ.ts";
import { CLIENT_CREDENTIALS, codesOfWrit, FORM, type Setup, type Site, wrkParty } from "../setup.ts";
import { exchangeOf, exchangeParty, refreshParty, WITHOUT_ID_TOKEN } from "./grants.ts";
import type { RowMaker } from "./row.ts";

const SIZES: readonly Filling[] = [
  { grants: 10_000, clients: 1_000 },
  { grants: 100_000, clients: 10_000 },
  { grants: 1_000_000, clients: 100_000 },
];
const USED = 1000;

type Engine = "SQLite" | "MariaDB";

interface Grown extends Site {
  readonly name: string;
  /** Forms of clients that lie all over the table. */
  readonly clientForms: readonly string[];
}

const made = new Map<string, Promise<Grown>>();

/** A server over a database of that size. */
function grown(setup: Setup, engine: Engine, filling: Filling): Promise<Grown> {
  const name = `${filling.grants} grants, ${engine}`;
  const known = made.get(name) ?? grow(setup, name, engine, filling);
  made.set(name, known);
  return known;
}

async function grow(setup: Setup, name: string, engine: Engine, filling: Filling): Promise<Grown> {
  console.error(`  filling: ${name}, ${filling.clients} clients …`);
  const site = await setup.writ(name, engine === "MariaDB" ? { dsn: await freshMysqlDsn({ durable: true }) } : {});
  const { writ } = site;
  const model = await createClient(writ, { ...CODE_FLOW, grant_types: ["client_credentials", ...CODE_FLOW.grant_types], token_endpoint_auth_method: "client_secret_post" });
  const credentials = (id: string): string => `client_id=${id}&client_secret=${encodeURIComponent(model.secret)}`;
  const code = await flowOfWrit(writ, model, { remember: true }).run("offline_access read");
  await postForm(`${writ.publicUrl}/oauth2/token`, undefined, `${exchangeForm(code)}&${credentials(model.id)}`);
  const db = await openDb({ dsn: writ.dsn, log: silentLog });
  await fill(db, filling);
  await closeDb(db);
  const clientForms = Array.from({ length: USED }, (_, n) => `${CLIENT_CREDENTIALS}&${credentials(filledClient(Math.floor((n * filling.clients) / USED)))}`);
  return { ...site, name, clientForms };
}

const tokensOf = (setup: Setup, { name, writ, clientForms }: Grown): Party =>
  wrkParty(setup, name, writ.servers, { url: `${writ.publicUrl}/oauth2/token`, headers: FORM, bodies: clientForms });

async function introspectionOf(setup: Setup, site: Grown): Promise<Party> {
  const { name, writ, rp } = site;
  const codes = (await codesOfWrit(site, WITHOUT_ID_TOKEN, USED)).results;
  const { results } = await many(USED, (n) => postForm(`${writ.publicUrl}/oauth2/token`, rp.authorization, exchangeForm(codes[n] ?? "")));
  return wrkParty(setup, name, writ.servers, { url: `${writ.adminUrl}/admin/oauth2/introspect`, headers: FORM, bodies: results.map((each) => `token=${each.access_token}`) });
}

const KINDS: Readonly<Record<string, (setup: Setup, site: Grown) => Party | Promise<Party>>> = {
  [`client_credentials of ${USED} clients`]: tokensOf,
  [`introspection of ${USED} grants' tokens`]: introspectionOf,
  "refresh with rotation": (setup, site) => refreshParty(setup, exchangeOf(site.name, site), WITHOUT_ID_TOKEN),
  "code exchange": (_, site) => exchangeParty(exchangeOf(site.name, site)),
};

/** The same requests over databases that differ in size. */
export const growth: readonly RowMaker[] = (hasMariadb() ? (["SQLite", "MariaDB"] as const) : (["SQLite"] as const)).flatMap((engine) =>
  Object.entries(KINDS).map(([kind, party]) => ({
    name: `growth, ${engine}: ${kind}`,
    quick: false,
    make: async (setup: Setup) => {
      const sites: Grown[] = [];
      for (const size of SIZES) sites.push(await grown(setup, engine, size));
      const parties: Party[] = [];
      for (const site of sites) parties.push(await party(setup, site));
      const [first, ...larger] = parties.map(({ name }) => name) as [string, ...string[]];
      const ratios = larger.map((name): Ratio => ({ title: `CPU: ${name} ÷ ${first}`, of: (round) => sampleOf(round, name).cpu / sampleOf(round, first).cpu, most: 1.15 }));
      return { parties, ratios };
    },
  })),
);
