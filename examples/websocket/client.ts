/** Boils eggs over the `WebSocket` of Node and browsers, in both eras; exits with 1 if anything is not so. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeWebSocket from "fastmcp-effect/node/NodeWebSocket"
import assert from "node:assert/strict"
import { running, Timer } from "./server.ts"

interface Params {
  readonly [key: string]: unknown
  readonly _meta?: object
}

interface Frame {
  readonly id?: number
  readonly method?: string
  readonly result?: any
  readonly params?: any
}

const open = async (url: string, revision: string) => {
  const socket = new WebSocket(url, "mcp")
  const frames: Array<Frame> = []
  socket.onmessage = ({ data }) => frames.push(JSON.parse(data as string) as Frame)
  await new Promise((resolve) => socket.onopen = resolve)
  assert.equal(socket.protocol, "mcp")
  const isStateless = revision === "2026-07-28"
  const envelope = isStateless
    ? { "io.modelcontextprotocol/protocolVersion": revision, "io.modelcontextprotocol/clientCapabilities": {} }
    : {}
  const send = (method: string, { _meta, ...params }: Params, id?: number) =>
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta: { ...envelope, ..._meta } } }))
  const until = async (condition: (frame: Frame) => boolean): Promise<Frame> => {
    for (;;) {
      const frame = frames.find(condition)
      if (frame !== undefined) return frame
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const answer = (id: number) => until((frame) => frame.id === id && frame.method === undefined)
  if (!isStateless) {
    send(
      "initialize",
      { protocolVersion: revision, capabilities: {}, clientInfo: { name: "cook", version: "1" } },
      0
    )
    assert.equal((await answer(0)).result.serverInfo.name, "timer")
    send("notifications/initialized", {})
  }
  return { socket, frames, send, until, answer }
}

for (const revision of ["2025-11-25", "2026-07-28"]) {
  await Effect.gen(function*() {
    const { url } = yield* NodeWebSocket.Address
    yield* Effect.promise(async () => {
      const { answer, frames, send, socket, until } = await open(url, revision)
      const boil = (id: number, egg: string, ticks: number) =>
        send("tools/call", { name: "boil", arguments: { egg, ticks }, _meta: { progressToken: egg } }, id)

      boil(1, "egg", 3)
      assert.deepEqual((await answer(1)).result.content, [{ type: "text", text: "egg is done" }])
      assert.deepEqual(
        frames.filter(({ method }) => method === "notifications/progress").map(({ params }) => params.progress),
        [1, 2, 3]
      )

      // A notification cancels one request, as over stdio.
      boil(2, "hard egg", 1e6)
      await until(({ params }) => params?.progressToken === "hard egg")
      send("notifications/cancelled", { requestId: 2 })
      while (running.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
      assert.equal(frames.find(({ id }) => id === 2), undefined)

      // The end of the connection cancels all of them.
      boil(3, "forgotten egg", 1e6)
      await until(({ params }) => params?.progressToken === "forgotten egg")
      const closed = new Promise<number>((resolve) => socket.onclose = ({ code }) => resolve(code))
      socket.close(1000)
      assert.equal(await closed, 1000)
      while (running.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    })
  }).pipe(
    Effect.provide(NodeWebSocket.layer({ port: 0 }).pipe(Layer.provide(Timer))),
    Effect.runPromise
  )
  console.log(`${revision}: one egg, two thrown away`)
}
