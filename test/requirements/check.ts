/**
 * `npm run requirements -- FOLDER`: reads the specification in FOLDER (a checkout, or its docs/specification) and prints
 * the binding sentences that no row cites and no reason covers. Exits with 1 if there are any, or if a citation or a
 * reason matches nothing. With `--reasons` it lists what each reason covers too.
 */
import { parseArgs } from "node:util"
import { compare } from "./compare.ts"
import { read } from "./pages.ts"
import { rows } from "./requirements.ts"
import { revisions } from "./row.ts"
import { unclaimed } from "./unclaimed.ts"

const { positionals: [folder], values } = parseArgs({
  allowPositionals: true,
  options: { reasons: { type: "boolean", default: false } }
})
if (folder === undefined) {
  console.error("npm run requirements -- FOLDER: name the folder the specification's pages are in")
  process.exit(1)
}

const sentences = read(folder)
const missing = revisions.filter((revision) => !sentences.some((sentence) => sentence.revision === revision))
if (missing.length > 0) {
  console.error(`${folder} has no pages of ${missing.join(", ")}; it needs docs/specification/<revision>/**/*.mdx`)
  process.exit(1)
}

const { binding, cited, excused, stale, uncited } = compare(sentences, rows, unclaimed)

let heading = ""
for (const { page, revision, section, text } of uncited) {
  const next = `${revision} ${[page, ...section].join(" > ")}`
  if (next !== heading) console.log(`\n${heading = next}`)
  console.log(`  - ${text}`)
}
if (stale.length > 0) console.log(`\nstale:\n${stale.map((line) => `  - ${line}`).join("\n")}`)

if (values.reasons) {
  for (const [why, covered] of excused) {
    console.log(`\n${why}:`)
    for (const { page, revision, text } of covered) console.log(`  - ${revision} ${page}: ${text}`)
  }
}

console.log("\nsentences that bind, cited by a row, uncited")
for (const revision of revisions) {
  const left = uncited.filter((sentence) => sentence.revision === revision).length
  console.log(`  ${revision}  ${binding.get(revision) ?? 0}  ${cited.get(revision) ?? 0}  ${left}`)
}
console.log("\nsentences no row is about, by reason")
for (const [why, covered] of [...excused].toSorted((a, b) => b[1].length - a[1].length)) {
  console.log(`  ${String(covered.length).padStart(4)}  ${why}`)
}
console.log(`\n${rows.length} rows, ${uncited.length} uncited, ${stale.length} stale`)
process.exitCode = uncited.length + stale.length > 0 ? 1 : 0
