/** Has two workers on Redis do what it adds; exits with 1 if anything is done twice or not at all, or by one of them alone. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Docket from "fastmcp-effect/docket/Docket"
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as net from "node:net"
import * as path from "node:path"
import { createClient } from "redis"

process.env.DOCKET_PREFIX = `example-${process.pid}`
const { prefix, square, url, wait, Work } = await import("./tasks.ts")

const { hostname, port } = new URL(url)
const socket = net.connect(Number(port || 6379), hostname)
const isThere = await once(socket, "connect").then(() => true, () => false)
socket.destroy()

const worker = Effect.acquireRelease(
  Effect.sync(() =>
    spawn(process.execPath, [...process.execArgv, path.join(import.meta.dirname, "worker.ts")], { stdio: "inherit" })
  ),
  (child) =>
    Effect.promise(async () => {
      child.kill()
      await once(child, "exit")
    })
)

const story = Effect.gen(function*() {
  const docket = yield* Docket.Docket
  yield* worker
  yield* worker
  while ((yield* docket.snapshot).workers.length < 2) yield* Effect.sleep("50 millis")

  const numbers = Array.from({ length: 20 }, (_, n) => n)
  const added = yield* Effect.forEach(numbers, (n) => docket.add(square, n, { key: String(n) }))
  const results = yield* Effect.forEach(added, ({ id }) => docket.result(square, id), { concurrency: "unbounded" })
  assert.deepEqual(results.map(({ square }) => square), numbers.map((n) => n * n))
  for (const { id } of added) assert.equal((yield* docket.get(id))?.attempt, 1)
  const shares = [...new Set(results.map(({ worker }) => worker))].map((pid) =>
    results.filter(({ worker }) => worker === pid).length
  )
  assert.equal(shares.length, 2)
  console.log(`twenty squares, by two workers: ${shares.join(" and ")}`)

  const { id } = yield* docket.add(wait, undefined)
  yield* Stream.runDrain(Stream.takeUntil(docket.observe(id), ({ status }) => status === "Running"))
  yield* docket.cancel(id, "That was long enough")
  const why = yield* Effect.flip(docket.result(wait, id))
  assert.equal(why.reason._tag, "ExecutionCancelled")
  console.log("and one that would have gone on was cancelled, wherever it ran")
})

/** Of this run, and nothing else. */
const clear = Effect.promise(async () => {
  const redis = createClient({ url })
  await redis.connect()
  for await (const keys of redis.scanIterator({ MATCH: `{${prefix}*` })) if (keys.length > 0) await redis.del(keys)
  await redis.close()
})

if (!isThere) console.log(`There is no Redis at ${url}, so there is nothing to see here.`)
else await story.pipe(Effect.scoped, Effect.provide(Work), Effect.ensuring(clear), Effect.runPromise)
