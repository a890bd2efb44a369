/** Runs proofs by their names, all of them unless arguments choose, and exits with 1 if one does not hold. */
export const main = async (
  proofs: { readonly [name: string]: () => Promise<ReadonlyArray<string>> }
): Promise<never> => {
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
}
