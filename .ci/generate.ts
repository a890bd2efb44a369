/**
 * `npm run generate`: writes what follows from the tree and is reviewed as a difference: barrels, the export map in
 * package.json, the package.json of src, the public surface in test/architecture/surface, the parity page, the tables of
 * docs/explain/cancellation.md, docs/reference/client-interop.md and docs/reference/openid-conformance.md, and what
 * package-lock.json lacks.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { barrels, exportMap } from "../test/architecture/exportMap.ts"
import { folderManifest } from "../test/architecture/folderManifest.ts"
import { packageJson, readSources, root } from "../test/architecture/modules.ts"
import { surfaces } from "../test/architecture/surface.ts"
import { completeLock } from "./lock.ts"
import { command } from "./steps.ts"

const write = (file: string, text: string) => {
  const target = path.join(root, file)
  if (fs.existsSync(target) && fs.readFileSync(target, "utf8") === text) return
  fs.mkdirSync(path.dirname(target), { recursive: true })
  fs.writeFileSync(target, text)
  console.log(`wrote ${file}`)
}

for (const [file, text] of barrels(readSources())) write(`src/${file}`, text)

const sources = readSources()
write("package.json", `${JSON.stringify({ ...packageJson(), exports: exportMap(sources) }, null, 2)}\n`)
write("src/package.json", `${JSON.stringify(folderManifest("src", packageJson()), null, 2)}\n`)

const surface = surfaces(sources)
const snapshots = path.join(root, "test/architecture/surface")
for (const [name, text] of surface) write(`test/architecture/surface/${name}`, text)
for (const name of fs.readdirSync(snapshots)) if (!surface.has(name)) fs.rmSync(path.join(snapshots, name))

if (completeLock()) console.log("wrote package-lock.json")

const parity = path.join(root, "test/parity/generate.ts")
if (fs.existsSync(parity)) (await import(parity)).write()

// These are what tests see, so the tests are what writes them, one after the other.
for (
  const [page, tests] of [
    ["docs/explain/cancellation.md", "test/server/cancellation/table.test.ts"],
    ["docs/reference/client-interop.md", "test/interop/client"],
    ["docs/reference/openid-conformance.md", "test/oauth/oidc/openid"]
  ] as const
) {
  const file = path.join(root, page)
  const read = () => fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined
  const before = read()
  const run = await command("vitest", ["run", "--typecheck.enabled=false", "--no-file-parallelism", tests], {
    env: { WRITE_PAGES: "true" }
  })
  if (!run.ok) throw new Error(run.output)
  if (read() !== before) console.log(`wrote ${page}`)
}

const { ok, output } = await command("dprint", [
  "fmt",
  "--allow-no-files",
  "package.json",
  "src/package.json",
  "docs/reference/**/*.md"
])
if (!ok) throw new Error(output)
