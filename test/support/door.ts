/** A way to the server of a URL that can be shut, whoever is in it, and opened again at the same place. */
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import { Transform } from "node:stream"

export const door = (
  to: string,
  /** What the server says, as it is heard. */
  heard: (text: string) => string = (text) => text
) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const there = new URL(to)
      const sockets = new Set<Net.Socket>()
      const server = Net.createServer((near) => {
        const far = Net.connect({ host: there.hostname, port: Number(there.port) })
        const ears = new Transform({
          transform: (chunk, _, done) => done(null, Buffer.from(heard(chunk.toString("latin1")), "latin1"))
        })
        near.pipe(far)
        far.pipe(ears).pipe(near)
        for (const [from, into] of [[near, far], [far, near]] as const) {
          sockets.add(from)
          from.on("error", () => into.destroy()).on("close", () => {
            sockets.delete(from)
            into.destroy()
          })
        }
      })
      const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
      await listen(0)
      const { port } = server.address() as Net.AddressInfo
      const here = new URL(to)
      here.hostname = "127.0.0.1"
      here.port = String(port)
      return {
        /** Through it. */
        url: here.href,
        open: Effect.promise(() => listen(port)),
        shut: Effect.promise(() =>
          new Promise<void>((resolve) => {
            server.close(() => resolve())
            for (const socket of sockets) socket.destroy()
          })
        ),
        /** Those who are in it hear nothing any more. */
        freeze: Effect.sync(() => {
          for (const socket of sockets) socket.unpipe().pause()
        }),
        close: () => {
          server.close()
          for (const socket of sockets) socket.destroy()
        }
      }
    }),
    ({ close }) => Effect.sync(close)
  )
