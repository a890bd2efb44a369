/** A stretch of wire between a client and a server on this machine, which can be cut. */
import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

export interface Proxy {
  /** The server's address, as seen through it. */
  readonly url: URL
  /** Breaks every connection there is, in the middle of whatever it carries. New ones get through. */
  readonly cut: () => void
  readonly close: () => Promise<void>
}

export interface Options {
  /** A server that is not told writes into the void, as when somebody between the two is gone. It is told by default. */
  readonly tellsServer?: boolean
}

export const make = async (target: URL, { tellsServer = true }: Options = {}): Promise<Proxy> => {
  const clients = new Set<Socket>()
  const upstreams = new Set<Socket>()
  const hold = (socket: Socket, sockets: Set<Socket>) => {
    sockets.add(socket)
    // What a broken connection says is of no interest.
    return socket.on("error", () => {}).once("close", () => sockets.delete(socket))
  }
  const server = createServer((client) => {
    const upstream = hold(connect(Number(target.port), target.hostname), upstreams)
    let isCut = false
    hold(client, clients).once("close", () => {
      isCut = true
      if (tellsServer) upstream.destroy()
    })
    client.on("data", (chunk) => upstream.write(chunk))
    upstream.on("data", (chunk) => isCut || client.write(chunk)).once("close", () => client.destroy())
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const url = new URL(target)
  url.port = String((server.address() as AddressInfo).port)
  const cut = () => {
    for (const socket of clients) socket.resetAndDestroy()
  }
  return {
    url,
    cut,
    close: async () => {
      cut()
      for (const socket of upstreams) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
