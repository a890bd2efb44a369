/**
 * What sessions cost that do nothing (2025-11-25): the memory of a server before it has them, while it has them and
 * nobody is connected, and after they have ended, each time without its garbage. Needs `probe.ts` in the server.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { type Child, type Command, cpuSeconds, peakMegabytes } from "./child.ts"
import { openClient, openSession, post, request, share, startHttp } from "./httpWire.ts"
import { call, checkResult, legacy } from "./wire.ts"

export interface IdleFigures {
  /** Bytes a session takes. */
  readonly bytes: number
  /** Bytes of it that are left once all have ended. */
  readonly left: number
  readonly beforeMegabytes: number
  readonly withMegabytes: number
  readonly afterMegabytes: number
  readonly peakMegabytes: number
  /** CPU of the server for opening one session, in microseconds. */
  readonly openMicros: number
}

/** Bytes in use, garbage left out. */
const inUse = (child: Child): Promise<number> =>
  new Promise((resolve) => {
    child.once("message", (bytes) => resolve(bytes as number))
    child.send!("measure")
  })

/**
 * Sessions end by themselves after `idle` milliseconds; their client ends them where that is undefined. They must live
 * until the middle measurement is taken, and be gone before the last: both are checked.
 */
export const measureIdle = async (
  command: (port: number) => Command,
  sessions: number,
  idle: number | undefined
): Promise<IdleFigures> => {
  const { child, close, port, wait } = await startHttp(command, { hasChannel: true })
  let id = 0
  const measured = () => wait(60_000, "figures of the memory", inUse(child))

  const open = async (count: number): Promise<ReadonlyArray<string>> => {
    const headers = Array.from({ length: count }, () => "")
    const opened = share(port, 64, count, async (client, n) => {
      headers[n] = await openSession(client, port, legacy)
    })
    await wait(30_000 + count * 50, `${count} sessions`, opened)
    return headers
  }

  const end = (headers: ReadonlyArray<string>): Promise<void> =>
    wait(
      30_000 + headers.length * 50,
      `the end of ${headers.length} sessions`,
      share(port, 64, headers.length, async (client, n) => {
        const { body, status } = await client.ask(request("DELETE", port, headers[n]!))
        if (status !== 200 && status !== 204) throw new Error(`HTTP status ${status} for DELETE: ${body}`)
      })
    )

  const lives = async (headers: string): Promise<boolean> => {
    const client = await openClient(port)
    try {
      const { body, status } = await wait(30_000, "an answer", client.ask(post(port, headers, call(legacy, ++id))))
      if (status === 404) return false
      checkResult(body)
      return true
    } finally {
      client.close()
    }
  }

  try {
    // What is made once is made before the first measurement: code, caches, what the first sessions leave behind.
    for (const headers of [await open(200), await open(200)]) {
      if (!await lives(headers[0]!)) throw new Error("a session ended by itself")
      await end(headers)
    }
    const before = await measured()
    const cpuBefore = cpuSeconds(child)
    const headers = await open(sessions)
    const openMicros = (cpuSeconds(child) - cpuBefore) / sessions * 1e6
    const during = await measured()
    if (!await lives(headers[0]!)) throw new Error("sessions ended before they were measured")
    if (idle === undefined) await end(headers)
    else await sleep(idle * 1.3 + 2_000)
    for (const session of [headers[0]!, headers.at(-1)!]) {
      if (await lives(session)) throw new Error("a session has not ended")
    }
    const after = await measured()
    return {
      bytes: (during - before) / sessions,
      left: (after - before) / sessions,
      beforeMegabytes: before / 2 ** 20,
      withMegabytes: during / 2 ** 20,
      afterMegabytes: after / 2 ** 20,
      peakMegabytes: peakMegabytes(child),
      openMicros
    }
  } finally {
    await close()
  }
}
