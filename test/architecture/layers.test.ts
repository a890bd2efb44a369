import { assert, describe, it } from "vitest"
import { layers } from "./layers.ts"
import { parseAll, readSources } from "./modules.ts"
import { findCycle, rules } from "./rules.ts"

const modules = parseAll(readSources())

describe("src", () => {
  it("is read, so that a green result means something", () => {
    assert.isAbove(modules.length, 20)
    assert.isAbove(modules.flatMap((m) => m.imports).length, 40)
  })

  for (const [name, rule] of Object.entries(rules)) it(name, () => assert.deepStrictEqual(rule(modules), []))
})

describe("the table of layers", () => {
  it("is free of cycles and names only folders it has", () => {
    assert.isUndefined(findCycle(Object.keys(layers), (folder) => layers[folder]!))
    assert.deepStrictEqual(Object.values(layers).flat().filter((folder) => !(folder in layers)), [])
  })
})
