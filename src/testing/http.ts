/** HTTP between nodes, as endpoints have it: each request is a connection of its own, of one of those that are up. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as HttpEndpoint from "../transport/HttpEndpoint.ts"
import type * as Receiver from "../transport/Receiver.ts"
import * as StreamableHttpServer from "../transport/StreamableHttpServer.ts"
import * as links from "./links.ts"
import type * as nodes from "./nodes.ts"
import * as Seeded from "./seeded.ts"
import * as system from "./system.ts"
import type * as World from "./world.ts"

/** What a node serves over HTTP. @category services @since 0.1.0 */
export class Endpoint extends Context.Service<Endpoint, HttpEndpoint.Endpoint>()(
  "fastmcp-effect/testing/http/Endpoint"
) {}

type HttpNode = nodes.Node<Endpoint>

/**
 * A server as its endpoint of Streamable HTTP, for a node: sessions, streams and their resumption as over sockets. Give
 * it stores that nodes share where several stand behind one address.
 *
 * @category links
 * @since 0.1.0
 */
export const httpServer = <E, R>(
  server: Layer.Layer<Receiver.Receiver, E, R>,
  options?: StreamableHttpServer.Options
): Layer.Layer<Endpoint, E, R> => Layer.provide(Layer.effect(Endpoint, StreamableHttpServer.make(options)), server)

/**
 * A client of HTTP that reaches nodes of the lab, whatever the URL; of several each request goes to one that is up,
 * drawn from the seed. A request and each piece of its answer are messages of a link, subject to faults.
 *
 * @category links
 * @since 0.1.0
 */
export const httpClient = (
  servers: HttpNode | ReadonlyArray<HttpNode>
): Layer.Layer<HttpClient.HttpClient, never, system.Lab> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(system.Lab, (lab) => {
      const all = "run" in servers ? [servers] : servers
      return HttpClient.make((request, url, signal) =>
        system.here.pipe(
          Effect.flatMap((here) =>
            // Whoever makes a queue has those who wait for it woken by its own scheduler.
            Effect.flatMap(Queue.unbounded<Uint8Array, HttpClientError.HttpClientError | Cause.Done>(), (chunks) =>
              Effect.callback<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>((resume) => {
                exchange(lab, here, all, { request, url, signal, chunks, resume })
              }))
          ),
          Effect.provideService(system.Lab, lab)
        )
      )
    })
  )

interface Asked {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly url: URL
  readonly signal: AbortSignal
  /** What comes of the body. */
  readonly chunks: Queue.Queue<Uint8Array, HttpClientError.HttpClientError | Cause.Done>
  readonly resume: (
    answer: Exit.Exit<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>
  ) => void
}

const Headers = Schema.Record(Schema.String, Schema.String)

/** A request, as text on the link. */
const Question = Schema.Struct({ method: Schema.String, path: Schema.String, headers: Headers, body: Schema.String })

type Question = typeof Question.Type

/** A piece of an answer, as text on the link. */
const Piece = Schema.Union([
  Schema.TaggedStruct("Head", { status: Schema.Int, headers: Headers }),
  Schema.TaggedStruct("Whole", { status: Schema.Int, headers: Headers, body: Schema.String }),
  Schema.TaggedStruct("Chunk", { text: Schema.String }),
  Schema.TaggedStruct("End", {})
])

type Piece = typeof Piece.Type

const readQuestion = Schema.decodeUnknownResult(Schema.fromJsonString(Question))

const readPiece = Schema.decodeUnknownResult(Schema.fromJsonString(Piece))

