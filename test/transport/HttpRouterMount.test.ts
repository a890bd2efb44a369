import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
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
})
