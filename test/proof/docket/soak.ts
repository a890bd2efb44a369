/** 200,000 pieces of work on each engine, in a steady stream: memory stays as it is, and what is over is gone in time. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { bundle } from "../../docket/kill/bundle.ts"
import * as places from "../../docket/kill/places.ts"
import * as processes from "../../docket/kill/processes.ts"
import type { Sample, Settings } from "./soakProcess.ts"

const tasks = Number(process.env["PROOF_TASKS"] ?? 200_000)

/** Three times as long as the queue in memory waits before it lets go of what is over: each third has it do so once. */
const millis = 180_000

/** After which as much is let go of as comes. */
const warmupMillis = 75_000

/** What is left then: the worker's note of itself, and what makes the tables or the indexes. */
const mostLeft = 20

/** A sample may be late by some seconds, of the 60 in which the heap doubles. */
const mostGrowth = 1.15

/** For which rings are kept, a minute, and executions, 5 seconds, and cleaning is late. */
const keptMillis = 80_000

/** Postgres as it is installed: the machine's may never clean its tables. */
const engines: ReadonlyArray<places.Kept | places.Own> = [
  places.memory,
  places.sqlite,
  places.ownPostgres,
  places.redis
]

const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1)

export const run = async (): Promise<ReadonlyArray<string>> => {
  const failures: Array<string> = []
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fastmcp-docket-"))
  const script = path.join(folder, "soak.mjs")
  bundle(path.join(import.meta.dirname, "soakProcess.ts"), script)
  const wanted = process.env["PROOF_ENGINES"]?.split(",")
  try {
    for (const place of engines) {
      if (wanted?.includes(place.kind) === false) continue
      if (place.needs?.answers === false) failures.push(place.needs.otherwise)
      else failures.push(...await soak(place, script))
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
  return failures
}

const soak = async (place: places.Kept | places.Own, script: string): Promise<ReadonlyArray<string>> => {
  const { address, remove } = await place.make({ leaseMillis: 10_000, cleanupMillis: 1000 })
  try {
    const settings: Settings = { address, tasks, millis, warmupMillis, restMillis: 75_000 }
    const start = performance.now()
    const child = processes.start(process.execPath, ["--expose-gc", script, JSON.stringify(settings)])
    const samples: Array<Sample> = []
    let rest = ""
    child.child.stdout!.on("data", (text: string) => {
      const lines = (rest + text).split("\n")
      rest = lines.pop()!
      samples.push(...lines.filter((line) => line.startsWith("{")).map((line): Sample => JSON.parse(line)))
    })
    await child.ended
    if (child.child.exitCode !== 0) return [`${place.kind}: it ended with ${child.child.exitCode}\n${child.words()}`]
    return judge(place.kind, samples, (performance.now() - start) / 1000)
  } finally {
    await remove()
  }
}

const judge = (kind: string, samples: ReadonlyArray<Sample>, seconds: number): ReadonlyArray<string> => {
  const soaked = samples.filter(({ phase }) => phase === "soak")
  const third = Math.floor(soaked.length / 3)
  const [first, last] = [range(soaked.slice(0, third)), range(soaked.slice(-third))]
  const most = Math.max(...soaked.map(({ kept }) => kept))
  const [before, after] = [samples[0]!, samples.at(-1)!]
  console.log(
    `${kind}: ${after.done} in ${seconds.toFixed(0)} s; heap ${megabytes(before.heap)} MB at first, ` +
      `${words(first)} in the first third, ${words(last)} in the last, ${megabytes(after.heap)} MB after a rest; ` +
      `rows or keys ${most} at most, ${after.kept} after a rest`
  )
  const failures: Array<string> = []
  if (last.low > mostGrowth * first.low || last.high > mostGrowth * first.high) {
    failures.push(`${kind}: heap ${words(first)} in the first third, ${words(last)} in the last`)
  }
  if (after.heap > mostGrowth * first.low) {
    failures.push(`${kind}: heap ${megabytes(after.heap)} MB after a rest, and ${words(first)} in the first third`)
  }
  const bound = tasks / millis * keptMillis
  if (most > bound) failures.push(`${kind}: ${most} rows or keys, and ${bound} is what ${keptMillis} ms bring`)
  if (after.kept > mostLeft) failures.push(`${kind}: ${after.kept} rows or keys are left`)
  return failures
}

interface Range {
  readonly low: number
  readonly high: number
}

/** What is let go of by the minute goes up and down: a middle would depend on when one has looked. */
const range = (samples: ReadonlyArray<Sample>): Range => ({
  low: Math.min(...samples.map(({ heap }) => heap)),
  high: Math.max(...samples.map(({ heap }) => heap))
})

const words = ({ high, low }: Range): string => `${megabytes(low)} to ${megabytes(high)} MB`
