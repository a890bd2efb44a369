/**
 * Drives a server with many sessions at once (2025-11-25): each has a connection of its own, and one call in flight on
 * it from its first call to its last.
 */
import type { Socket } from "node:net"
import type { Command } from "./child.ts"
import { cpuSeconds } from "./child.ts"
import {
  type Driver,
  type Latency,
  latency,
  type Load,
  type Spent,
  stopwatch,
  type Throughput,
  throughput
} from "./driver.ts"
import { type Answer, connection, message, openSession, post, share, startHttp } from "./httpWire.ts"
import { call, frames, legacy, Tally } from "./wire.ts"

/** As many in flight as there are sessions. */
export interface SessionFigures extends Throughput, Latency {
  /** CPU of the server for opening one session, in microseconds. */
  readonly openMicros: number
}

/** As many calls as the load says, or a few more, so that every session makes equally many. */
export const measureSessions = async (
  command: (port: number) => Command,
  bare: boolean,
  load: Load
): Promise<SessionFigures> => {
  const sessions = load.inFlight
  const { child, close, port, wait } = await startHttp(command)
  const headers = Array.from({ length: sessions }, () => "")
  const sockets: Array<Socket> = []
  let take: (session: number, answer: Answer) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  let first = 1

  const run: Driver["run"] = async (calls, _inFlight, samples) => {
    const tally = new Tally(legacy, first, calls)
    // Session n makes the calls n, n + sessions, n + 2 * sessions and so on of this run.
    const { some } = frames(first, calls, (id) => post(port, headers[(id - first) % sessions]!, call(legacy, id)))
    const settled = new Promise<Spent>((resolve, reject) => {
      const next = new Uint32Array(sessions).map((_, session) => session)
      const wrote = new Float64Array(sessions)
      const send = (session: number) => {
        const n = next[session]!
        if (n >= calls) return
        next[session] = n + sessions
        wrote[session] = performance.now()
        sockets[session]!.write(some(n, n + 1))
      }
      fail = reject
      take = (session, answer) => {
        if (samples !== undefined) samples[tally.answered] = performance.now() - wrote[session]!
        send(session)
        const text = message(answer)
        tally.answer(text, 0, text.length)
        if (tally.done) resolve(spent())
      }
      const spent = stopwatch()
      for (let session = 0; session < sessions; session++) send(session)
    })
    first += calls
    return wait(30_000 + calls * 5, `answers to ${calls} calls`, settled).finally(() => fail = () => {})
  }

  const each = (calls: number) => Math.ceil(calls / sessions) * sessions
  try {
    const before = cpuSeconds(child)
    if (!bare) {
      const opened = share(port, 64, sessions, async (client, n) => {
        headers[n] = await openSession(client, port, legacy)
      })
      await wait(30_000 + sessions * 50, `${sessions} sessions`, opened)
    }
    const openMicros = (cpuSeconds(child) - before) / sessions * 1e6
    for (let n = 0; n < sessions; n++) {
      sockets.push(await connection(port, (answer) => take(n, answer), (error) => fail(error)))
    }
    const samples = new Float64Array(each(load.calls))
    const figures = await throughput(
      { child, run },
      { calls: samples.length, warmup: each(load.warmup), inFlight: sessions },
      samples
    )
    return { ...figures, ...latency(samples), openMicros }
  } finally {
    fail = () => {}
    for (const socket of sockets) socket.destroy()
    await close()
  }
}
