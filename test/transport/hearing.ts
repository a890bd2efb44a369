/** A listener that keeps what it is told. */
import * as Effect from "effect/Effect"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import type * as TransportError from "fastmcp-effect/transport/TransportError"

export interface Hearing {
  readonly listener: ClientTransport.Listener
  /** As they came: messages of any kind. */
  readonly messages: Array<any>
  readonly failures: Array<{ readonly id: unknown; readonly error: TransportError.TransportError }>
  readonly ends: Array<TransportError.TransportError>
  /** All of it, counted. */
  readonly told: () => number
}

export const make = (onReceive: (message: any) => void = () => {}): Hearing => {
  const messages: Array<any> = []
  const failures: Hearing["failures"] = []
  const ends: Array<TransportError.TransportError> = []
  return {
    messages,
    failures,
    ends,
    told: () => messages.length + failures.length + ends.length,
    listener: {
      receive: (message) => {
        messages.push(message)
        onReceive(message)
      },
      failed: (id, error) => void failures.push({ id, error }),
      closed: (error) => void ends.push(error)
    }
  }
}

/** Waits for what another process does; says what did not come. */
export const until = (condition: () => boolean, what: () => unknown, turns = 2000): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (condition()) return Effect.void
    if (turns === 0) return Effect.die(new Error(`did not come: ${String(what())}`))
    return Effect.andThen(Effect.sleep("5 millis"), until(condition, what, turns - 1))
  })

const frame = (message: object) => JSON.stringify({ jsonrpc: "2.0", ...message })

export const request = (id: string | number, method: string, params?: object): ClientTransport.Outgoing => ({
  frame: frame({ id, method, params }),
  id,
  method,
  version: "2025-11-25"
})

export const notification = (method: string, params?: object): ClientTransport.Outgoing => ({
  frame: frame({ method, params }),
  method,
  version: "2025-11-25"
})
