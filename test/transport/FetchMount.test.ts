import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchMount from "fastmcp-effect/transport/FetchMount"
import * as mounts from "./mounts.ts"

const withHandler = (use: (handler: FetchMount.FetchHandler, probe: mounts.Probe) => Promise<void>) => async () => {
  const probe = await Effect.runPromise(mounts.makeProbe)
  const { dispose, handler } = FetchMount.fromLayer(mounts.server(probe), { maxBodyBytes: 1024 })
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
})
