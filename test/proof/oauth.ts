/**
 * `npm run proof:oauth`: what takes too long for every run of the tests. What may be used once is used once, however
 * many come at the same moment (`race`). Names as arguments choose among them.
 */
import * as race from "./race.ts"
import { main } from "./run.ts"

await main({ race: race.run })
