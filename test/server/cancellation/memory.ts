import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as wires from "../wires.ts"
import { both, late, type Row, unwanted } from "./row.ts"

export const memory: Row = {
  title: "memory",
  cells: both({
    "cancel": unwanted,
    "disconnect": unwanted,
    "stream closed": "a request has no stream of its own",
    "session DELETE": "a session is the connection, and ends with it",
    "expiry": "a connection lasts as long as its scope, however quiet it is",
    "EOF": "both directions close at once, which is a disconnect",
    "deadline": late,
    "shutdown": "the transport's scope is the client's, and closing it is a disconnect"
  }),
  open: (era, context) =>
    Effect.map(wires.open("memory", era, Layer.succeedContext(context)), ({ cancel, frames, hangUp, send }) => ({
      send,
      frames,
      acts: {
        cancel: Effect.sync(() => cancel(1)),
        disconnect: Effect.asVoid(Effect.forkScoped(hangUp))
      }
    }))
}
