/** A client as a browser has one: the global `WebSocket`, and what it heard. */
import * as processes from "../server/processes.ts"
import type { Frame, Id } from "../server/wires.ts"

export interface Client {
  readonly protocol: string
  readonly frames: ReadonlyArray<Frame>
  readonly send: (frame: object | string | Uint8Array<ArrayBuffer>) => void
  readonly until: (condition: () => boolean, what: string) => Promise<void>
  readonly answer: (id: Id | null) => Promise<Frame>
  readonly close: (code?: number) => void
  /** How it ended, from either side. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

/** Fails when the handshake does. */
export const connect = async (url: string, protocols: string | Array<string> = "mcp"): Promise<Client> => {
  const socket = new WebSocket(url, protocols)
  const frames: Array<Frame> = []
  const waiting = new Set<() => void>()
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }))
  )
  socket.addEventListener("message", ({ data }) => {
    frames.push(JSON.parse(data as string) as Frame)
    for (const look of [...waiting]) look()
  })
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve())
    socket.addEventListener("error", () => reject(new Error("refused")))
  })
  const until = (condition: () => boolean, what: string) =>
    processes.within(
      10_000,
      () => `${what} among ${JSON.stringify(frames).slice(0, 2000)}`,
      new Promise<void>((resolve) => {
        const look = () => {
          if (!condition()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
    )
  return {
    protocol: socket.protocol,
    frames,
    send: (frame) =>
      socket.send(typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame)),
    until,
    answer: async (id) => {
      const find = () => frames.find((frame) => frame.id === id && frame.method === undefined)
      await until(() => find() !== undefined, `an answer to ${id}`)
      return find()!
    },
    close: (code = 1000) => socket.close(code),
    closed
  }
}
