/** A way to a server that can fall silent without closing, as a network does. */
import * as Effect from "effect/Effect"
import * as Net from "node:net"

export const proxy = (to: { readonly host: string; readonly port: number }) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly freeze: () => void; readonly close: () => void }>((resume) => {
      const sockets = new Set<Net.Socket>()
      const server = Net.createServer((near) => {
        const far = Net.connect(to)
        for (const [from, into] of [[near, far], [far, near]] as const) {
          sockets.add(from)
          from.pipe(into)
          from.on("error", () => into.destroy()).on("close", () => {
            sockets.delete(from)
            into.destroy()
          })
        }
      })
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({
          port: (server.address() as Net.AddressInfo).port,
          /** Those that are open; new ones work. */
          freeze: () => {
            for (const socket of sockets) socket.unpipe().pause()
          },
          close: () => {
            server.close()
            for (const socket of sockets) socket.destroy()
          }
        })))
    }),
    ({ close }) => Effect.sync(close)
  )
