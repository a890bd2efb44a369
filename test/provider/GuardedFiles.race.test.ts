/** Folders and files that are swapped while they are read: what comes is the folder's own, or nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as NodeGuardedFiles from "fastmcp-effect/node/NodeGuardedFiles"
import * as GuardedFiles from "fastmcp-effect/provider/GuardedFiles"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { Worker } from "node:worker_threads"
import { plant, type Planted } from "./folders.ts"

/** Swaps until the test ends. `swaps` is how often it has. */
const swapping = (pairs: ReadonlyArray<readonly [string, string]>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const stopped = new Int32Array(new SharedArrayBuffer(8))
        const worker = new Worker(new URL("./swapping.ts", import.meta.url), { workerData: { pairs, stopped } })
        await new Promise((resolve) => worker.once("online", resolve))
        return { worker, stopped }
      }),
      ({ stopped, worker }) =>
        Effect.promise(async () => {
          const ended = new Promise((resolve) => worker.once("exit", resolve))
          Atomics.store(stopped, 0, 1)
          await ended
        })
    ),
    ({ stopped }) => ({ swaps: () => Atomics.load(stopped, 1) })
  )

/** What reads came to: how often, by text or by reason. */
const outcomes = Effect.fnUntraced(function*(folder: GuardedFiles.Folder, path: string, count: number) {
  const found = new Map<string, number>()
  yield* Effect.forEach(
    Array.from({ length: count }),
    () =>
      Effect.map(Effect.result(folder.read(path)), (read) => {
        const outcome = Result.isSuccess(read)
          ? new TextDecoder().decode(read.success.bytes)
          : read.failure.reason._tag
        found.set(outcome, (found.get(outcome) ?? 0) + 1)
      }),
    { concurrency: 8, discard: true }
  )
  return found
})

const planted: Effect.Effect<Planted, never, import("effect/Scope").Scope> = Effect.gen(function*() {
  const it = yield* plant({
    "folder/in/deep/a.md": "inside",
    "folder/file.md": "inside",
    "outside/deep/a.md": "outside",
    "outside/deep/only-outside.md": "outside"
  })
  fs.symlinkSync(it.at("outside"), it.at("link"))
  return it
})

const reads = 10_000

describe("a folder on the way that is swapped for a link", () => {
  it.effect("leads nowhere else, in tens of thousands of reads", () =>
    Effect.gen(function*() {
      const { at } = yield* planted
      const folder = yield* GuardedFiles.open(at("folder"))
      const { swaps } = yield* swapping([[at("folder/in"), at("link")]])
      const found = yield* outcomes(folder, "in/deep/a.md", 2 * reads)
      assert.isUndefined(found.get("outside"))
      assert.isAbove(found.get("inside") ?? 0, 0)
      // The link was in its place when it was opened.
      assert.isAbove(found.get("Outside") ?? 0, 0)
      assert.isAbove(swaps(), 100)
      assert.sameMembers([...found.keys()].filter((key) => key !== "NotFound"), ["inside", "Outside"])
    }).pipe(Effect.provide(NodeGuardedFiles.layer)), 60_000)

  it.effect("is listed as itself or not at all", () =>
    Effect.gen(function*() {
      const { at } = yield* planted
      const folder = yield* GuardedFiles.open(at("folder"), { exclude: ["file.md"] })
      yield* swapping([[at("folder/in"), at("link")]])
      const found = new Set<string>()
      for (let round = 0; round < 1000; round++) {
        for (const { path } of (yield* folder.list).files) found.add(path)
      }
      // For a moment the folder itself has another name.
      assert.deepStrictEqual([...found].toSorted(), ["in.aside/deep/a.md", "in/deep/a.md"])
    }).pipe(Effect.provide(NodeGuardedFiles.layer)), 60_000)

  it.effect("leads nowhere outside where links are followed", () =>
    Effect.gen(function*() {
      const { at } = yield* planted
      const folder = yield* GuardedFiles.open(at("folder"), { follow: true })
      yield* swapping([[at("folder/in"), at("link")]])
      const found = yield* outcomes(folder, "in/deep/a.md", reads)
      assert.isUndefined(found.get("outside"))
      assert.isAbove(found.get("inside") ?? 0, 0)
      assert.isAbove(found.get("Outside") ?? 0, 0)
    }).pipe(Effect.provide(NodeGuardedFiles.layer)), 60_000)
})

describe("a file that is swapped", () => {
  it.effect(
    "for a link, a pipe or a device is read as itself or not at all, and nobody waits",
    () =>
      Effect.gen(function*() {
        const { at, write } = yield* planted
        write("folder/pipe.md", "inside")
        write("folder/device.md", "inside")
        write("folder/hidden.md", "inside")
        write("folder/.env", "outside")
        fs.symlinkSync(at("outside/deep/only-outside.md"), at("filelink"))
        execFileSync("mkfifo", [at("fifo")])
        fs.symlinkSync("/dev/zero", at("zero"))
        fs.symlinkSync(".env", at("env"))
        const folder = yield* GuardedFiles.open(at("folder"))
        yield* swapping([
          [at("folder/file.md"), at("filelink")],
          [at("folder/pipe.md"), at("fifo")],
          [at("folder/device.md"), at("zero")],
          [at("folder/hidden.md"), at("env")]
        ])
        for (const name of ["file.md", "pipe.md", "device.md", "hidden.md"]) {
          const found = yield* outcomes(folder, name, 2500)
          assert.isAbove(found.get("inside") ?? 0, 0)
          assert.includeMembers(["inside", "NotFound", "NotRegular", "Outside"], [...found.keys()])
        }
      }).pipe(Effect.provide(NodeGuardedFiles.layer)),
    60_000
  )
})
