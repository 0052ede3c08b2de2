/** One readable line of a JSON log line. */
export function toText(json: string): string {
  const { level, time, event, ...fields } = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${show(value)}`);
  return `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${String(event)}${rest.length > 0 ? ` ${rest.join(" ")}` : ""}\n`;
}

/** Quoted unless it is plain: what a client sent must not be able to draw on a terminal or look like further lines. */
function show(value: unknown): string {
  if (typeof value !== "string") return escapeControls(JSON.stringify(value) ?? "");
  return /^[\w.:/@+()[\]-]+$/.test(value) ? value : escapeControls(JSON.stringify(value));
}

/** JSON leaves DEL, C1 controls and the marks that turn the direction of text as they are. */
function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
