import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as SseServer from "fastmcp-effect/transport/SseServer"
import * as wires from "../wires.ts"
import { both, grace, late, type Row, stopped, unwanted } from "./row.ts"

export const sse: Row = {
  title: "HTTP with SSE (2024-11-05)",
  cells: both({
    "cancel": unwanted,
    "disconnect": unwanted,
    "stream closed": "its one stream is the connection, and closing it is a disconnect",
    "session DELETE": "a session is its stream, and ends with it",
    "expiry": "a session is its stream, and lasts as long",
    "EOF": "a client that closes its side of the stream is a disconnect",
    "deadline": late,
    "shutdown": stopped
  }),
  open: (era, context) =>
    Effect.gen(function*() {
      const endpoints = yield* SseServer.make({ grace }).pipe(
        Effect.provide(SecureRandom.layerWebCrypto),
        Effect.provideContext(context)
      )
      const [get, post] = [wires.feed(endpoints.get("/sse")!), wires.feed(endpoints.get("/messages")!)]
      const frames: Array<wires.Frame> = []
      const stream = get("", {}, { method: "GET", url: "/sse", onFrame: (frame) => frames.push(frame) })
      const address = () => wires.eventsOf(stream.body).find(({ event }) => event === "endpoint")?.["data"]
      yield* wires.until(() => address() !== undefined)
      const url = address()!
      const send = (frame: object) => {
        post(frame, {}, { url })
      }
      if (era === "Stateful") {
        send(wires.request(era, 0, "initialize", {
          protocolVersion: "2024-11-05",
          capabilities: {},
          clientInfo: { name: "test", version: "1" }
        }))
        yield* wires.until(() => frames.length === 1)
        send(wires.notification("notifications/initialized"))
        frames.length = 0
      }
      return {
        send,
        frames,
        acts: {
          cancel: Effect.sync(() => send(wires.notification("notifications/cancelled", { requestId: 1 }))),
          disconnect: Effect.sync(() => stream.disconnect())
        }
      }
    })
}
