import { pino } from "pino";
import type { Config } from "#lib/config.ts";
import type { Log, LogEvent, LogFields } from "#lib/events.ts";
import { describeError } from "./log-error.ts";
import { makeLine } from "./log-line.ts";
import { toText } from "./log-text.ts";

/** The log of a process. */
export interface ProcessLog extends Log {
  /** Writes out what is still on its way. Without it, lines are lost when the process exits. */
  flush(): void;
  /** From now on it writes by another level and in another form. */
  reset(config: Config["log"]): void;
}

/** Where lines go. */
interface Sink {
  put(line: string): void;
  flush(): void;
}

/** What is gathered is handed over when it has so many characters, or after so many milliseconds. */
const GATHER_LENGTH = 16_000;
const GATHER_MILLIS = 100;

/** A reader that stands still holds up nobody. When it lets 16 MiB pile up, lines are dropped; memory is what requests need. */
const TO_STDERR = { dest: 2, sync: false, maxLength: 16 * 1024 * 1024 } as const;

const LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, panic: 60 } as const satisfies Record<Config["log"]["level"], number>;

/**
 * Writes log lines to standard error: JSON, or one readable line where a person watches. A line is an event and its fields.
 */
export function makeLog(config: Config["log"]): ProcessLog {
  let least: number = LEVELS[config.level];
  let sink = sinkOf(config.format);
  const write =
    (name: "debug" | "info" | "warn" | "error") =>
    (event: LogEvent, fields: LogFields = {}): void => {
      if (LEVELS[name] >= least) sink.put(makeLine(name, event, withoutErrors(fields), Date.now()));
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    flush: () => sink.flush(),
    reset({ level, format }) {
      sink.flush();
      least = LEVELS[level];
      sink = sinkOf(format);
    },
  };
}

let gathering: Sink | undefined;

function sinkOf(format: Config["log"]["format"]): Sink {
  const form = format ?? (process.stderr.isTTY === true ? "text" : "json");
  if (form === "text") return { put: (line) => void process.stderr.write(toText(line)), flush() {} };
  gathering ??= gather();
  if (form === "json") return gathering;
  const { put, flush } = gathering;
  return { put: (line) => put(`${JSON.stringify(JSON.parse(line), null, 2)}\n`), flush };
}

/** Some seventy lines are handed over at once. When pino made each and handed it over by itself, it took 22 µs of a request's 153; now one takes 2. */
function gather(): Sink {
  const destination = pino.destination(TO_STDERR);
  // Whoever reads the log may go away (a pipe that closes); a server without a log is better than none.
  destination.on("error", () => {});
  let gathered = "";
  let timer: NodeJS.Timeout | undefined;
  const handOver = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const lines = gathered;
    gathered = "";
    if (lines !== "") destination.write(lines);
  };
  const flush = (): void => {
    try {
      handOver();
      destination.flushSync();
    } catch {
      // the reader has gone
    }
  };
  process.once("exit", flush);
  return {
    put(line) {
      gathered += line;
      if (gathered.length >= GATHER_LENGTH) handOver();
      else timer ??= setTimeout(handOver, GATHER_MILLIS).unref();
    },
    flush,
  };
}

/** Errors hold more than may be logged: the request they were about, say. What is logged of one is chosen in one place. */
function withoutErrors(fields: LogFields): LogFields {
  for (const name in fields) if (isError(name, fields[name])) return Object.fromEntries(Object.entries(fields).map(describeField));
  return fields;
}

function describeField([name, value]: [string, unknown]): [string, unknown] {
  return [name, isError(name, value) ? describeError(value) : value];
}

function isError(name: string, value: unknown): boolean {
  return name === "cause" || value instanceof Error;
}
