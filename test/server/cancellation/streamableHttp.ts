import * as Effect from "effect/Effect"
import * as wires from "../wires.ts"
import { type Cells, elapse, type End, goesOn, grace, late, type Row, stopped, unwanted } from "./row.ts"

const noEnd = "a body ends with its request; a client that closes its side of the connection is a disconnect"

const stateful: Cells = {
  "cancel": unwanted,
  "disconnect": goesOn("none"),
  "stream closed": goesOn("the result, when the client resumes the stream"),
  "session DELETE": unwanted,
  "expiry": unwanted,
  "EOF": noEnd,
  "deadline": late,
  "shutdown": stopped
}

const stateless: Cells = {
  "cancel": goesOn("the result"),
  "disconnect": unwanted,
  "stream closed": unwanted,
  "session DELETE": "there are no sessions, and DELETE is answered with 405",
  "expiry": "there are no sessions",
  "EOF": noEnd,
  "deadline": late,
  "shutdown": stopped
}

const idle = "10 seconds"

export const streamableHttp: Row = {
  title: "Streamable HTTP",
  cells: { Stateful: stateful, Stateless: stateless },
  open: (era, context) =>
    Effect.gen(function*() {
      const http = yield* Effect.provideContext(wires.http({ grace, sessionIdle: idle }), context)
      const frames: Array<wires.Frame> = []
      const onFrame = (frame: wires.Frame) => frames.push(frame)
      let headers: { readonly [name: string]: string | undefined } = { "mcp-protocol-version": "2026-07-28" }
      const post = (frame: object) => http.send(frame, headers, { onFrame })
      const cancel = () => {
        post(wires.notification("notifications/cancelled", { requestId: 1 }))
      }
      const posts: Array<wires.Post> = []
      const send = (frame: object) => {
        posts.push(post(frame))
      }
      let isLost = false
      const lose = () => {
        isLost = true
        posts[0]!.disconnect()
      }
      const isOpen = () => !isLost && !posts[0]!.isOver
      if (era === "Stateless") {
        return {
          send,
          frames,
          acts: { "cancel": Effect.sync(cancel), "disconnect": Effect.sync(lose), "stream closed": Effect.sync(lose) },
          isOpen
        } satisfies End
      }

      headers = {}
      const opened = post(wires.request("Stateful", 0, "initialize", {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "test", version: "1" }
      }))
      yield* wires.until(() => opened.isOver)
      headers = { "mcp-session-id": opened.headers["mcp-session-id"] }
      const ready = post(wires.notification("notifications/initialized"))
      yield* wires.until(() => ready.isOver)
      frames.length = 0
      const get = (lastEventId?: string) =>
        http.send("", { ...headers, "accept": "text/event-stream", "last-event-id": lastEventId }, {
          method: "GET",
          onFrame
        })
      const unasked = get()
      const leave = () => {
        lose()
        unasked.disconnect()
      }
      return {
        send,
        frames,
        acts: {
          "cancel": Effect.sync(cancel),
          "disconnect": Effect.sync(leave),
          "stream closed": Effect.sync(lose),
          "session DELETE": Effect.sync(() => {
            http.send("", headers, { method: "DELETE" })
          }),
          "expiry": Effect.andThen(Effect.sync(leave), elapse(10))
        },
        resume: Effect.sync(() => {
          const last = [...posts[0]!.body.matchAll(/^id: (.+)$/gmu)].at(-1)
          if (last !== undefined) get(last[1])
        }),
        isOpen
      }
    })
}
