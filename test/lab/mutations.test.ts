import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"
import { mutations } from "./mutations.ts"

const root = path.resolve(import.meta.dirname, "../..")

/** So that `npm run proof:planted`, which takes too long for every run of the tests, has all of its list to plant. */
describe("what a planted mistake replaces", () => {
  for (const { file, find, name } of mutations) {
    it(`stands once in its file: ${name}`, () => {
      assert.lengthOf(fs.readFileSync(path.join(root, file), "utf8").split(find), 2)
    })
  }
})
