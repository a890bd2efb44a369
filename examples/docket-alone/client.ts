/** Adds work and starts a worker for it, kills the worker in the middle, and starts another; exits with 1 if anything is lost. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Docket from "fastmcp-effect/docket/Docket"
import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "docket-"))
process.env.DOCKET = path.join(directory, "docket.db")
const { notify, report, Work } = await import("./tasks.ts")

const start = Effect.sync(() =>
  spawn(process.execPath, [...process.execArgv, path.join(import.meta.dirname, "worker.ts")], { stdio: "inherit" })
)

const stop = (child: ChildProcess, signal: NodeJS.Signals) =>
  Effect.promise(async () => {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined
    child.kill(signal)
    await ended
  })

const worker = Effect.acquireRelease(start, (child) => stop(child, "SIGTERM"))

/** Waits until the execution shows this. */
const until = (id: string, test: (progress: number) => boolean) =>
  Effect.flatMap(Docket.Docket, (docket) =>
    docket.observe(id).pipe(
      Stream.takeUntil(({ progress }) => test(progress?.current ?? 0)),
      Stream.runDrain
    ))

const story = Effect.gen(function*() {
  const docket = yield* Docket.Docket

  // Without a worker, work waits; the same key again is the same work.
  const monthly = yield* docket.add(report, { month: "2026-11", pages: 12 }, { key: "2026-11" })
  assert.equal((yield* docket.add(report, { month: "2026-11", pages: 12 }, { key: "2026-11" })).outcome, "Exists")
  assert.equal((yield* docket.get(monthly.id))?.status, "Scheduled")

  const first = yield* start
  const told = yield* docket.add(notify, { to: "Ada", dueInvoices: 2 })
  assert.equal(yield* docket.result(notify, told.id), "Told Ada of 2 invoices, the 3rd time")
  console.log("tried again until it worked")

  yield* until(monthly.id, (page) => page >= 3)
  yield* stop(first, "SIGKILL")
  assert.equal((yield* docket.get(monthly.id))?.status, "Running")
  console.log("a worker was killed in the middle of a report")

  yield* worker
  const { pages, workers } = yield* docket.result(report, monthly.id)
  assert.equal(pages, 12)
  assert.ok(workers >= 2)
  console.log("another one has done it")

  const endless = yield* docket.add(report, { month: "1900-01", pages: 100_000 })
  yield* until(endless.id, (page) => page >= 1)
  assert.equal(yield* docket.cancel(endless.id, "Nobody reads it"), true)
  const why = yield* Effect.flip(docket.result(report, endless.id))
  assert.equal(why._tag === "DocketError" && why.reason._tag, "ExecutionCancelled")
  console.log("a report nobody reads was cancelled")
})

await story.pipe(
  Effect.scoped,
  Effect.provide(Work),
  Effect.ensuring(Effect.sync(() => fs.rmSync(directory, { recursive: true }))),
  Effect.runPromise
)
