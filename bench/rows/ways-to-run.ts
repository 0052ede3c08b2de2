import { freshMysqlDsn, hasMariadb, mariadbPid } from "#test/harness/mariadb.ts";
import { flowOfWrit, many } from "../load/flows.ts";
import { load, type Outcome } from "../load/wrk.ts";
import { cpuRatio, type Party, rateRatio } from "../measure.ts";
import { CAN_SCALE } from "../process.ts";
import { CLIENT_CREDENTIALS, form, issueTokens, type Setup, type Site, wrkParty } from "../setup.ts";
import { exchangeOf, refreshParty, WITHOUT_ID_TOKEN } from "./grants.ts";
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

/** What the database itself takes for the same requests: for the capacity model. */
const underIt = (party: Party): Party => ({ ...party, name: "mariadbd under it", servers: [{ child: { pid: mariadbPid() } }] });

const scaling: RowMaker = {
  name: "scaling: two cores over one MariaDB",
  quick: false,
  make: async (setup) => {
    const sites = [await onMariadb(setup), await setup.writ("mariadb, core 2", { dsn: await mariadb(), core: 2 })];
    return {
      parties: [token(setup, "one core", sites[0] as Site), halves("two cores", setup, sites, "/oauth2/token")],
      ratios: [rateRatio("two cores", "one core"), cpuRatio("two cores", "one core")],
    };
  },
};

const overMariadb: readonly RowMaker[] = [
  {
    name: "client_credentials, MariaDB with strict reads",
    quick: false,
    make: async (setup) => {
      const [main, other] = [await setup.writ("main"), await onMariadb(setup)];
      const second = await setup.writ("mariadb, second", { dsn: await mariadb() });
      const over = token(setup, "MariaDB", other);
      return {
        parties: [token(setup, "SQLite", main), over, underIt(over), halves("MariaDB, two processes", setup, [other, second], "/oauth2/token")],
        ratios: [cpuRatio("MariaDB", "SQLite", { most: 2 }), cpuRatio("MariaDB, two processes", "MariaDB")],
      };
    },
  },
  {
    name: "introspection, MariaDB",
    quick: false,
    make: async (setup) => {
      const [main, other] = [await setup.writ("main"), await onMariadb(setup)];
      const over = await introspect(setup, "MariaDB", other);
      return { parties: [await introspect(setup, "SQLite", main), over, underIt(over)], ratios: [cpuRatio("MariaDB", "SQLite")] };
    },
  },
  {
    name: "refresh with rotation, MariaDB",
    quick: false,
    make: async (setup) => {
      const over = refreshParty(setup, exchangeOf("MariaDB", await onMariadb(setup)), WITHOUT_ID_TOKEN);
      return { parties: [refreshParty(setup, exchangeOf("SQLite", await setup.writ("main")), WITHOUT_ID_TOKEN), over, underIt(over)], ratios: [cpuRatio("MariaDB", "SQLite")] };
    },
  },
  {
    name: "code flow without its exchange, MariaDB",
    quick: false,
    make: async (setup) => {
      const flow = (name: string, { writ, rp }: Site): Party => ({
        name,
        servers: writ.servers,
        load: async (seconds) => (await many(500 * seconds, () => flowOfWrit(writ, rp).run("openid"))).outcome,
      });
      const over = flow("MariaDB", await onMariadb(setup));
      return { parties: [flow("SQLite", await setup.writ("main")), over, underIt(over)], ratios: [cpuRatio("MariaDB", "SQLite")] };
    },
  },
];

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
  ...(hasMariadb() ? [...overMariadb, ...(CAN_SCALE ? [scaling] : [])] : []),
];
