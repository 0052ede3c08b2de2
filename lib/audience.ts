/**
 * Tells whether a client that may use `allowed` may ask for `audience`: the same string, or a URL of the same scheme and
 * host at or below an allowed path (Hydra's rule: `https://api/x` stands for `https://api/x/y`).
 */
export function allowsAudience(allowed: readonly string[], audience: string): boolean {
  if (allowed.includes(audience)) return true;
  const wanted = URL.parse(audience);
  // What has dot segments or a query after parsing differs from what was written would name something else to a resource server.
  if (
    wanted === null ||
    wanted.host === "" ||
    wanted.search !== "" ||
    wanted.hash !== "" ||
    wanted.username !== "" ||
    wanted.href.replace(/\/$/, "") !== audience.replace(/\/$/, "")
  )
    return false;
  return allowed.some((each) => {
    const base = URL.parse(each);
    if (base === null || base.host === "" || base.protocol !== wanted.protocol || base.host !== wanted.host) return false;
    const path = base.pathname.replace(/\/$/, "");
    return wanted.pathname === path || wanted.pathname.startsWith(`${path}/`);
  });
}
