/** Tells whether an origin (RFC 6454 §7) is one of a list: exact, or with one star for a label, a port or any host. No list, or `*`: any is. */
export function originMatcher(allowed: readonly string[]): (origin: string) => boolean {
  if (allowed.length === 0 || allowed.includes("*")) return () => true;
  const exact = new Set(allowed.filter((each) => !each.includes("*")).map((each) => each.toLowerCase().replace(/\/$/, "")));
  const patterns = allowed.flatMap(toPattern);
  return (origin) => exact.has(origin.toLowerCase()) || patterns.some((pattern) => pattern.test(origin));
}

/** None where the star is no label by itself: `https://*example.com` would let `https://evilexample.com` in. */
function toPattern(origin: string): RegExp[] {
  const [, before, after] = /^(https?:\/\/(?:[^*]*[.:])?)\*([.:][^*]*|)$/i.exec(origin) ?? [];
  if (before === undefined || after === undefined) return [];
  const star = before.endsWith("://") && after === "" ? "[a-z0-9.-]+(:\\d+)?" : before.endsWith("://") || before.endsWith(".") ? "[a-z0-9-]+" : "\\d+";
  return [new RegExp(`^${escape(before)}${star}${escape(after)}$`, "i")];
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
