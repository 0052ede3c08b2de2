import { pino } from "pino";
import type { Config } from "#lib/config.ts";
import type { Log, LogEvent, LogFields } from "#lib/events.ts";

/**
 * Writes log lines to standard error: JSON, or one readable line where a person watches. A line is an event and its fields;
 * of an error only its kind, message and stack are written, and only here.
 */
export function makeLog({ level, format }: Config["log"]): Log {
  const asText = format === undefined ? process.stderr.isTTY === true : format === "text";
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: "event",
      formatters: { level: (label) => ({ level: label }) },
      serializers: { cause: describeCause },
    },
    asText ? { write: (line: string) => process.stderr.write(toText(line)) } : pino.destination({ dest: 2, sync: true }),
  );
  const write =
    (name: "debug" | "info" | "warn" | "error") =>
    (event: LogEvent, fields: LogFields = {}) =>
      logger[name](fields, event);
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function describeCause(cause: unknown): unknown {
  if (!(cause instanceof Error)) return String(cause).slice(0, 200);
  return { name: cause.name, message: cause.message, stack: cause.stack, ...(cause.cause === undefined ? {} : { cause: describeCause(cause.cause) }) };
}

function toText(line: string): string {
  const { level, time, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  return `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${String(event)} ${rest.join(" ")}\n`;
}
