/** Our reading of versions and ranges beside npm's own. */
import { assert, describe, it } from "vitest"
import * as semver from "../../../src/transform/internal/semver.ts"

const versions = [
  "0.0.1",
  "0.0.3",
  "0.1.0",
  "0.2.5",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "1.0.0",
  "1.2.0",
  "1.2.3",
  "1.2.10",
  "1.10.0",
  "2.0.0-rc.1",
  "2.0.0",
  "2.1.0",
  "3.0.0"
]

describe("versions", () => {
  it("are in the order of the specification", () => {
    const sorted = versions.toSorted((a, b) => semver.compare(semver.parse(a)!, semver.parse(b)!))
    assert.deepStrictEqual(sorted, versions)
    assert.strictEqual(semver.compare(semver.parse("v1.2.3+build.1")!, semver.parse("1.2.3")!), 0)
    for (const text of ["", "a", "1.2.3.4", "01.2.3", "1.-2", "9".repeat(20)]) {
      assert.isUndefined(semver.parse(text), text)
    }
  })

  it.each<[range: string, allowed: ReadonlyArray<string>]>([
    ["1.x", ["1.0.0", "1.2.0", "1.2.3", "1.2.10", "1.10.0"]],
    ["1", ["1.0.0", "1.2.0", "1.2.3", "1.2.10", "1.10.0"]],
    ["1.2", ["1.2.0", "1.2.3", "1.2.10"]],
    ["1.2.3", ["1.2.3"]],
    ["=2.0.0-rc.1", ["2.0.0-rc.1"]],
    ["^1.2.3", ["1.2.3", "1.2.10", "1.10.0"]],
    ["^0.1", ["0.1.0"]],
    ["^0.0.1", ["0.0.1"]],
    ["^0", ["0.0.1", "0.0.3", "0.1.0", "0.2.5"]],
    ["~1.2.3", ["1.2.3", "1.2.10"]],
    ["~1", ["1.0.0", "1.2.0", "1.2.3", "1.2.10", "1.10.0"]],
    [">=1.10 <3", ["1.10.0", "2.0.0", "2.1.0"]],
    [">= 2.1", ["2.1.0", "3.0.0"]],
    [">2", ["3.0.0"]],
    [">2.0.0", ["2.1.0", "3.0.0"]],
    ["<=0.1", ["0.0.1", "0.0.3", "0.1.0"]],
    ["<=0.0.3", ["0.0.1", "0.0.3"]],
    ["<0.1.0 || >=3", ["0.0.1", "0.0.3", "3.0.0"]],
    [">=1.0.0-beta.2 <1.0.0", ["1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1"]],
    ["*", versions.filter((version) => !version.includes("-"))]
  ])("in %s are those of npm", (text, allowed) => {
    const range = semver.range(text)!
    assert.deepStrictEqual(versions.filter((version) => range(semver.parse(version)!)), allowed)
  })
})
