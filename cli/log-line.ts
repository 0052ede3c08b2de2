import type { LogEvent, LogFields } from "#lib/events.ts";

const SECOND = 1000;
/** The second that was last written, up to its dot: `2026-01-02T03:04:05.`. */
let second = Number.NaN;
let secondText = "";

/** One JSON log line with its end. `at`: milliseconds since 1970. */
export function makeLine(level: string, event: LogEvent, fields: LogFields, at: number): string {
  return `{"level":"${level}","time":"${isoTime(at)}"${members(fields)},"event":"${event}"}\n`;
}

/** As `toISOString` has it, which takes ten times as long. */
function isoTime(at: number): string {
  const start = Math.floor(at / SECOND) * SECOND;
  if (start !== second) {
    second = start;
    secondText = new Date(start).toISOString().slice(0, -4);
  }
  const milliseconds = at - start;
  return `${secondText}${milliseconds < 10 ? "00" : milliseconds < 100 ? "0" : ""}${milliseconds}Z`;
}

/** A field that JSON has no form for (a bigint, a circle) must not take down what was to be logged. */
function members(fields: LogFields): string {
  try {
    const json = JSON.stringify(fields);
    return json === "{}" ? "" : `,${json.slice(1, -1)}`;
  } catch {
    return `,"fields":"not serializable"`;
  }
}
