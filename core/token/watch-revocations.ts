import type { MessageInitShape } from "@bufbuild/protobuf";
import type { WatchRevocationsResponseSchema } from "#gen/writ/token/v1/token_service_pb.ts";
import { addMillis, type EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { RevocationEvent } from "../model/revocation-event.ts";
import { databaseTime } from "../store/db.ts";
import { listRevocationEvents, revocationHorizon } from "../store/revocations.ts";
import { formatCursor, parseCursor } from "./revocation-cursor.ts";
import { sleep } from "./sleep.ts";

/** What the stream needs. */
export type WatchDeps = Pick<Deps, "db" | "issuer" | "revocationKeys" | "log">;

/** How a stream paces itself. All in milliseconds. */
export interface WatchPace {
  /** Between two looks at the newest events. */
  readonly poll: number;
  /** Between two looks at the whole overlap, each of which ends with a heartbeat. */
  readonly sweep: number;
  /**
   * How much later than its time an event can appear: an event takes its time when it is written and is seen when its
   * transaction commits. Twice what any transaction may take; also covers clocks of several nodes that differ.
   */
  readonly overlap: number;
}

/** SQLite writes one transaction after the other and gives each a later time, so nothing can appear late. */
export const WATCH_PACE: Readonly<Record<"sqlite" | "mysql", WatchPace>> = {
  sqlite: { poll: 100, sweep: 1000, overlap: 0 },
  mysql: { poll: 100, sweep: 1000, overlap: 10_000 },
};

type Message = MessageInitShape<typeof WatchRevocationsResponseSchema>;

const PAGE = 500;
/** How far behind its own overlap the frequent look goes back; what appears later than that waits for the next sweep. */
const RECENT = 500;

/**
 * Streams revocations, each at least once, from the cursor on. Ends when the signal fires; fails when the database does:
 * the consumer comes back with its last cursor. Two looks alternate: a frequent one at the newest events, so that an event
 * arrives soon, and a sweep over all of the overlap, so that none is missed and a heartbeat may say so. A cursor says how
 * far each has come: a consumer that is cut off again and again still gets the newest, and owes only the sweep.
 */
export async function* watchRevocations(deps: WatchDeps, cursor: string, signal: AbortSignal | undefined, pace: WatchPace = WATCH_PACE[deps.db.engine]): AsyncGenerator<Message> {
  const start = await databaseTime(deps.db);
  const asked = cursor === "" ? { complete: start, newest: start } : parseCursor(cursor);
  const isResumable =
    asked !== undefined &&
    asked.newest <= addMillis(start, pace.overlap + pace.sweep) &&
    addMillis(asked.complete, -pace.overlap) >= (await revocationHorizon(deps.db, deps.issuer));
  let { complete, newest } = isResumable ? asked : { complete: start, newest: start };
  if (!isResumable) yield { cursor: formatCursor({ complete, newest }), event: { case: "reset", value: {} } };

  let sent = new Map<string, EpochMillis>();
  let sweptAt = Number.NEGATIVE_INFINITY; // reading of the process's own clock
  let clock = { database: start, own: performance.now() };

  const look = async function* (since: EpochMillis, now: EpochMillis): AsyncGenerator<Message> {
    for await (const event of eventsSince(deps, since)) {
      const id = Buffer.from(event.id).toString("base64url");
      if (sent.has(id)) continue;
      sent.set(id, event.at);
      // SQLite gives events of one moment times that run ahead of its clock; a cursor does not, or it would be refused.
      if (event.at > newest) newest = (event.at > now ? now : event.at) as EpochMillis;
      yield { cursor: formatCursor({ complete, newest }), event: { case: "revocation", value: { id, at: event.at, keys: deps.revocationKeys.ofEvent(event.record) } } };
    }
  };

  while (signal?.aborted !== true) {
    const now = await databaseTime(deps.db);
    const own = performance.now();
    yield* look(addMillis(newest, -Math.min(RECENT, pace.overlap)), now);
    if (own - sweptAt >= pace.sweep) {
      if (pace.overlap > 0) yield* look(addMillis(complete, -pace.overlap), now);
      sweptAt = own;
      const skew = now - clock.database - (own - clock.own);
      clock = { database: now, own };
      if (Math.abs(skew) <= Math.max(pace.overlap / 2, pace.sweep * 2)) {
        complete = now;
        if (newest < now && pace.overlap === 0) newest = now;
        // What a later look may find again must still be known as sent; nothing older is looked at.
        sent = new Map([...sent].filter(([, at]) => at >= addMillis(Math.min(newest, now) as EpochMillis, -2 * pace.overlap - pace.sweep)));
        yield { cursor: formatCursor({ complete, newest }), event: { case: "heartbeat", value: { completeUntil: addMillis(now, -pace.overlap), now } } };
      } else {
        // The database's clock jumped, or another node with another clock answered: what the overlap is to cover is not
        // known, so nothing is called complete until two looks agree again.
        deps.log.warn("clock_skew", { milliseconds: Math.round(skew) });
      }
    }
    await sleep(pace.poll, signal);
  }
}

async function* eventsSince({ db, issuer }: WatchDeps, since: EpochMillis): AsyncGenerator<RevocationEvent> {
  let page = await listRevocationEvents(db, issuer, { since, limit: PAGE });
  while (page.length > 0) {
    yield* page;
    const last = page.at(-1);
    if (page.length < PAGE || last === undefined) return;
    page = await listRevocationEvents(db, issuer, { since, after: { at: last.at, id: last.id }, limit: PAGE });
  }
}
