/** `node test/lab/run.ts SEEDS [MODEL...]`: runs models, all of them unless names choose, from so many seeds each. */
import * as Effect from "effect/Effect"
import * as Lab from "fastmcp-effect/testing/Lab"
import { explore } from "./model.ts"
import { models } from "./models.ts"

/** Says a line for each model, and then the stories of those that failed; exits with 1 if there are any. */
export const run = async ([seeds = "500", ...names]: ReadonlyArray<string>): Promise<never> => {
  const stories: Array<string> = []
  for (const model of models) {
    if (names.length > 0 && !names.includes(model.name)) continue
    const begun = performance.now()
    const { failure, runs } = await Effect.runPromise(explore(model, Number(seeds)))
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    console.log(`${model.name}: ${runs} seeds, ${failure === undefined ? 0 : 1} failures, ${seconds} s`)
    if (failure !== undefined) stories.push(`${model.name}: ${Lab.toError(failure).message}`)
  }
  for (const story of stories) console.log(`\n${story}`)
  process.exit(stories.length === 0 ? 0 : 1)
}

if (import.meta.main) await run(process.argv.slice(2))
