/** Feeds the requests of a bare `node:http` server to endpoints, without anything between. */
import * as Effect from "effect/Effect"
import type * as Http from "node:http"
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

const responder = (response: Http.ServerResponse, { stallTimeout }: Limits): HttpEndpoint.Responder => ({
  respond: (status, headers, body) => {
    response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body)
    const { socket } = response
    // What the peer has not taken yet must not wait for it for ever.
    if (socket !== null && socket.writableLength > 0) {
      const cut = () => socket.destroy()
      socket.setTimeout(stallTimeout, cut)
      response.once("finish", () => socket.setTimeout(0).off("timeout", cut))
    }
  },
  stream: (status, headers) => {
    response.writeHead(status, headers)
    // The head leaves in one packet with what is said at once, or alone where that is nothing.
    let hasLeft = false
    process.nextTick(() => {
      if (!hasLeft) response.flushHeaders()
    })
    return {
      write: (text) => {
        hasLeft = true
        response.write(text)
      },
      end: () => {
        hasLeft = true
        response.end()
      },
      abort: () => {
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
