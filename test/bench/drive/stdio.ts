/** Drives a server over stdio: one message a line, a window of calls in flight, one write for every chunk read. */
import { type Child, type Command, died, start, stop, within } from "./child.ts"
import { type Driver, type Spent, stopwatch } from "./driver.ts"
import { call, checkOpening, type Era, frames, opened, opening, Tally } from "./wire.ts"

/** A server that has answered the opening. */
export interface Connection {
  readonly child: Child
  /** Fails when the server ends. */
  readonly ended: Promise<never>
  /** Who gets what the server writes from now on, and what goes wrong with it. */
  readonly listen: (take: (chunk: Buffer) => void, fail: (error: unknown) => void) => void
  readonly close: () => Promise<void>
}

/** Starts a server and opens a connection. */
export const connect = async (command: Command, era: Era, bare: boolean): Promise<Connection> => {
  const child = start(command)
  const ended = died(child)
  ended.catch(() => {})
  let take: (chunk: Buffer) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const listen: Connection["listen"] = (taker, failer) => {
    take = taker
    fail = failer
  }
  child.stdout.on("data", (chunk: Buffer) => {
    try {
      take(chunk)
    } catch (error) {
      fail(error)
    }
  })

  const handshake = () =>
    new Promise<void>((resolve, reject) => {
      let rest = ""
      listen((chunk) => {
        rest += chunk.toString("latin1")
        if (!rest.endsWith("\n")) return
        checkOpening(era, rest.split("\n", 1)[0]!)
        const next = opened(era)
        if (next !== undefined) child.stdin.write(next + "\n")
        resolve()
      }, reject)
      child.stdin.write(opening(era) + "\n")
    })

  const close = () => stop(child)
  try {
    if (!bare) await within(30_000, "answer to the opening", Promise.race([handshake(), ended]))
  } catch (error) {
    await close()
    throw error
  }
  return { child, ended, listen, close }
}

/** Starts a server, opens a connection, and drives it with sums. */
export const openStdio = async (command: Command, era: Era, bare: boolean): Promise<Driver> => {
  const { child, close, ended, listen } = await connect(command, era, bare)
  let first = 1

  const run: Driver["run"] = (calls, inFlight, samples) => {
    const tally = new Tally(era, first, calls)
    const { some } = frames(first, calls, (id) => call(era, id) + "\n")
    first += calls
    const settled = new Promise<Spent>((resolve, reject) => {
      let sent = 0
      let rest = ""
      let wrote = 0
      const send = (count: number) => {
        const to = Math.min(calls, sent + count)
        if (to === sent) return
        if (samples !== undefined) wrote = performance.now()
        child.stdin.write(some(sent, to))
        sent = to
      }
      const take = (chunk: Buffer) => {
        const now = samples === undefined ? 0 : performance.now()
        const read = chunk.toString("latin1")
        const text = rest === "" ? read : rest + read
        let lines = 0
        for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++
        if (samples !== undefined && lines > 0) samples[tally.answered] = now - wrote
        // The server gets its next calls first: checking the answers is not on its time.
        send(lines)
        let from = 0
        for (let left = lines; left > 0; left--) {
          const to = text.indexOf("\n", from)
          tally.answer(text, from, to)
          from = to + 1
        }
        rest = from === text.length ? "" : text.slice(from)
        if (tally.done) resolve(spent())
      }
      listen(take, reject)
      const spent = stopwatch()
      send(inFlight)
    })
    return within(30_000 + calls * 2, `answers to ${calls} calls`, Promise.race([settled, ended]))
  }

  return { child, run, close }
}

/** Milliseconds from spawn to the checked answer of the first call. */
export const coldStart = async (command: Command, era: Era, bare: boolean): Promise<number> => {
  const began = performance.now()
  const driver = await openStdio(command, era, bare)
  try {
    await driver.run(1, 1)
    return performance.now() - began
  } finally {
    await driver.close()
  }
}
