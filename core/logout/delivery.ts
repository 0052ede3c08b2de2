import { addMillis, type EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { LogoutNotice } from "../model/logout-notice.ts";
import type { OutboundFailure, OutboundOutcome } from "../outbound/outbound.ts";
import { getSameClient } from "../store/clients.ts";
import { claimLogoutNotices, postponeLogoutNotice, removeLogoutNotice } from "../store/logout-outbox.ts";
import { idTokenKey } from "../token/id-token.ts";
import { signLogoutToken } from "./logout-token.ts";

/** Tells clients of the end of sessions, off the way of requests. */
export interface LogoutDelivery {
  /** There may be something to do. Returns at once. */
  wake(): void;
  /** Takes on nothing more, and lets go of what it has. */
  close(): Promise<void>;
}

/** What telling clients needs. */
export type DeliveryDeps = Pick<Deps, "db" | "issuer" | "keys" | "settings" | "clock" | "random" | "outbound" | "log">;

/** Notices at one time: slow clients hold up few others. */
const MOST_AT_ONCE = 16;
/** Milliseconds for one client to answer. */
const TIMEOUT = 10_000;
/** Milliseconds until others take a process for dead that has taken on a notice. */
const LEASE = 60_000;
/** Milliseconds between looks for what processes have left that died. */
const LOOK_AGAIN = 60_000;
/** Milliseconds from one try to the next; after the last one nobody tries any more. */
const BACKOFF = [1000, 5000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000];
/** Milliseconds that the end waits for what is under way. */
const LAST_MOMENTS = 2000;

type Verdict = "told" | "later" | "never";

/** What telling a client came to. `fields`: for the log. */
interface Telling {
  readonly verdict: Verdict;
  readonly fields: Readonly<Record<string, unknown>>;
}

const VERDICT_OF_FAILURE = {
  bad_url: "never",
  refused_address: "never",
  timeout: "later",
  too_large: "later",
  too_many: "later",
  unreachable: "later",
} as const satisfies Readonly<Record<OutboundFailure, Verdict>>;

/** Makes what tells clients. It looks when it is woken, when something is due, and now and then. */
export function makeLogoutDelivery(deps: DeliveryDeps): LogoutDelivery {
  const { db, issuer, clock, random, log } = deps;
  const underWay = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let wakened = false;
  let closing = false;

  const lookIn = (milliseconds: number): void => {
    clearTimeout(timer);
    if (closing) return;
    timer = setTimeout(look, Math.min(milliseconds, LOOK_AGAIN));
    timer.unref();
  };
  const settle = async (notice: LogoutNotice, lease: Uint8Array): Promise<void> => {
    const { verdict, fields }: Telling = closing ? { verdict: "later", fields: {} } : await tell(deps, notice);
    const now = clock();
    const backoff = BACKOFF[notice.attempts - 1];
    const held = { id: notice.id, lease };
    if (closing && verdict === "later") {
      await postponeLogoutNotice(db, issuer, { ...held, dueAt: now, attempts: notice.attempts - 1 }); // our end is no fault of the client's
    } else if (verdict === "later" && backoff !== undefined) {
      log.info("logout_not_told", { ...fields, attempts: notice.attempts, retry: true });
      await postponeLogoutNotice(db, issuer, { ...held, dueAt: addMillis(now, Math.round(backoff * (0.75 + (random(1)[0] ?? 0) / 512))), attempts: notice.attempts });
    } else {
      if (verdict === "told") log.info("logout_told", fields);
      else log.warn("logout_not_told", { ...fields, attempts: notice.attempts, retry: false });
      await removeLogoutNotice(db, issuer, held);
    }
  };
  const take = async (): Promise<void> => {
    const now = clock();
    const lease = random(16);
    const { notices, nextAt } = await claimLogoutNotices(db, issuer, { lease, limit: MOST_AT_ONCE - underWay.size, now, until: addMillis(now, LEASE) });
    for (const notice of notices) {
      const settled = settle(notice, lease)
        .catch((cause: unknown) => log.warn("logout_not_told", { cause })) // its lease will be over
        .finally(() => {
          underWay.delete(settled);
          look();
        });
      underWay.add(settled);
    }
    lookIn(nextAt === undefined ? LOOK_AGAIN : Math.max(nextAt - now, 50));
  };
  function look(): void {
    wakened = true;
    if (looking !== undefined || closing || underWay.size >= MOST_AT_ONCE) return;
    wakened = false;
    looking = take()
      .catch((cause: unknown) => {
        log.warn("logout_not_told", { cause });
        lookIn(LOOK_AGAIN);
      })
      .finally(() => {
        looking = undefined;
        if (wakened) look();
      });
  }
  return {
    wake: look,
    async close() {
      closing = true;
      clearTimeout(timer);
      const over = async (): Promise<void> => {
        await looking;
        await Promise.all(underWay);
      };
      await Promise.race([over(), new Promise((resolve) => setTimeout(resolve, LAST_MOMENTS).unref())]);
    },
  };
}

/** Tells one client. Where, and by which algorithm, is what it has registered now. @see OIDC Back-Channel Logout §2.5 */
async function tell(deps: DeliveryDeps, { record }: LogoutNotice): Promise<Telling> {
  const client = record.client === undefined ? undefined : await getSameClient(deps.db, deps.issuer, record.client);
  const metadata = client?.record.client;
  if (metadata === undefined || metadata.backchannelLogoutUri === "") return { verdict: "never", fields: { client_id: record.client?.clientId, reason: "not_registered" } };
  const now: EpochMillis = deps.clock();
  const { clientId, backchannelLogoutUri, subjectType } = metadata;
  const key = await idTokenKey(deps, metadata, now);
  const token = signLogoutToken(deps, key, { clientId, subject: subjectType === "pairwise" ? undefined : record.subject, sid: record.sid }, now);
  const outcome = await deps.outbound.post(backchannelLogoutUri, { logout_token: token }, { timeout: TIMEOUT });
  return {
    verdict: verdictOf(outcome),
    fields: { client_id: clientId, ...(outcome.kind === "answered" ? { status: outcome.status } : { reason: outcome.reason, cause: outcome.cause }) },
  };
}

/** @see OIDC Back-Channel Logout §2.8: 200 is a yes, 204 is taken for one; 400 says that the client could not, and would not the next time either */
function verdictOf(outcome: OutboundOutcome): Verdict {
  if (outcome.kind === "failed") return VERDICT_OF_FAILURE[outcome.reason];
  const { status } = outcome;
  if (status >= 200 && status < 300) return "told";
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501) ? "later" : "never";
}
