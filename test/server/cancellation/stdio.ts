import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as wires from "../wires.ts"
import { begin, both, grace, late, type Row, stopped, unwanted } from "./row.ts"

export const stdio: Row = {
  title: "stdio",
  cells: both({
    "cancel": unwanted,
    "disconnect": unwanted,
    "stream closed": "a request has no stream of its own",
    "session DELETE": "a session is the process, and ends with it",
    "expiry": "a session is the process, and lasts as long, however quiet it is",
    "EOF": stopped,
    "deadline": late,
    "shutdown": stopped
  }),
  open: (era, context) =>
    Effect.gen(function*() {
      let isBroken = false
      // Whatever a write ends with, the writer ends with it.
      const gate = Effect.suspend(() => isBroken ? Effect.die(new Error("EPIPE")) : Effect.void)
      const wire = yield* wires.open("stdio", era, Layer.succeedContext(context), { grace, gate })
      return {
        send: wire.send,
        frames: wire.frames,
        acts: {
          cancel: Effect.sync(() => wire.cancel(1)),
          // That nobody reads stdout is found out by writing to it.
          disconnect: Effect.sync(() => {
            isBroken = true
            wire.send(wires.request(era, "probe", "ping"))
          }),
          EOF: begin(wire.hangUp)
        }
      }
    })
}
