import { type Config, configSchema } from "#lib/config.ts";
import { CliError } from "./cli-error.ts";
import { type Environment, readEnvironment } from "./config-env.ts";
import { readConfigFile } from "./config-file.ts";
import { settleHydraKeys } from "./config-hydra.ts";
import { describeIssues } from "./config-issues.ts";
import { makePlaces } from "./config-places.ts";
import { LEAVES } from "./config-schema.ts";
import { assign, makeTree, merge } from "./config-tree.ts";

/** Where a configuration comes from; what comes later wins. */
export interface ConfigSources {
  /** YAML or JSON files, in their order. */
  readonly files: readonly string[];
  /** Only variables that spell a known key are looked at. */
  readonly env: Environment;
  /** By dotted key, such as `dev`. Undefined: not given. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/**
 * Puts the configuration together from files, environment and flags, and checks it whole.
 * @throws CliError with one line for each thing that is wrong: where it stands, what it is, what to do
 */
export function loadConfig({ files, env, flags }: ConfigSources): Config {
  const places = makePlaces();
  const tree = makeTree();
  for (const file of files) merge(tree, readConfigFile(file, places));
  for (const leaf of LEAVES) {
    const found = readEnvironment(leaf, env);
    if (found === undefined) continue;
    assign(tree, leaf.path, found.value);
    places.set(leaf.path, `environment ${found.name}`);
  }
  for (const [key, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    assign(tree, key.split("."), value);
    places.set(key.split("."), "command line");
  }
  const issues = settleHydraKeys(tree, env, places);
  const checked = configSchema.safeParse(tree);
  const lines = [...issues, ...(checked.success ? [] : [describeIssues(checked.error.issues, places)])];
  if (!checked.success || lines.length > 0) throw new CliError(lines.join("\n"));
  return checked.data;
}
