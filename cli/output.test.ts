import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { CliError } from "./cli-error.ts";
import { closest } from "./closest.ts";
import { type OutputFlags, printMany, printOne, type View } from "./output.ts";
import { byJsonPath, byJsonPointer } from "./select.ts";

interface Thing {
  readonly id: string;
  readonly words: readonly string[];
}

const VIEW: View<Thing> = { id: ({ id }) => id, columns: { ID: ({ id }) => id, "THE WORDS": ({ words }) => words.join(", ") } };
const A: Thing = { id: "a", words: ["x", "y"] };
const B: Thing = { id: "longer", words: [] };

/** What is printed, without the last line break. */
async function printed(context: TestContext, print: () => Promise<void>): Promise<string> {
  const write = context.mock.method(process.stdout, "write", () => true);
  await print();
  write.mock.restore();
  return write.mock.calls
    .map(({ arguments: [text] }) => String(text))
    .join("")
    .trimEnd();
}

describe("formats", () => {
  for (const [flags, one, many] of [
    [{}, "ID         a\nTHE WORDS  x, y", "ID      THE WORDS\na       x, y\nlonger  <empty>"],
    [{ format: "table" }, "ID         a\nTHE WORDS  x, y", "ID      THE WORDS\na       x, y\nlonger  <empty>"],
    [{ quiet: true }, "a", "a\nlonger"],
    [{ quiet: true, format: "json" }, "a", "a\nlonger"],
    [{ format: "json" }, '{"id":"a","words":["x","y"]}', '[{"id":"a","words":["x","y"]},{"id":"longer","words":[]}]'],
    [{ format: "json-pretty" }, '{\n  "id": "a",\n  "words": [\n    "x",\n    "y"\n  ]\n}', undefined],
    [{ format: "yaml" }, "id: a\nwords:\n  - x\n  - y", "- id: a\n  words:\n    - x\n    - y\n- id: longer\n  words: []"],
    [{ format: "jsonpath=words.1" }, "y", undefined],
    [{ format: "jsonpath=$.words[0]" }, "x", undefined],
    [{ format: "jsonpath=$[*].id" }, undefined, '["a","longer"]'],
    [{ format: "jsonpath=#.id" }, undefined, '["a","longer"]'],
    [{ format: "jsonpath=words" }, '["x","y"]', undefined],
    [{ format: "jsonpointer=/words/0" }, "x", undefined],
    [{ format: "jsonpointer=/1/id" }, undefined, "longer"],
    [{ format: "jsonpointer=" }, '{"id":"a","words":["x","y"]}', undefined],
  ] as readonly (readonly [OutputFlags, string | undefined, string | undefined])[])
    test(JSON.stringify(flags), async (context) => {
      if (one !== undefined) assert.equal(await printed(context, () => printOne(flags, VIEW, A)), one);
      if (many !== undefined) assert.equal(await printed(context, () => printMany(flags, VIEW, [A, B])), many);
    });

  test("what is said of all stands below, and no things are a head alone", async (context) => {
    assert.equal(
      await printed(context, () =>
        printMany(
          {},
          VIEW,
          [A],
          [A],
          [
            ["NEXT", "t"],
            ["IS LAST", ""],
          ],
        ),
      ),
      "ID  THE WORDS\na   x, y\n\nNEXT     t\nIS LAST  <empty>",
    );
    assert.equal(await printed(context, () => printMany({}, VIEW, [])), "ID  THE WORDS");
    assert.equal(await printed(context, () => printMany({ quiet: true }, VIEW, [])), "");
  });

  test("a name that somebody chose cannot draw on the terminal or fake a row", async (context) => {
    const text = await printed(context, () => printMany({}, VIEW, [{ id: "a\u001b[2J\nb\u202e", words: [] }]));
    assert.equal(text, "ID        THE WORDS\na\ufffd[2J\ufffdb\ufffd  <empty>");
  });

  test("an unknown format says which there are", () => assert.rejects(printOne({ format: "xml" }, VIEW, A), /table, json, json-pretty, yaml/));
});

describe("selection", () => {
  test("RFC 6901 §5: the examples of the specification", () => {
    const document = { foo: ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "m~n": 8, " ": 7, "~1": 9 };
    for (const [pointer, value] of [
      ["", document],
      ["/foo", document.foo],
      ["/foo/0", "bar"],
      ["/", 0],
      ["/a~1b", 1],
      ["/c%d", 2],
      ["/m~0n", 8],
      ["/ ", 7],
      ["/~01", 9],
    ] as const)
      assert.deepEqual(byJsonPointer(pointer, document), value, pointer);
  });

  test("a pointer or path that names nothing, or what every object has, is an error", async () => {
    for (const pointer of ["foo", "/foo/2", "/foo/-", "/__proto__", "/constructor", "/foo/length/x"])
      assert.throws(() => byJsonPointer(pointer, { foo: ["bar"] }), CliError, pointer);
    for (const path of ["nothing", "$.nothing", "$..nothing"]) await assert.rejects(byJsonPath(path, { foo: 1 }), CliError, path);
  });

  test("a path never runs code", async () => {
    const run = globalThis as { hasRun?: boolean };
    for (const path of ["$[?(globalThis.hasRun=true)]", "$[(globalThis.hasRun=true)]", "$.a[?(@.constructor.constructor('globalThis.hasRun=true')())]"])
      await assert.rejects(byJsonPath(path, { a: [{ b: 1 }] }), CliError, path);
    assert.equal(run.hasRun, undefined);
  });
});

test("the word that was meant is found when few letters are wrong", () => {
  for (const [word, meant] of [
    ["prot", "port"],
    ["publik", "public"],
    ["acess", "access"],
    ["DSN", "dsn"],
    ["x", undefined],
    ["completely-else", undefined],
    ["", undefined],
  ] as const)
    assert.equal(closest(word, ["port", "public", "access", "dsn", "certificates"]), meant, word);
});
