/** ER_DUP_ENTRY. */
const DUPLICATE = 1062;
/** ER_DATA_TOO_LONG. */
const TOO_LONG = 1406;
/** Deadlock, lock wait time-out, certification conflict on Galera, read of a changed row: nothing was written, and another try may succeed. */
const CONFLICTS = new Set([1213, 1205, 1020]);
/**
 * ER_CON_COUNT_ERROR, ER_SERVER_SHUTDOWN, ER_UNKNOWN_COM_ERROR (a Galera node that is not ready), ER_CONNECTION_KILLED,
 * ER_TOO_MANY_USER_CONNECTIONS, and MariaDB's codes for a connection whose time was up: this connection, or this server, is of no use now.
 */
const UNAVAILABLE = new Set([1040, 1053, 1047, 1927, 1203, 4031, 1158, 1159, 1160, 1161]);

/** The key of an INSERT is taken. */
export function isDuplicate(error: unknown): boolean {
  return numberOf(error) === DUPLICATE;
}

/** A value is longer than its column takes. */
export function isTooLong(error: unknown): boolean {
  return numberOf(error) === TOO_LONG;
}

/** Another transaction was in the way. */
export function isConflict(error: unknown): boolean {
  return CONFLICTS.has(numberOf(error));
}

/** The connection is gone, or the server would not take it: a code of the system or of the driver, not of SQL. */
export function isLost(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  if ("fatal" in error && error.fatal === true) return true;
  if (UNAVAILABLE.has(numberOf(error))) return true;
  return "code" in error && typeof error.code === "string" && /^(E(CONNRE|PIPE|TIMEDOUT|HOST|NET|NOTFOUND|AI_AGAIN)|PROTOCOL_)/.test(error.code);
}

function numberOf(error: unknown): number {
  return typeof error === "object" && error !== null && "errno" in error && typeof error.errno === "number" ? error.errno : 0;
}
