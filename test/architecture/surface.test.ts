import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "vitest"
import { barrels, exportMap } from "./exportMap.ts"
import { folderManifest } from "./folderManifest.ts"
import { isBarrel, packageJson, readSources, root } from "./modules.ts"
import { surfaces } from "./surface.ts"

const sources = readSources()
const how = "run `npm run generate` and review the difference"

const snapshots = path.join(root, "test/architecture/surface")
const stored = new Map(
  (fs.existsSync(snapshots) ? fs.readdirSync(snapshots) : []).map((file) =>
    [file, fs.readFileSync(path.join(snapshots, file), "utf8")] as const
  )
)

describe("public surface", () => {
  it("has an entry in the export map for every public module and barrel, and no other", () => {
    assert.deepStrictEqual(packageJson().exports, exportMap(sources), how)
    assert.isAbove(Object.keys(packageJson().exports).length, 20)
  })

  it("lists the entries in the order npm run generate writes", () => {
    assert.deepStrictEqual(Object.keys(packageJson().exports), Object.keys(exportMap(sources)), how)
  })

  it("keeps the export map out of the package.json that Node reads for every import", () => {
    const file = fs.readFileSync(path.join(root, "src/package.json"), "utf8")
    assert.deepStrictEqual(JSON.parse(file), folderManifest("src", packageJson()), how)
  })

  it("has barrels that name exactly the public modules of their folder", () => {
    const actual = [...sources].filter(([file]) => isBarrel(file) && file !== "index.ts")
    assert.deepStrictEqual(Object.fromEntries(actual), Object.fromEntries(barrels(sources)), how)
  })

  const current = surfaces(sources)
  for (const name of new Set([...stored.keys(), ...current.keys()])) {
    it(`is the reviewed one: ${name}`, () => assert.strictEqual(current.get(name), stored.get(name), how))
  }
})
