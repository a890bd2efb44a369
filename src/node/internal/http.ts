/** Feeds the requests of a bare `node:http` server to endpoints, without anything between. */
import * as Effect from "effect/Effect"
import type * as Http from "node:http"
import type { Socket } from "node:net"
import * as HttpEndpoint from "../../transport/HttpEndpoint.ts"

export interface Limits {
  /** Milliseconds a peer may read nothing of an answer that waits for it. */
  readonly stallTimeout: number
}

export const handle = (
  endpoint: HttpEndpoint.Endpoint,
  request: Http.IncomingMessage,
  response: Http.ServerResponse,
  limits: Limits
): void => {
  const { headers } = request
  const head: HttpEndpoint.Head = {
    method: request.method!,
    url: request.url!,
    header: (name) => {
      const value = headers[name]
      return Array.isArray(value) ? value.join(", ") : value
    }
  }
  const refused = endpoint.refuse(head)
  if (refused !== undefined) return refuse(request, response, refused)
  const accept = (body: string) => {
    const disconnect = endpoint.accept(head, body, responder(response, limits))
    // What is answered by now has nothing to stop.
    if (response.writableEnded) return
    response.once("close", () => {
      if (!response.writableFinished) disconnect()
    })
  }
  if (!endpoint.readsBody(head)) {
    request.resume()
    return accept("")
  }
  readBody(request, endpoint.maxBodyBytes, (body) => {
    if (body === undefined) return refuse(request, response, HttpEndpoint.tooLarge(endpoint.maxBodyBytes))
    accept(body)
  })
}

/** Before its body was read, which nobody will now. */
export const refuse = (
  request: Http.IncomingMessage,
  response: Http.ServerResponse,
  { body, headers, status }: HttpEndpoint.Answer
): void => {
  // The rest of a body nobody will read must not keep the connection.
  request.resume()
  response.writeHead(status, request.method === "POST" ? { ...headers, connection: "close" } : headers).end(body)
}

const readBody = (
  request: Http.IncomingMessage,
  limit: number,
  done: (body: string | undefined) => void
): void => {
  let chunks: Array<Buffer> | undefined = []
  let size = 0
  request.on("data", (chunk: Buffer) => {
    if (chunks === undefined) return
    size += chunk.length
    if (size > limit) {
      chunks = undefined
      return done(undefined)
    }
    chunks.push(chunk)
  })
  request.on("end", () => {
    if (chunks === undefined) return
    done((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString("utf8"))
  })
}

/** What the peer has not taken of a whole response must not wait for it for ever. */
const cutIfUnread = (response: Http.ServerResponse, stallTimeout: number): void => {
  if (response.writableFinished || response.destroyed) return
  const watch = (socket: Socket) => {
    const cut = () => socket.destroy()
    socket.setTimeout(stallTimeout, cut)
    // Before the server's own listener, which says how long the connection may be idle from then on.
    response.prependOnceListener("finish", () => socket.setTimeout(0).off("timeout", cut))
  }
  const { socket } = response
  // A response to a pipelined request gets its socket when those before it have left.
  if (socket === null) response.once("socket", watch)
  else if (socket.writableLength > 0) watch(socket)
}

/** Characters that leave at once. */
const enough = 1 << 14

const responder = (response: Http.ServerResponse, { stallTimeout }: Limits): HttpEndpoint.Responder => ({
  respond: (status, headers, body) => {
    // 204 has no body, and so may not have its length.
    response.writeHead(status, status === 204 ? headers : { ...headers, "content-length": Buffer.byteLength(body) })
      .end(body)
    cutIfUnread(response, stallTimeout)
  },
  stream: (status, headers) => {
    response.writeHead(status, headers)
    // What is said in one turn leaves together, the head with it: each write costs a call of the system.
    let said = ""
    let isScheduled = true
    const flush = () => {
      isScheduled = false
      if (said !== "") response.write(said)
      said = ""
    }
    process.nextTick(() => {
      // The head leaves alone where nothing is said at once.
      if (said === "" && !response.writableEnded) response.flushHeaders()
      flush()
    })
    return {
      write: (text) => {
        said += text
        // So much is no longer worth waiting for, and whoever says it has to learn when the peer is behind.
        if (said.length >= enough) {
          response.write(said)
          said = ""
        }
        if (isScheduled) return
        isScheduled = true
        process.nextTick(flush)
      },
      end: () => {
        response.end(said)
        said = ""
        cutIfUnread(response, stallTimeout)
      },
      abort: () => {
        said = ""
        response.destroy()
      },
      congested: () => response.writableNeedDrain,
      drained: Effect.callback<void>((resume) => {
        if (!response.writableNeedDrain || response.closed) return resume(Effect.void)
        const done = () => {
          response.off("drain", done)
          response.off("close", done)
          resume(Effect.void)
        }
        response.once("drain", done)
        response.once("close", done)
        return Effect.sync(() => {
          response.off("drain", done)
          response.off("close", done)
        })
      })
    }
  }
})
