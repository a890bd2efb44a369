/**
 * `npm run proof:tasks`: 10,000 tasks of 100 clients on each engine, half of them with a question. All results are exact,
 * and when they have expired, rows and memory are as they were. `PROOF_TASKS` says how many,
 * `PROOF_ENGINES` on which, and `PROOF_TTL` how many milliseconds they are kept: longer than all of them take.
 */
import * as places from "../docket/kill/places.ts"
import * as load from "../tasks/load.ts"
import { main } from "./run.ts"

const clients = 100
const tasks = Math.ceil(Number(process.env["PROOF_TASKS"] ?? 10_000) / clients)
const wanted = process.env["PROOF_ENGINES"]?.split(",")

/** MiB that may be left of it all: code that was compiled, and buffers. */
const mostLeft = 20

const many = async (): Promise<ReadonlyArray<string>> => {
  const failures: Array<string> = []
  for (const place of [places.memory, ...places.shared]) {
    if (wanted?.includes(place.kind) === false) continue
    if (place.needs?.answers === false) {
      failures.push(place.needs.otherwise)
      continue
    }
    const { heap, left, rows, seconds, wrong } = await load.run(place, {
      clients,
      tasks,
      ttlMillis: Number(process.env["PROOF_TTL"] ?? 600_000),
      concurrency: 500,
      rests: true
    })
    console.log(
      `${place.kind}: ${clients * tasks} tasks in ${
        seconds.toFixed(0)
      } s; ${rows} rows when all were done, ${left} left; `
        + `heap ${heap.map((mib) => mib.toFixed(1)).join(", ")} MiB at first, then, and at the end`
    )
    failures.push(...wrong.slice(0, 10).map((what) => `${place.kind}: ${what}`))
    if (rows !== clients * tasks) failures.push(`${place.kind}: ${rows} rows when all were done`)
    if (left > 0) failures.push(`${place.kind}: ${left} rows are left`)
    const [first, , last] = heap
    if (last - first > mostLeft) failures.push(`${place.kind}: ${(last - first).toFixed(1)} MiB are left`)
  }
  return failures
}

await main({ many })
