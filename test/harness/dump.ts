import type { Db } from "#core/store/db.ts";

/** Every row of a database: what is equal to it later shows that nothing was written. */
export async function dumpRows(db: Db): Promise<string> {
  const tables = Object.keys(db.driver.dialect.tables).map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  const rows = await Promise.all(
    tables.map((table) => db.driver.read(`SELECT * FROM ${table} ORDER BY 1, 2, 3`.replace(/, 3$/, table === "revocation_horizons" ? "" : ", 3"), [])),
  );
  return JSON.stringify(rows, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value));
}
