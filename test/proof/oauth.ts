/**
 * `npm run proof:oauth`: what takes too long for every run of the tests. What may be used once is used once (`race`), keys
 * follow one another and nobody notices (`keys`), clients that register fill no memory (`registrations`), and no request
 * breaks the server or sends a browser elsewhere (`fuzz`). Names as arguments choose among them.
 */
import * as fuzz from "./fuzz.ts"
import * as keys from "./keys.ts"
import * as race from "./race.ts"
import * as registrations from "./registrations.ts"
import { main } from "./run.ts"

await main({ race: race.run, keys: keys.run, registrations: registrations.run, fuzz: fuzz.run })
