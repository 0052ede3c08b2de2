import { type DescField, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { malformed } from "./malformed.ts";

type Scalar = string | number | boolean | Uint8Array;

interface Rule {
  /** For a sentence: "… is no whole number". */
  readonly noun: string;
  /** Undefined: it does not fit. */
  readonly fromJson: (value: JsonValue) => Scalar | undefined;
  readonly fromText: (text: string) => Scalar | undefined;
}

const TRUE = new Set(["true", "1", "t", "T", "TRUE", "True"]); // as Go's strconv.ParseBool, which Hydra's callers rely on
const FALSE = new Set(["false", "0", "f", "F", "FALSE", "False"]);
const BASE64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2,3}={0,2})?$/;

const wholeNumber = (least: number, most: number): Rule => ({
  noun: `whole number from ${least} to ${most}`,
  fromJson: (value) => (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most ? value : undefined),
  // What is beyond the type is the type's limit: a page size is clamped, not refused.
  fromText: (text) => (/^[+-]?\d{1,18}$/.test(text) ? Math.max(least, Math.min(most, Number(text))) : undefined),
});
const number: Rule = {
  noun: "number",
  fromJson: (value) => (typeof value === "number" && Number.isFinite(value) ? value : undefined),
  fromText: (text) => (/^-?\d{1,18}(\.\d{1,18})?$/.test(text) ? Number(text) : undefined),
};
const signed = wholeNumber(-(2 ** 31), 2 ** 31 - 1);
const unsigned = wholeNumber(0, 2 ** 32 - 1);

/** How each scalar of the contract looks. 64-bit ones are not in it: JSON has no number for them. */
const RULES: Readonly<Partial<Record<ScalarType, Rule>>> = {
  [ScalarType.STRING]: { noun: "string of characters", fromJson: wellFormed, fromText: wellFormed },
  [ScalarType.BOOL]: {
    noun: "boolean",
    fromJson: (value) => (typeof value === "boolean" ? value : undefined),
    fromText: (text) => (TRUE.has(text) ? true : FALSE.has(text) ? false : undefined),
  },
  [ScalarType.BYTES]: { noun: "base64", fromJson: fromBase64, fromText: fromBase64 },
  [ScalarType.INT32]: signed,
  [ScalarType.SINT32]: signed,
  [ScalarType.SFIXED32]: signed,
  [ScalarType.UINT32]: unsigned,
  [ScalarType.FIXED32]: unsigned,
  [ScalarType.DOUBLE]: number,
  [ScalarType.FLOAT]: number,
};

/** Reads a JSON value. `what` names it. @throws ConnectError invalid_argument when it is of another type */
export function decodeScalar(scalar: ScalarType, value: JsonValue, what: string): Scalar {
  const { noun, fromJson } = ruleOf(scalar);
  const read = fromJson(value);
  if (read === undefined) throw malformed(`${what} is no ${noun}`);
  return read;
}

/**
 * Reads the text of a path segment, query parameter or form field by the type of the field.
 * @throws ConnectError invalid_argument naming the parameter
 */
export function decodeText(field: DescField, texts: readonly string[]): Scalar | Scalar[] {
  const { fromText, noun } = ruleOf(field.fieldKind === "scalar" || (field.fieldKind === "list" && field.listKind === "scalar") ? field.scalar : undefined);
  const read = (text: string): Scalar => {
    const value = fromText(text);
    if (value === undefined) throw malformed(`'${field.name}' is no ${noun}`);
    return value;
  };
  if (field.fieldKind === "list") return texts.map(read);
  if (texts.length > 1) throw malformed(`'${field.name}' is sent more than once`);
  return read(texts[0] ?? "");
}

function ruleOf(scalar: ScalarType | undefined): Rule {
  const rule = scalar === undefined ? undefined : RULES[scalar];
  if (rule === undefined) throw new Error(`the admin API has no form for scalar ${scalar}`);
  return rule;
}

function wellFormed(value: JsonValue): string | undefined {
  return typeof value === "string" && value.isWellFormed() ? value : undefined;
}

function fromBase64(value: JsonValue): Uint8Array | undefined {
  return typeof value === "string" && BASE64.test(value) ? Buffer.from(value, "base64") : undefined;
}
