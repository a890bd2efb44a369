/**
 * Drives a server whose clients listen: each has a stream open, by GET in a session of its own (2025-11-25) or as one
 * long request (2026-07-28), and has subscribed to the resources of `push/data.ts`. One more client publishes: all of
 * them change, and every stream must tell of each, once and in their order, before it publishes again.
 */
import type { Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { uris } from "../push/data.ts"
import type { Command } from "./child.ts"
import { type Driver, stopwatch, type Throughput, throughput } from "./driver.ts"
import {
  dial,
  EventStream,
  get,
  handshake,
  message,
  modernHeaders,
  openClient,
  openSession,
  post,
  share,
  startHttp
} from "./httpWire.ts"
import { checkResult, type Era, legacy, listen, publish, subscribe, wrong } from "./wire.ts"

export interface StreamLoad {
  readonly streams: number
  /** Events each of them gets. */
  readonly events: number
}

/** A call is an event on one stream. */
export interface StreamFigures extends Throughput {
  readonly seconds: number
}

const acknowledged = `"notifications/subscriptions/acknowledged"`

export const measureStreams = async (
  command: (port: number) => Command,
  era: Era,
  bare: boolean,
  { events, streams }: StreamLoad
): Promise<StreamFigures> => {
  const { child, close, port, wait } = await startHttp(command)
  const sockets: Array<Socket> = []
  let fail: (error: unknown) => void = () => {}

  /** The headers of each stream, whose session has subscribed. */
  const sessions = async (): Promise<ReadonlyArray<string>> => {
    const headers = Array.from({ length: streams }, () => "")
    if (bare || era !== legacy) return headers
    const opened = share(port, 64, streams, async (client, n) => {
      headers[n] = await openSession(client, port, era)
      for (const [id, uri] of uris.entries()) {
        checkResult(message(await client.ask(post(port, headers[n], subscribe(id + 1, uri)))))
      }
    })
    await wait(30_000 + streams * 200, `${streams} sessions that subscribed`, opened)
    return headers
  }

  /** Waits until the stream is open, and the subscription acknowledged where there is such a thing. */
  const open = (request: string, onUpdated: (text: string) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      let isReady = false
      const ready = () => {
        isReady = true
        resolve()
      }
      const isAcknowledged = !bare && era !== legacy
      const stream = new EventStream(
        () => isAcknowledged ? undefined : ready(),
        (text) => {
          if (isReady) onUpdated(text)
          else if (text.includes(acknowledged)) ready()
          else throw wrong("not the acknowledgement", text)
        }
      )
      dial(port, (text) => stream.take(text), (error) => (isReady ? fail : reject)(error)).then((socket) => {
        sockets.push(socket)
        socket.write(request)
      }, reject)
    })

  try {
    /** Events each stream has had. */
    const had = new Uint32Array(streams)
    const known = new Map<string, string>()
    let told = 0
    let onTold: () => void = () => {}
    const take = (stream: number, text: string) => {
      const uri = known.get(text) ?? uriOf(text)
      if (known.size < 100) known.set(text, uri)
      const expected = uris[had[stream]! % uris.length]
      if (uri !== expected) throw wrong(`not the change of ${expected}`, text)
      had[stream]!++
      told++
      onTold()
    }

    const headers = await sessions()
    for (const [n, own] of headers.entries()) {
      const request = era === legacy
        ? get(port, own)
        : post(port, modernHeaders("subscriptions/listen"), listen(n + 1, uris))
      await wait(30_000, "an open stream", open(request, (text) => take(n, text)))
    }

    const publisher = bare ? "" : await handshake(port, era, "publish")
    const client = await openClient(port)
    let calls = 0

    /** All streams have told of all resources, and the publisher has been answered. */
    const publishOnce = async (): Promise<void> => {
      const expected = told + streams * uris.length
      const delivered = new Promise<void>((resolve, reject) => {
        fail = reject
        onTold = () => {
          if (told > expected) throw new Error("more events than changes")
          if (told === expected) resolve()
        }
      })
      const answered = client.ask(post(port, publisher, publish(era, ++calls)))
      const [answer] = await Promise.all([answered, delivered])
      checkResult(message(answer))
    }

    const run: Driver["run"] = async (count) => {
      const spent = stopwatch()
      for (const until = told + count; told < until;) {
        await wait(30_000 + streams * 50, `${streams * uris.length} events`, publishOnce())
      }
      return spent()
    }

    const burst = streams * uris.length
    const count = Math.ceil(events / uris.length) * burst
    const figures = await throughput({ child, run }, { calls: count, warmup: 2 * burst, inFlight: burst })
    // Nothing may come twice, however late.
    await sleep(100)
    if (told !== count + 2 * burst) throw new Error(`${told} events in the place of ${count + 2 * burst}`)
    return { ...figures, seconds: count / figures.callsPerSecond }
  } finally {
    fail = () => {}
    for (const socket of sockets) socket.destroy()
    await close()
  }
}

const uriOf = (text: string): string => {
  const { method, params } = JSON.parse(text)
  if (method !== "notifications/resources/updated") throw wrong("not a change", text)
  return params.uri
}
