import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as FetchMount from "fastmcp-effect/transport/FetchMount"
import type * as StreamableHttpServer from "fastmcp-effect/transport/StreamableHttpServer"
import * as mounts from "./mounts.ts"

const withHandler = (
  use: (handler: FetchMount.FetchHandler, probe: mounts.Probe) => Promise<void>,
  options: StreamableHttpServer.Options = {}
) =>
async () => {
  const probe = await Effect.runPromise(mounts.makeProbe)
  const { dispose, handler } = FetchMount.fromLayer(mounts.server(probe), { maxBodyBytes: 1024, ...options })
  try {
    await use(handler, probe)
  } finally {
    await dispose()
  }
}

describe("FetchMount", () => {
  it("answers JSON when the reply is the only message", withHandler(mounts.answersJson))
  it("answers events when something comes before the reply", withHandler(mounts.answersEvents))
  it("refuses what the transport refuses", withHandler(mounts.refuses))
  it("cancels the request when the client closes its stream", withHandler(mounts.cancels))
  it("cancels the request when the client aborts it, before and after its first event", withHandler(mounts.aborts))
  it("refuses a body that is too large, though nobody said so", withHandler(mounts.refusesLargeBodies))
  it("refuses a body that breaks off", withHandler(mounts.refusesBrokenBodies))
  it(
    "refuses a body that never ends",
    withHandler(async (handler) => {
      const { request, wasCancelled } = mounts.endless()
      const response = await handler(request)
      assert.strictEqual(response.status, 408)
      await response.text()
      await wasCancelled
    }, { bodyTimeout: "20 millis" })
  )
})

describe("FetchMount.requestScoped", () => {
  /** A handler that builds its server for each request, and how many of these there are at the moment. */
  const scoped = Effect.gen(function*() {
    const probe = yield* mounts.makeProbe
    let built = 0
    let alive = 0
    const counted = Layer.effectDiscard(Effect.acquireRelease(
      Effect.sync(() => {
        built++
        alive++
      }),
      () =>
        Effect.sync(() => {
          alive--
        })
    ))
    const handler = FetchMount.requestScoped(Layer.provideMerge(mounts.server(probe), counted), { maxBodyBytes: 1024 })
    return { handler, probe, count: () => ({ built, alive }) }
  })

  type Use = (made: Effect.Success<typeof scoped>) => Promise<void>

  /** Nothing of a server is left: its layer has been released, and its timers are gone (`test/support/leaks.ts`). */
  const withScoped = (requests: number, use: Use) => async () => {
    const made = await Effect.runPromise(scoped)
    await use(made)
    for (let turn = 0; turn < 200 && made.count().alive > 0; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.deepStrictEqual(made.count(), { built: requests, alive: 0 })
  }

  it("leaves nothing behind an answer in JSON", withScoped(1, ({ handler }) => mounts.answersJson(handler)))
  it("leaves nothing behind a stream that was read", withScoped(1, ({ handler }) => mounts.answersEvents(handler)))
  it("leaves nothing behind what it refuses", withScoped(5, ({ handler }) => mounts.refuses(handler)))
  it(
    "leaves nothing behind a client that closes its stream",
    withScoped(1, ({ handler, probe }) => mounts.cancels(handler, probe))
  )
  it(
    "leaves nothing behind a client that aborts, before and after the first event",
    withScoped(2, ({ handler, probe }) => mounts.aborts(handler, probe))
  )
  it(
    "leaves nothing behind a client that was gone before it began",
    withScoped(1, async ({ handler }) => {
      const response = await handler(mounts.post("never", {}, { signal: AbortSignal.abort() }))
      assert.strictEqual(response.status, 499)
    })
  )
  it(
    "leaves nothing behind a body that breaks off",
    withScoped(1, ({ handler }) => mounts.refusesBrokenBodies(handler))
  )
  it(
    "leaves nothing behind a session it cannot go on with",
    withScoped(3, async ({ handler }) => {
      const opened = await handler(mounts.initialize())
      assert.strictEqual(opened.status, 200)
      const session = opened.headers.get("mcp-session-id")!
      for (const method of ["GET", "DELETE"]) {
        assert.strictEqual((await handler(mounts.inSession(method, session))).status, 404)
      }
    })
  )
  it(
    "answers many at once, each by a server of its own",
    withScoped(20, async ({ handler, probe }) => {
      const controller = new AbortController()
      const never = Array.from({ length: 10 }, () => handler(mounts.post("never", {}, { signal: controller.signal })))
      await Promise.all(Array.from({ length: 10 }, () => mounts.answersJson(handler)))
      await Effect.runPromise(Deferred.await(probe.started))
      controller.abort()
      for (const response of await Promise.all(never)) await response.text().catch(() => {})
    })
  )
})
