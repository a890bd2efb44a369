/** The fences that are tests, run as they stand in README and docs. */
import * as fs from "node:fs"
import * as path from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { documents, fences } from "./fences.ts"

const root = path.resolve(import.meta.dirname, "../..")
const out = path.join(root, ".out")
fs.mkdirSync(out, { recursive: true })
const directory = fs.mkdtempSync(path.join(out, "fences-"))
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

const pages = documents(root).filter((file) => file.endsWith(".md"))
  .map((file) => ({ file, all: fences(file, fs.readFileSync(path.join(root, file), "utf8")) }))
  .filter(({ all }) => all.some(({ code }) => code.includes("@effect/vitest")))

for (const { all, file } of pages) {
  const folder = path.join(directory, file.replace(/\W/g, "_"))
  fs.mkdirSync(folder)
  const written = all.map(({ code, line, name = `line_${line}.ts` }) => {
    const target = path.join(folder, name)
    fs.writeFileSync(target, code)
    return { target, isTest: code.includes("@effect/vitest") }
  })
  describe(file, async () => {
    for (const { isTest, target } of written) if (isTest) await import(target)
  })
}

it("there are some in README and in both pages on tests", () =>
  assert.includeMembers(pages.map(({ file }) => file), [
    "README.md",
    "docs/guide/testing.md",
    "docs/start/first-test.md"
  ]))
