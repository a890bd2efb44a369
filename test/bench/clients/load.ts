/**
 * A client under the bench: it connects, and makes calls when it is told to. The usage of each is
 * `stdio SERVER ERA`, where it starts the program SERVER, or `http PORT ERA`.
 */

export const [transport, target, era] = process.argv.slice(2) as [
  transport: "stdio" | "http",
  target: string,
  era: "2025-11-25" | "2026-07-28"
]

export const url = `http://127.0.0.1:${target}/mcp`

/** How the server is started, where the client does that. */
export const server = { command: process.execPath, args: [target, "stdio", "-", era] }

export const info = { name: "bench", version: "1.0.0" }

/** What the bench asks for. */
export interface Order {
  readonly calls: number
  readonly inFlight: number
  readonly isSampled: boolean
}

/** What comes of it: milliseconds in all, and of each call where that was wanted. */
export type Done = { readonly wall: number; readonly samples: ReadonlyArray<number> } | { readonly error: string }

/** Runs so many workers, and each takes calls until there are none left. */
export type Run = (inFlight: number, worker: Worker) => Promise<void>

export interface Worker {
  /** The next sum to ask for; undefined when there is none left. */
  readonly next: () => { readonly a: number; readonly b: number; readonly at: number } | undefined
  /** Takes an answer; throws when it is wrong. */
  readonly take: (
    sum: { readonly a: number; readonly b: number; readonly at: number },
    text: string | undefined
  ) => void
}

let count = 0

/** Serves orders with a client that has connected. */
export const serve = (run: Run): void => {
  process.on("message", async ({ calls, inFlight, isSampled }: Order) => {
    const samples: Array<number> = []
    let left = calls
    const worker: Worker = {
      next: () => {
        if (left === 0) return undefined
        left--
        count++
        return { a: count, b: 2 * count + 1, at: isSampled ? performance.now() : 0 }
      },
      take: ({ a, at, b }, text) => {
        if (text !== String(a + b)) throw new Error(`${a} and ${b} are not ${text}`)
        if (isSampled) samples.push(performance.now() - at)
      }
    }
    const began = performance.now()
    const done: Done = await run(inFlight, worker).then(
      () => ({ wall: performance.now() - began, samples }),
      (error: unknown) => ({ error: String(error) })
    )
    process.send!(done)
  })
  process.send!("ready")
}

/** Of a client whose calls are promises. */
export const promises =
  (call: (a: number, b: number) => Promise<string | undefined>): Run => async (inFlight, worker) => {
    const work = async () => {
      for (let sum = worker.next(); sum !== undefined; sum = worker.next()) {
        worker.take(sum, await call(sum.a, sum.b))
      }
    }
    await Promise.all(Array.from({ length: inFlight }, work))
  }
