/** Drives a server over HTTP/1.1: keep-alive connections, one call in flight on each. */
import type { Socket } from "node:net"
import type { Command } from "./child.ts"
import { type Driver, type Spent, stopwatch } from "./driver.ts"
import { type Answer, connection, handshake, message, messages, post, startHttp } from "./httpWire.ts"
import { call, checkProgress, type Era, frames, Tally } from "./wire.ts"

/** What comes of a call: its reply alone, as JSON or as the one event of a stream, or progress before it. */
export type Reply = "reply" | "progress"

/** Starts a server on a free port and opens a session; `own` are headers of every request. */
export const openHttp = async (
  command: (port: number) => Command,
  era: Era,
  bare: boolean,
  comes: Reply = "reply",
  own = ""
): Promise<Driver> => {
  const { child, close, port, wait } = await startHttp(command)
  let first = 1
  let headers = ""

  const replyOf = (answer: Answer): string => {
    if (comes === "reply") return message(answer)
    const [progress, reply, ...more] = messages(answer)
    if (reply === undefined || more.length > 0) throw new Error(`not two messages: ${answer.body.slice(0, 600)}`)
    checkProgress(progress!, reply)
    return reply
  }

  const run: Driver["run"] = async (calls, inFlight, samples) => {
    const tally = new Tally(era, first, calls)
    const { some } = frames(first, calls, (id) => post(port, headers, call(era, id, comes === "progress")))
    first += calls
    const sockets: Array<Socket> = []
    let fail: (error: unknown) => void = () => {}
    let take: (socket: number, answer: Answer) => void = () => {}
    try {
      for (let n = 0; n < inFlight; n++) {
        sockets.push(await connection(port, (answer) => take(n, answer), (error) => fail(error)))
      }
      const settled = new Promise<Spent>((resolve, reject) => {
        let sent = 0
        const wrote = new Float64Array(inFlight)
        const send = (socket: number) => {
          if (sent === calls) return
          if (samples !== undefined) wrote[socket] = performance.now()
          sockets[socket]!.write(some(sent, sent + 1))
          sent++
        }
        fail = reject
        take = (socket, answer) => {
          if (samples !== undefined) samples[tally.answered] = performance.now() - wrote[socket]!
          send(socket)
          const text = replyOf(answer)
          tally.answer(text, 0, text.length)
          if (tally.done) resolve(spent())
        }
        const spent = stopwatch()
        for (let n = 0; n < inFlight; n++) send(n)
      })
      return await wait(30_000 + calls * 2, `answers to ${calls} calls`, settled)
    } finally {
      fail = () => {}
      for (const socket of sockets) socket.destroy()
    }
  }

  try {
    if (!bare) headers = await wait(30_000, "answer to the opening", handshake(port, era, "add", own))
  } catch (error) {
    await close()
    throw error
  }
  return { child, run, close }
}
