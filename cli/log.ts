import { pino } from "pino";
import type { Config } from "#lib/config.ts";
import type { Log, LogEvent, LogFields } from "#lib/events.ts";
import { describeError } from "./log-error.ts";
import { toText } from "./log-text.ts";

/** The log of a process. */
export interface ProcessLog extends Log {
  /** Writes out what is still on its way. Without it, lines are lost when the process exits. */
  flush(): void;
}

/**
 * Lines are gathered for a moment and written together while the event loop goes on: a reader that stands still holds up
 * nobody. When it lets 16 MiB pile up, lines are dropped; memory is what requests need.
 */
const TO_STDERR = { dest: 2, sync: false, minLength: 4096, periodicFlush: 100, maxLength: 16 * 1024 * 1024 } as const;

/**
 * Writes log lines to standard error: JSON, or one readable line where a person watches. A line is an event and its fields.
 */
export function makeLog({ level, format }: Config["log"]): ProcessLog {
  const asText = format === undefined ? process.stderr.isTTY === true : format === "text";
  const destination = asText ? undefined : pino.destination(TO_STDERR);
  // Whoever reads the log may go away (a pipe that closes); a server without a log is better than none.
  destination?.on("error", () => {});
  const options: pino.LoggerOptions = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: "event", formatters: { level: (label) => ({ level: label }) } };
  const logger = pino(options, destination ?? { write: (line: string) => void process.stderr.write(toText(line)) });
  const write =
    (name: "debug" | "info" | "warn" | "error") =>
    (event: LogEvent, fields: LogFields = {}): void => {
      if (logger.isLevelEnabled(name)) logger[name](withoutErrors(fields), event);
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    flush: () => {
      try {
        destination?.flushSync();
      } catch {
        // the reader has gone
      }
    },
  };
}

/** Errors hold more than may be logged: the request they were about, say. What is logged of one is chosen in one place. */
function withoutErrors(fields: LogFields): LogFields {
  const values = Object.entries(fields);
  if (!values.some(([name, value]) => name === "cause" || value instanceof Error)) return fields;
  return Object.fromEntries(values.map(([name, value]) => [name, name === "cause" || value instanceof Error ? describeError(value) : value]));
}
