import { freshMysqlDsn, hasMariadb } from "#test/harness/mariadb.ts";
import { load, type Outcome } from "../load/wrk.ts";
import { cpuRatio, type Party } from "../measure.ts";
import { CLIENT_CREDENTIALS, form, issueTokens, type Setup, type Site, wrkParty } from "../setup.ts";
import type { RowMaker } from "./row.ts";

const TOKENS = 2000;

const token = (setup: Setup, name: string, { writ, machine }: Site): Party =>
  wrkParty(setup, name, writ.servers, form(`${writ.publicUrl}/oauth2/token`, machine.authorization, [CLIENT_CREDENTIALS]));

async function introspect(setup: Setup, name: string, { writ, machine }: Site): Promise<Party> {
  const tokens = await issueTokens(`${writ.publicUrl}/oauth2/token`, machine.authorization, TOKENS);
  return wrkParty(
    setup,
    name,
    writ.servers,
    form(
      `${writ.publicUrl}/oauth2/introspect`,
      machine.authorization,
      tokens.map((each) => `token=${encodeURIComponent(each)}`),
    ),
  );
}

async function onMariadb(setup: Setup): Promise<Site> {
  return setup.writ("mariadb", { dsn: await mariadb() });
}

let dsn: Promise<string> | undefined;
/** One durable database for all rows; the server is beside the load. */
const mariadb = (): Promise<string> => (dsn ??= freshMysqlDsn({ durable: true }));

/** Two processes over one database, each loaded by half. */
function halves(name: string, setup: Setup, sites: readonly Site[], path: string): Party {
  return {
    name,
    servers: sites.flatMap(({ writ }) => writ.servers),
    load: async (seconds): Promise<Outcome> => {
      const [a, b] = await Promise.all(
        sites.map(({ writ }) => load(form(writ.publicUrl + path, sites[0]?.machine.authorization ?? "", [CLIENT_CREDENTIALS]), seconds, setup.folder)),
      );
      if (a === undefined || b === undefined) throw new Error("two sites are needed");
      return { requests: a.requests + b.requests, seconds: Math.max(a.seconds, b.seconds), p50: Math.max(a.p50, b.p50), p99: Math.max(a.p99, b.p99) };
    },
  };
}

/** The same requests to Writ as it may be run. All its processes share one core. */
export const waysToRun: readonly RowMaker[] = [
  {
    name: "client_credentials, core and gateway apart",
    quick: false,
    make: async (setup) => {
      const [main, apart] = [await setup.writ("main"), await setup.writ("apart", { apart: true })];
      return { parties: [token(setup, "together", main), token(setup, "apart", apart)], ratios: [cpuRatio("apart", "together", { most: 2 })] };
    },
  },
  {
    name: "introspection, core and gateway apart",
    quick: false,
    make: async (setup) => {
      const [main, apart] = [await setup.writ("main"), await setup.writ("apart", { apart: true })];
      return { parties: [await introspect(setup, "together", main), await introspect(setup, "apart", apart)], ratios: [cpuRatio("apart", "together", { most: 2 })] };
    },
  },
  ...(hasMariadb()
    ? [
        {
          name: "client_credentials, MariaDB with strict reads",
          quick: false,
          make: async (setup: Setup) => {
            const [main, other] = [await setup.writ("main"), await onMariadb(setup)];
            const second = await setup.writ("mariadb, second", { dsn: await mariadb() });
            return {
              parties: [token(setup, "SQLite", main), token(setup, "MariaDB", other), halves("MariaDB, two processes", setup, [other, second], "/oauth2/token")],
              ratios: [cpuRatio("MariaDB", "SQLite", { most: 2 }), cpuRatio("MariaDB, two processes", "MariaDB")],
            };
          },
        },
        {
          name: "introspection, MariaDB",
          quick: false,
          make: async (setup: Setup) => {
            const [main, other] = [await setup.writ("main"), await onMariadb(setup)];
            return { parties: [await introspect(setup, "SQLite", main), await introspect(setup, "MariaDB", other)], ratios: [cpuRatio("MariaDB", "SQLite")] };
          },
        },
      ]
    : []),
];
