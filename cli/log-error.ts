/** What is logged of an error. */
export interface LoggedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  /** Where it was thrown; for the innermost cause alone, since that is where one looks. */
  readonly stack?: string;
  readonly cause?: LoggedError;
}

const MAX_DEPTH = 5;
const MAX_TEXT = 2000;

/** What may be a secret in the text of somebody else's error, and what is written instead. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z0-9]{1,16}_[a-z]{2})_[\w-]{20,}/g, "$1_…"], // all that is sealed, and registration access tokens
  [/\beyJ[\w-]{8,}(\.[\w-]*){1,4}/g, "eyJ…"], // a JWT
  [/\b(Bearer|Basic|DPoP) +[\w.~+/=-]+/gi, "$1 …"],
  [/:\/\/[^\s/@]*@/g, "://…@"], // user and password of a URL
  [/\b(\w*(?:secret|password|code|token|token_hint|assertion|verifier|challenge))=[^&\s]+/gi, "$1=…"],
  [/("\w*(?:secret|password|code|token|assertion|verifier|challenge)" *): *"[^"]*("|$)/gi, "$1:…"],
];

/** What is logged of something that was thrown: its kind, message, code and place, and the same of what caused it. */
export function describeError(thrown: unknown, depth = 0): LoggedError {
  if (!(thrown instanceof Error)) return { name: typeof thrown, message: redact(String(thrown)) };
  const { code } = thrown as NodeJS.ErrnoException;
  const cause = thrown.cause === undefined || depth === MAX_DEPTH ? undefined : describeError(thrown.cause, depth + 1);
  return {
    name: thrown.name,
    message: redact(thrown.message),
    ...(typeof code === "string" || typeof code === "number" ? { code: String(code) } : {}),
    ...(cause === undefined ? { stack: placeOf(thrown) } : { cause }),
  };
}

function redact(text: string): string {
  return SECRETS.reduce((redacted, [pattern, instead]) => redacted.replace(pattern, instead), text.slice(0, MAX_TEXT));
}

/** The frames of the stack; what stands before them repeats the message, unredacted. */
function placeOf({ stack = "" }: Error): string {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .join("\n");
}
