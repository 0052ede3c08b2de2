import { isSignatureAlg, SIGNATURE_ALGS } from "#lib/signature-algs.ts";
import { CliError } from "./cli-error.ts";
import { durationOf } from "./flag-values.ts";
import { type DatabaseFlags, type Maintenance, withDatabase } from "./maintenance.ts";
import { printMany, type View } from "./output.ts";

/** Flags of `keys rotate`. */
export interface RotateFlags extends DatabaseFlags {
  readonly set?: readonly string[];
  readonly alg?: readonly string[];
  readonly ifOlderThan: string;
  readonly keep?: string;
  readonly delete: boolean;
  readonly dryRun?: boolean;
  readonly format?: string;
}

type Options = Parameters<Maintenance["rotateKeys"]>[0];
type RotatedKey = Awaited<ReturnType<Maintenance["rotateKeys"]>>[number];

const SETS = ["hydra.openid.id-token", "hydra.jwt.access-token"] as const satisfies Options["sets"];

const timeText = (instant: number | undefined): string => (instant === undefined ? "" : new Date(instant).toISOString());

const VIEW: View<RotatedKey> = {
  id: ({ kid }) => kid,
  columns: {
    "SET ID": ({ set }) => set,
    "KEY ID": ({ kid }) => kid,
    ALGORITHM: ({ alg }) => alg,
    STATE: ({ state }) => state,
    "SIGNS FROM": ({ from }) => timeText(from),
    "PUBLISHED UNTIL": ({ until }) => timeText(until),
  },
};

/** Makes the next signing keys and deletes those that are needed no longer; a running server takes them up by itself. */
export function rotate(flags: RotateFlags): Promise<void> {
  const options: Options = {
    sets: (flags.set ?? []).map(requireSet),
    algs: (flags.alg ?? []).map(requireAlg),
    olderThan: durationOf("--if-older-than", flags.ifOlderThan),
    keep: flags.keep === undefined ? undefined : durationOf("--keep", flags.keep),
    deletes: flags.delete,
    isTrial: flags.dryRun === true,
  };
  return withDatabase(flags, async (maintenance) => {
    const keys = await maintenance.rotateKeys(options);
    const json = keys.map(({ set, kid, alg, state, from, until }) => ({
      set,
      kid,
      alg,
      state,
      signs_from: timeText(from),
      ...(until === undefined ? {} : { published_until: timeText(until) }),
    }));
    await printMany(flags, VIEW, keys, json);
  });
}

function requireSet(name: string): (typeof SETS)[number] {
  const set = SETS.find((each) => each === name);
  if (set === undefined) throw new CliError(`Writ does not sign with the set '${name}'. Use one of: ${SETS.join(", ")}; keys of other sets are made by 'writ create jwk'.`);
  return set;
}

function requireAlg(name: string): Options["algs"][number] {
  if (!isSignatureAlg(name)) throw new CliError(`'${name}' is no algorithm that Writ signs by. Use one of: ${SIGNATURE_ALGS.join(", ")}.`);
  return name;
}
