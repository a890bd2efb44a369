/**
 * `npm run proof:http`: what takes too long for every run of the tests. Bad clients leave nothing behind (`soak`), and
 * streams of two processes lose nothing, whoever goes away (`streams`). Names as arguments choose among them.
 */
import { main } from "./run.ts"
import * as soak from "./soak.ts"
import * as streams from "./streams.ts"

await main({ soak: soak.run, streams: streams.run })
