/**
 * `npm run proof:docket`: what takes too long for every run of the tests. Whoever is killed, frozen or stopped, work is
 * neither lost nor done again before its time, and comes to an end once (`kill`, `mixed`), also when the servers are
 * killed (`servers`); and however much work goes through, memory, tables and keys stay as they are (`soak`). Names as
 * arguments choose among them. `PROOF_SEED` chooses who is hit and when, `PROOF_TASKS` how much there is to do.
 */
import * as kill from "./docket/kill.ts"
import * as soak from "./docket/soak.ts"
import { main } from "./run.ts"

await main({ kill: kill.kill, servers: kill.servers, mixed: kill.mixed, soak: soak.run })
