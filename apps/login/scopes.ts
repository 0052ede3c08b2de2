/** A scope in words. */
export interface ScopeText {
  readonly title: string;
  readonly text: string;
}

const TEXTS: Readonly<Record<string, ScopeText>> = {
  openid: { title: "Know who you are", text: "Your user name, and when you signed in." },
  profile: { title: "See your profile", text: "Your name, picture, language and birthday." },
  email: { title: "See your email address", text: "The address, and whether it is confirmed." },
  address: { title: "See your postal address", text: "Street, town and country." },
  phone: { title: "See your phone number", text: "The number, and whether it is confirmed." },
  offline_access: { title: "Stay connected", text: "Keep this access while you are away, until you take it back." },
  offline: { title: "Stay connected", text: "Keep this access while you are away, until you take it back." },
};

/** What a scope means to the person who is asked for it. One that is the operator's own goes by its name. */
export function explainScope(scope: string): ScopeText {
  return Object.hasOwn(TEXTS, scope) ? (TEXTS[scope] ?? { title: scope, text: "" }) : { title: scope, text: "A permission of this service." };
}

type Claims = Record<string, string | number | boolean | Record<string, string>>;

/** Names of the claims that a request asks for by themselves, wherever it wants them (OIDC Core §5.5). */
export function namesIn(claims: Readonly<Record<string, unknown>> | undefined): string[] {
  return [...new Set([claims?.id_token, claims?.userinfo].flatMap((wishes) => Object.keys(wishes ?? {})))];
}

/**
 * Claims about the demo's people, by the scopes that were granted (OIDC Core §5.4) and the names that were agreed to. Yours come
 * from where your users are.
 */
export function claimsOf(subject: string, granted: readonly string[], names: readonly string[]): Claims {
  const all = claimsOfScopes(subject, Object.keys(TEXTS));
  return { ...claimsOfScopes(subject, granted), ...Object.fromEntries(names.flatMap((name) => (Object.hasOwn(all, name) ? [[name, all[name] ?? ""]] : []))) };
}

function claimsOfScopes(subject: string, granted: readonly string[]): Claims {
  const page = `https://people.example/${encodeURIComponent(subject)}`;
  const address = { formatted: "1 Sample Street\n12345 Sampleton\nAtlantis", street_address: "1 Sample Street", locality: "Sampleton", postal_code: "12345", country: "Atlantis" };
  return {
    ...(granted.includes("profile") && {
      name: `${subject} Doe`,
      given_name: subject,
      family_name: "Doe",
      middle_name: "Sample",
      nickname: subject,
      preferred_username: subject,
      profile: page,
      picture: `${page}/picture.png`,
      website: page,
      gender: "unspecified",
      birthdate: "2000-01-31",
      zoneinfo: "Europe/Berlin",
      locale: "en",
      updated_at: 1_750_000_000,
    }),
    ...(granted.includes("email") && { email: `${encodeURIComponent(subject)}@people.example`, email_verified: true }),
    ...(granted.includes("phone") && { phone_number: "+1 555 0100", phone_number_verified: true }),
    ...(granted.includes("address") && { address }),
  };
}
