/**
 * `npm run proof:client`: what takes too long for every run of the tests. A client leaves no process of its servers
 * behind (`processes`), and a line that does not end takes no memory (`lines`). Names as arguments choose among them.
 */
import * as lines from "./lines.ts"
import * as processes from "./processes.ts"
import { main } from "./run.ts"

await main({ lines: lines.run, processes: processes.run })
