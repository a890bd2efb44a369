import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "vitest"
import { documents, fences, typecheck } from "./fences.ts"

const root = path.resolve(import.meta.dirname, "../..")

/** In the first page a constant, in the second a wrong type on line 4; the fences of one page see each other by name. */
const planted = [
  ...fences("docs/good.md", "```ts file=server.ts\nexport const port = 1\n```\n"),
  ...fences("docs/good.md", "text\n\n```ts\nimport { port } from \"./server.ts\"\nport.toFixed()\n```\n"),
  ...fences("docs/bad.md", "# Bad\n\n```ts\nconst n: number = \"one\"\n```\n")
]

describe("the fences of README, docs and doc comments", () => {
  it("type-check, each against src, and a wrong one is reported where it stands", () => {
    const all = documents(root).flatMap((file) => fences(file, fs.readFileSync(path.join(root, file), "utf8")))
    assert.isAbove(all.length, 0)
    const wrong = typecheck(root, [...all, ...planted])
    const expected = "docs/bad.md:4:7: error TS2322: Type 'string' is not assignable to type 'number'."
    assert.deepStrictEqual(wrong.filter((line) => line !== expected), [])
    assert.include(wrong, expected)
  }, 60_000)

  it("are found in pages, indented too, and in doc comments only", () => {
    assert.deepStrictEqual(fences("a.md", "- item\n  ```ts\n  f(\n    1)\n  ```\n```json\n1\n```\n"), [
      { file: "a.md", line: 3, name: undefined, code: "f(\n  1)" }
    ])
    const source =
      "/**\n * Adds.\n *\n * ```ts\n * add(1)\n *\n * add(2)\n * ```\n */\nexport const text = `\n```ts\n`\n"
    assert.deepStrictEqual(fences("src/a.ts", source), [
      { file: "src/a.ts", line: 5, name: undefined, code: "add(1)\n\nadd(2)" }
    ])
  })

  it("are refused when they are not closed", () =>
    assert.throws(() => fences("a.md", "```ts\n1\n"), "a.md:1: the fence is not closed"))
})