const exchange = (
  lab: system.Lab["Service"],
  here: World.Owner,
  servers: ReadonlyArray<HttpNode>,
  { chunks, request, resume, signal, url }: Asked
): void => {
  const { world } = lab
  const pair = `${here.name}>${servers.map(({ name }) => name).join(", ")}`
  const count = (lab.connections.get(pair) ?? 0) + 1
  lab.connections.set(pair, count)
  const seeded = Seeded.make(world.seed, `http ${pair}#${count}`)
  const later = (action: () => void) => void world.at(world.now() + links.latency(lab, seeded), action)
  const error = (description: string) =>
    new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, description }) })

  const up = servers.filter((server) => server.life()?.isBuilt === true)
  const server = up[seeded.below(up.length)]
  const life = server?.life()
  if (server === undefined || life === undefined) {
    return later(() => world.post(here, () => resume(Exit.fail(error("nothing listens there")))))
  }

  const there = life.owner
  let isAnswered = false
  let isOver = false
  let disconnect = () => {}

  const finish = () => {
    isOver = true
    life.onCrash.delete(crashed)
    mine?.onCrash.delete(leave)
    signal.removeEventListener("abort", leave)
  }
  /** For the client, nothing comes any more. */
  const lose = (message: string) =>
    world.post(here, () => {
      if (isOver) return
      finish()
      if (isAnswered) Queue.failCauseUnsafe(chunks, Cause.fail(error(message)))
      else resume(Exit.fail(error(message)))
    })
  /** The client has gone. */
  const leave = () => {
    if (isOver) return
    finish()
    later(() => world.post(there, () => disconnect()))
  }
  const crashed = () => later(() => lose("the server has crashed"))
  const cut = () => {
    // What has arrived and not been read is gone, too: nothing may come behind a gap.
    down.stop()
    toServer.stop()
    lose("the connection was cut")
    world.post(there, () => disconnect())
  }

  const hear = (piece: Piece) => {
    if (isOver) return
    if (piece._tag === "Head" || piece._tag === "Whole") {
      isAnswered = true
      resume(Exit.succeed(responseOf(request, piece, chunks)))
    }
    const text = piece._tag === "Whole" ? piece.body : piece._tag === "Chunk" ? piece.text : ""
    if (text !== "") Queue.offerUnsafe(chunks, encoder.encode(text))
    if (piece._tag === "Head" || piece._tag === "Chunk") return
    finish()
    Queue.endUnsafe(chunks)
  }
  const suffix = `#${count}`
  const down = links.makeWay(lab, seeded, {
    from: there,
    to: here,
    suffix,
    // What was corrupted underway breaks the connection.
    deliver: (frame) => Result.match(readPiece(frame), { onSuccess: hear, onFailure: cut }),
    end: () => lose("the connection was cut"),
    cut
  })
  const say = (piece: Piece) => down.send(JSON.stringify(piece))

  const serve = ({ body, headers, method, path }: Question) => {
    const head: HttpEndpoint.Head = {
      method,
      url: path,
      header: (name) => headers[name] ?? (name === "host" ? url.host : undefined)
    }
    const first = Context.get(life.context, Endpoint)
    const endpoint = first.beside?.get(url.pathname) ?? first
    const refused = endpoint.refuse(head)
    if (refused !== undefined) return say({ _tag: "Whole", ...refused })
    disconnect = endpoint.accept(head, endpoint.readsBody(head) ? body : "", {
      respond: (status, headers, body) => say({ _tag: "Whole", status, headers, body }),
      stream: (status, headers) => {
        say({ _tag: "Head", status, headers })
        return {
          write: (text) => say({ _tag: "Chunk", text }),
          end: () => say({ _tag: "End" }),
          congested: () => false,
          drained: Effect.void,
          abort: cut
        }
      }
    })
  }
  const toServer = links.makeWay(lab, seeded, {
    from: here,
    to: there,
    suffix,
    deliver: (frame) => Result.match(readQuestion(frame), { onSuccess: serve, onFailure: cut }),
    end: () => disconnect(),
    cut
  })

  const mine = links.lifeOn(lab, here)
  life.onCrash.add(crashed)
  mine?.onCrash.add(leave)
  signal.addEventListener("abort", leave, { once: true })
  const question: Question = {
    method: request.method,
    path: url.pathname + url.search,
    headers: { ...request.headers },
    body: request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
  }
  toServer.send(JSON.stringify(question))
}

const encoder = new TextEncoder()

/** As a response of the web, but for its body, which comes over the link. */
const responseOf = (
  request: HttpClientRequest.HttpClientRequest,
  { headers, status }: { readonly status: number; readonly headers: HttpEndpoint.Headers },
  chunks: Queue.Dequeue<Uint8Array, HttpClientError.HttpClientError | Cause.Done>
): HttpClientResponse.HttpClientResponse => {
  const stream = Stream.fromQueue(chunks)
  const text = Stream.mkString(Stream.decodeText(stream))
  const members: { readonly [name: PropertyKey]: unknown } = {
    stream,
    text,
    json: Effect.map(text, (text): unknown => text === "" ? null : JSON.parse(text))
  }
  return new Proxy(HttpClientResponse.fromWeb(request, new Response(null, { status, headers })), {
    get: (target, name): unknown => Object.hasOwn(members, name) ? members[name] : Reflect.get(target, name, target)
  })
}
