import { Pool } from "undici";
import { percentiles } from "./flows.ts";
import type { Outcome } from "./wrk.ts";

/** One kind of request of a mixture. */
export interface Kind {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Body of the nth; undefined: GET. */
  readonly body: (n: number) => string | undefined;
  /** How often it comes, against the others. */
  readonly share: number;
}

/**
 * Sends requests at a rate that does not depend on the answers (Poisson arrivals), as many users do. A latency is measured from the
 * time at which the request should have been sent: what waits in line here because the server is slow counts.
 */
export async function openLoop(kinds: readonly Kind[], rate: number, seconds: number): Promise<Outcome> {
  const pools = new Map(kinds.map(({ url }) => [new URL(url).origin, new Pool(new URL(url).origin, { connections: 128, pipelining: 1 })]));
  const upTo = kinds.map((_, n) => kinds.slice(0, n + 1).reduce((sum, { share }) => sum + share, 0));
  const total = upTo.at(-1) ?? 0;
  const latencies: number[] = [];
  let [sent, failed, underWay] = [0, 0, 0];
  const fire = async (due: number): Promise<void> => {
    const pick = Math.random() * total;
    const { url, headers, body } = kinds.find((_, n) => pick < (upTo[n] ?? total)) as Kind;
    const { origin, pathname } = new URL(url);
    const content = body(sent++);
    underWay++;
    try {
      const answer = await (pools.get(origin) as Pool).request({ path: pathname, method: content === undefined ? "GET" : "POST", headers, body: content ?? null });
      await answer.body.dump();
      if (answer.statusCode !== 200) failed++;
      latencies.push((performance.now() - due) * 1000);
    } catch {
      failed++;
    }
    underWay--;
  };
  const began = performance.now();
  const end = began + seconds * 1000;
  for (let due = began; due < end; ) {
    while (due <= performance.now() && due < end) {
      void fire(due);
      due += (-Math.log(1 - Math.random()) * 1000) / rate;
    }
    await new Promise((resolve) => setImmediate(resolve)); // a timer would be a millisecond late
  }
  while (underWay > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await Promise.all([...pools.values()].map((pool) => pool.close()));
  if (failed > 0) throw new Error(`${failed} of ${sent} requests failed`);
  return { requests: sent, seconds, ...percentiles(latencies) };
}
