import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as wires from "../wires.ts"
import { both, grace, late, type Row, stopped, unwanted } from "./row.ts"

export const webSocket: Row = {
  title: "WebSocket",
  cells: both({
    "cancel": unwanted,
    "disconnect": unwanted,
    "stream closed": "a request has no stream of its own",
    "session DELETE": "a session is the connection, and ends with it",
    "expiry": "a session is the connection, and lasts as long",
    "EOF": "a WebSocket closes both directions at once, which is a disconnect",
    "deadline": late,
    "shutdown": stopped
  }),
  open: (era, context) =>
    Effect.map(
      wires.open("websocket", era, Layer.succeedContext(context), { grace }),
      ({ cancel, frames, hangUp, send }) => ({
        send,
        frames,
        acts: {
          cancel: Effect.sync(() => cancel(1)),
          disconnect: Effect.asVoid(Effect.forkScoped(hangUp))
        }
      })
    )
}
