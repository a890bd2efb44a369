import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type * as HttpEndpoint from "fastmcp-effect/transport/HttpEndpoint"
import * as SseServer from "fastmcp-effect/transport/SseServer"
import * as wires from "../wires.ts"
import { both, grace, late, type Row, stopped, unwanted } from "./row.ts"

const head = (method: string, url: string): HttpEndpoint.Head => ({
  method,
  url,
  header: (name) => ({ "host": "127.0.0.1:8000", "content-type": "application/json" })[name]
})

const answered: HttpEndpoint.Responder = {
  respond: (status) => {
    if (status !== 202) throw new Error(`a message was answered with ${status}`)
  },
  stream: () => {
    throw new Error("a message was answered with a stream")
  }
}

export const sse: Row = {
  title: "HTTP with SSE (2024-11-05)",
  cells: both({
    "cancel": unwanted,
    "disconnect": unwanted,
    "stream closed": "its one stream is the connection, and closing it is a disconnect",
    "session DELETE": "a session is its stream, and ends with it",
    "expiry": "a session is its stream, and lasts as long, however quiet it is",
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
      const frames: Array<wires.Frame> = []
      let address = ""
      const disconnect = endpoints.get("/sse")!.accept(head("GET", "/sse"), "", {
        respond: (status) => {
          throw new Error(`the stream was answered with ${status}`)
        },
        stream: () => ({
          write: (text) => {
            const event = /^event: (\w+)\ndata: (.*)\n\n$/u.exec(text)
            if (event?.[1] === "endpoint") address = event[2]!
            if (event?.[1] === "message") frames.push(JSON.parse(event[2]!) as wires.Frame)
          },
          end: () => {},
          congested: () => false,
          drained: Effect.void,
          abort: () => disconnect()
        })
      })
      const send = (frame: object) => {
        endpoints.get("/messages")!.accept(head("POST", address), JSON.stringify(frame), answered)
      }
      yield* wires.until(() => address !== "")
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
          disconnect: Effect.sync(disconnect)
        }
      }
    })
}
