/**
 * The requests of a connection whose answers nobody waits for any more: what comes for them is taken out of what the
 * server sends.
 */
import type * as JsonRpc from "../../protocol/JsonRpc.ts"

type Received = JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch

export interface Forgotten {
  readonly add: (id: JsonRpc.RequestId) => void
  /** Whether it was among them; it is no longer. */
  readonly take: (id: JsonRpc.RequestId) => boolean
  /** What is left of it. */
  readonly sift: (received: Received) => Received | undefined
}

export const make = (): Forgotten => {
  const ids = new Set<JsonRpc.RequestId>()

  const isWanted = (message: JsonRpc.Message | JsonRpc.Invalid): boolean =>
    message._tag === "Response" || (message._tag === "Invalid" && message.isResponse)
      ? message.id === null || !ids.delete(message.id)
      : true

  return {
    add: (id) => {
      ids.add(id)
      // A server answers few of those it is told to stop, so most would stay for ever. An answer that comes later than
      // this many others is told, and finds nobody.
      if (ids.size > most) ids.delete(ids.values().next().value!)
    },
    take: (id) => ids.delete(id),
    sift: (received) => {
      if (ids.size === 0) return received
      if (received._tag !== "Batch") return isWanted(received) ? received : undefined
      const messages = received.messages.filter(isWanted)
      return messages.length === 0 ? undefined : { _tag: "Batch", messages }
    }
  }
}

const most = 1024
