import { OAuthError } from "#lib/errors.ts";

/** How often a change is tried again when somebody else changed the client in between. */
const MAX_TRIES = 10;

/**
 * Changes a client under the version of its row: `change` looks at it, and says `again` if somebody else was faster.
 * @throws OAuthError temporarily_unavailable when somebody else always was
 */
export async function untilChanged<T>(change: () => Promise<T | "again">): Promise<T> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const outcome = await change();
    if (outcome !== "again") return outcome;
  }
  throw new OAuthError("temporarily_unavailable", "The client is being changed by others; try again");
}
