/** A configuration as it was written: names to values or to further trees. Has no prototype, so that no name is special. */
export type Tree = { [name: string]: unknown };

/** An empty tree. */
export function makeTree(): Tree {
  return Object.create(null) as Tree;
}

/** Puts one tree over another. What is null was left empty and says nothing; lists are replaced whole. */
export function merge(into: Tree, from: object): void {
  for (const [name, value] of Object.entries(from)) {
    if (value === null) continue;
    if (!isTree(value)) into[name] = value;
    else merge(treeAt(into, name), value);
  }
}

/** Sets one value by its path. */
export function assign(tree: Tree, [name = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) tree[name] = value;
  else assign(treeAt(tree, name), rest, value);
}

/** What stands at a path. */
export function valueAt(tree: Tree, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (isTree(value) ? value[name] : undefined), tree);
}

/** Takes a value away, and the trees around it that hold nothing else. */
export function unassign(tree: Tree, [name = "", ...rest]: readonly string[]): void {
  const there = tree[name];
  if (rest.length > 0 && isTree(there)) {
    unassign(there, rest);
    if (Object.keys(there).length === 0) delete tree[name];
  } else if (rest.length === 0) delete tree[name];
}

function treeAt(tree: Tree, name: string): Tree {
  const there = tree[name];
  if (isTree(there)) return there;
  const made = makeTree();
  tree[name] = made;
  return made;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
