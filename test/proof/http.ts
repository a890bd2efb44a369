/**
 * `npm run proof:http`: what takes too long for every run of the tests. Bad clients leave nothing behind (`soak`), and
 * streams of two processes lose nothing, whoever goes away (`streams`). Names as arguments choose among them.
 */
import * as soak from "./soak.ts"
import * as streams from "./streams.ts"

const proofs = { soak: soak.run, streams: streams.run }

const wanted = process.argv.slice(2)
let failed = 0
for (const [name, run] of Object.entries(proofs)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`== ${name}`)
  for (const failure of await run()) {
    failed++
    console.log(`FAIL  ${failure}`)
  }
}
console.log(failed === 0 ? "All held." : `${failed} did not hold.`)
process.exit(failed === 0 ? 0 : 1)
