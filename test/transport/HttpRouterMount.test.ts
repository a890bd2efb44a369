import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as HttpRouterMount from "fastmcp-effect/transport/HttpRouterMount"
import * as mounts from "./mounts.ts"

const withHandler =
  (use: (handler: (request: Request) => Promise<Response>, probe: mounts.Probe) => Promise<void>) => async () => {
    const probe = await Effect.runPromise(mounts.makeProbe)
    const { dispose, handler } = HttpRouter.toWebHandler(
      HttpRouterMount.layer({ maxBodyBytes: 1024 }).pipe(
        Layer.provide(mounts.server(probe))
      ),
      { disableLogger: true }
    )
    try {
      await use(handler, probe)
    } finally {
      await dispose()
    }
  }

describe("HttpRouterMount", () => {
  it("answers JSON when the reply is the only message", withHandler(mounts.answersJson))
  it("answers events when something comes before the reply", withHandler(mounts.answersEvents))
  it("refuses what the transport refuses", withHandler(mounts.refuses))
  it("cancels the request when the client closes its stream", withHandler(mounts.cancels))
  it("cancels the request when the client aborts it, before and after its first event", withHandler(mounts.aborts))
  it("refuses a body that is too large, though nobody said so", withHandler(mounts.refusesLargeBodies))
  it("refuses a body that breaks off", withHandler(mounts.refusesBrokenBodies))

  it.effect("refuses a body that never ends, after its time", () =>
    Effect.gen(function*() {
      const probe = yield* mounts.makeProbe
      const app = yield* HttpRouter.toHttpEffect(
        HttpRouterMount.layer({ bodyTimeout: "30 seconds" }).pipe(Layer.provide(mounts.server(probe)))
      )
      const { request, wasCancelled } = mounts.endless()
      const fiber = yield* app.pipe(
        Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromWeb(request)),
        Effect.forkChild
      )
      yield* TestClock.adjust("29 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber)).status, 408)
      yield* Effect.promise(() => wasCancelled)
    }))
})
