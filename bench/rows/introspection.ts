import { create, toBinary } from "@bufbuild/protobuf";
import { BatchIntrospectRequestSchema, IntrospectRequestSchema } from "#gen/writ/token/v1/token_service_pb.ts";
import { createWritClient } from "#sdk/index.ts";
import { createTokenCache } from "#sdk/token-cache.ts";
import { grpcLoad, hasH2load } from "../load/h2load.ts";
import type { Load } from "../load/wrk.ts";
import { cpuRatio, type Party, rateRatio } from "../measure.ts";
import { FORM, form, issueTokens, PEERS_AUTHORIZATION, type Setup, wrkParty } from "../setup.ts";
import type { RowMaker } from "./row.ts";

const TOKENS = 2000;
const BATCH = 100;
const SERVICE = "writ.token.v1.TokenService";
const PROTO = { "content-type": "application/proto", "connect-protocol-version": "1" } as const;

const formOf = (token: string): string => `token=${encodeURIComponent(token)}`;

async function tokensOf(setup: Setup) {
  const site = await setup.writ("main");
  return { ...site, tokens: await issueTokens(`${site.writ.publicUrl}/oauth2/token`, site.machine.authorization, TOKENS) };
}

const adminRest = (adminUrl: string, tokens: readonly string[]): Load => ({ url: `${adminUrl}/admin/oauth2/introspect`, headers: FORM, bodies: tokens.map(formOf) });

/** The same question by every way in. Exact: an answer reflects every revocation committed before it. */
export const introspection: readonly RowMaker[] = [
  {
    name: `introspection, ${TOKENS} tokens in turn`,
    quick: true,
    make: async (setup) => {
      const { writ, tokens } = await tokensOf(setup);
      const [raw, peer] = [await setup.raw(), await setup.peer("introspection")];
      const peers = await issueTokens(`${peer.url}/token`, PEERS_AUTHORIZATION, TOKENS);
      const batches = Array.from({ length: TOKENS / BATCH }, (_, n) => tokens.slice(n * BATCH, (n + 1) * BATCH));
      const unary = tokens.map((token) => toBinary(IntrospectRequestSchema, create(IntrospectRequestSchema, { token })));
      const batch = batches.map((some) => toBinary(BatchIntrospectRequestSchema, create(BatchIntrospectRequestSchema, { tokens: some })));
      return {
        parties: [
          wrkParty(setup, "Writ, admin REST", writ.servers, adminRest(writ.adminUrl, tokens)),
          wrkParty(setup, "raw", [raw], form(`${raw.url}/`, PEERS_AUTHORIZATION, tokens.map(formOf))),
          wrkParty(setup, "peer", [peer], form(`${peer.url}/token/introspection`, PEERS_AUTHORIZATION, peers.map(formOf))),
          wrkParty(setup, "Writ, Connect", writ.servers, { url: `${writ.rpcUrl}/${SERVICE}/Introspect`, headers: PROTO, bodies: unary }),
          wrkParty(setup, `Writ, batches of ${BATCH}`, writ.servers, { url: `${writ.rpcUrl}/${SERVICE}/BatchIntrospect`, headers: PROTO, bodies: batch }, BATCH),
        ],
        ratios: [
          cpuRatio("Writ, admin REST", "raw", { most: 2.1 }),
          cpuRatio("peer", "Writ, admin REST", { least: 3.5 }),
          rateRatio("Writ, admin REST", "peer"),
          cpuRatio("Writ, Connect", "raw", { most: 1.6 }),
          rateRatio(`Writ, batches of ${BATCH}`, "Writ, admin REST", { least: 8, isAhead: true }),
        ],
      };
    },
  },
  {
    name: "introspection, other ways in",
    quick: false,
    make: async (setup) => {
      const { writ, machine, tokens } = await tokensOf(setup);
      const message = toBinary(IntrospectRequestSchema, create(IntrospectRequestSchema, { token: tokens[0] ?? "" }));
      const grpc: Party = { name: "Writ, gRPC", servers: writ.servers, load: (seconds) => grpcLoad(`${writ.rpcUrl}/${SERVICE}/Introspect`, message, seconds, setup.folder) };
      return {
        parties: [
          wrkParty(setup, "Writ, admin REST", writ.servers, adminRest(writ.adminUrl, tokens)),
          wrkParty(setup, "Writ, public", writ.servers, form(`${writ.publicUrl}/oauth2/introspect`, machine.authorization, tokens.map(formOf))),
          ...(hasH2load ? [grpc] : []),
        ],
        ratios: [cpuRatio("Writ, public", "Writ, admin REST"), ...(hasH2load ? [cpuRatio("Writ, gRPC", "Writ, admin REST")] : [])],
      };
    },
  },
  {
    name: "decisions of a consumer that follows WatchRevocations",
    quick: false,
    make: async (setup) => {
      const { writ, tokens } = await tokensOf(setup);
      const cache = createTokenCache({ tokens: createWritClient({ baseUrl: writ.rpcUrl }).tokens });
      while (!Number.isFinite(cache.staleness())) await new Promise((resolve) => setTimeout(resolve, 10));
      await Promise.all(tokens.map((token) => cache.introspect(token)));
      // As they come with requests: strings that nobody has hashed before.
      const wire = tokens.map((token) => Buffer.from(token));
      const decide = async (seconds: number) => {
        const lags: number[] = [];
        let requests = 0;
        const began = performance.now();
        while (performance.now() - began < seconds * 1000) {
          for (const bytes of wire) if (cache.peek(bytes.toString("latin1")) === undefined) throw new Error("an answer was not kept");
          requests += wire.length;
          lags.push(cache.staleness() * 1000);
          await new Promise((resolve) => setImmediate(resolve));
        }
        return { requests, seconds: (performance.now() - began) / 1000, p50: Math.max(0, ...lags.slice(0, 1)), p99: Math.max(...lags) };
      };
      return {
        parties: [{ name: "consumer (latencies: how stale)", servers: writ.servers, load: decide }],
        ratios: [{ title: "decisions/s", of: (round) => round.get("consumer (latencies: how stale)")?.rate ?? 0, least: 200_000 }],
      };
    },
  },
];
