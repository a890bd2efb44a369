/**
 * What stands around every HTTP endpoint: hosts and origins, limits, who is let in, cross-origin access for those it is
 * given to, and a watch over open responses, so that none lives longer than its peer or grows without bound.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Pending from "../core/Pending.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as Admission from "./Admission.ts"
import * as HostGuard from "./HostGuard.ts"
import * as HttpEndpoint from "./HttpEndpoint.ts"
import * as admittings from "./internal/admitting.ts"
import type * as Receiver from "./Receiver.ts"

/** @category models @since 0.1.0 */
export interface Options extends HostGuard.Options {
  /** Largest request body in bytes; 413 above it, while it is read. 4 MiB. */
  readonly maxBodyBytes?: number
  /** How long a body may take to come; 408 afterwards. 30 seconds. */
  readonly bodyTimeout?: Duration.Input
  /** Most characters of a path with its query; 414 above it. 8192. */
  readonly maxUrlLength?: number
  /** Most requests in flight and open streams together; 503 with `Retry-After` above it. 16,384. */
  readonly maxOpen?: number
  /**
   * How long a response may say nothing before a comment is sent, so that nobody between takes it for dead. A request
   * that is not answered by then is answered with a stream. 15 seconds.
   */
  readonly keepAlive?: Duration.Input
  /** How long a peer may read nothing of what waits for it before its connection is cut. 30 seconds. */
  readonly stallTimeout?: Duration.Input
  /**
   * Lets pages of `allowedOrigins`, and of this machine, read the answers (CORS). False: then browsers keep them from
   * every page of another origin.
   */
  readonly cors?: boolean
}

/** A response that is open. @category models @since 0.1.0 */
export interface Watched {
  readonly tick: (now: number, keepAlive: number, stallTimeout: number) => void
  /** The guard's own: there while it watches. */
  leave?: Pending.Leave | undefined
}

/** @category models @since 0.1.0 */
export interface HttpGuard {
  /** Puts the guards before what answers. */
  readonly protect: (inner: Pick<HttpEndpoint.Endpoint, "refuse" | "accept">) => HttpEndpoint.Endpoint
  readonly watch: (response: Watched) => void
  readonly unwatch: (response: Watched) => void
}

/** Who asks to be let in, and by what. @category models @since 0.1.0 */
export interface Door {
  /** Everybody is let in when left out. */
  readonly admission: Admission.Admission["Service"] | undefined
  readonly transport: Receiver.Connection["transport"]
}

/** Watches in the scope. @category constructors @since 0.1.0 */
export const make = (options: Options = {}, door?: Door): Effect.Effect<HttpGuard, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { maxBodyBytes = 4 << 20, maxOpen = 16_384, maxUrlLength = 8192 } = options
    const keepAlive = millis(options.keepAlive ?? "15 seconds")
    const stallTimeout = millis(options.stallTimeout ?? "30 seconds")
    const bodyTimeout = millis(options.bodyTimeout ?? "30 seconds")
    const clock = yield* Clock.Clock
    const isForbidden = HostGuard.make(options)
    const admitting = yield* admittings.make(door?.admission, door?.transport ?? "http")
    const beside = admittings.beside(door?.admission)
    const open = new Pending.Unkeyed<Watched>()

    yield* Effect.forkScoped(Effect.forever(Effect.andThen(
      Effect.sleep(Math.max(Math.min(keepAlive, stallTimeout) / 3, 1)),
      Effect.sync(() => {
        const now = clock.currentTimeMillisUnsafe()
        for (const response of open.values()) response.tick(now, keepAlive, stallTimeout)
      })
    )))

    const forbid = (head: HttpEndpoint.Head): HttpEndpoint.Answer | undefined => {
      const forbidden = isForbidden(head.header)
      return forbidden === undefined
        ? undefined
        : HttpEndpoint.refusal(403, McpError.invalidRequest(forbidden))
    }

    const refuse = (
      head: HttpEndpoint.Head,
      inner: HttpEndpoint.Endpoint["refuse"]
    ): HttpEndpoint.Answer | undefined => {
      if (head.url.length > maxUrlLength) {
        return HttpEndpoint.refusal(
          414,
          McpError.invalidRequest(`The address is longer than ${maxUrlLength} characters.`)
        )
      }
      if (options.cors === true && head.method === "OPTIONS") return preflight(head)
      if (open.size >= maxOpen) {
        return HttpEndpoint.overloaded(
          `${maxOpen} requests and streams are open, which is as many as this server takes.`
        )
      }
      const refused = inner(head)
      if (refused !== undefined) return refused
      return Number(head.header("content-length") ?? 0) > maxBodyBytes ? HttpEndpoint.tooLarge(maxBodyBytes) : undefined
    }

    const readsBody = (head: HttpEndpoint.Head) => head.method === "POST"

    return {
      watch: (response) => {
        response.leave ??= open.add(response)
      },
      unwatch: (response) => {
        response.leave?.()
        response.leave = undefined
      },
      protect: (endpoint) => {
        const inner = admitting(endpoint)
        return options.cors === true
          ? {
            beside,
            maxBodyBytes,
            bodyTimeout,
            readsBody,
            refuse: (head) => {
              const forbidden = forbid(head)
              if (forbidden !== undefined) return forbidden
              const refused = refuse(head, inner.refuse)
              return refused === undefined ? undefined : { ...refused, headers: crossOrigin(head, refused.headers) }
            },
            accept: (head, body, responder) =>
              inner.accept(head, body, {
                respond: (status, headers, body) => responder.respond(status, crossOrigin(head, headers), body),
                stream: (status, headers) => responder.stream(status, crossOrigin(head, headers))
              })
          }
          : {
            beside,
            maxBodyBytes,
            bodyTimeout,
            readsBody,
            refuse: (head) => forbid(head) ?? refuse(head, inner.refuse),
            accept: inner.accept
          }
      }
    }
  })

const millis = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))

/** An origin that got past the guard may read the answer, and the headers a client has to see. */
const crossOrigin = (head: HttpEndpoint.Head, headers: HttpEndpoint.Headers): HttpEndpoint.Headers => {
  const origin = head.header("origin")
  return origin === undefined ? headers : {
    ...headers,
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "DPoP-Nonce, Mcp-Session-Id, Retry-After, WWW-Authenticate",
    vary: "Origin"
  }
}

const sendable =
  /^(accept|authorization|content-type|dpop|last-event-id|mcp-(method|name|session-id|protocol-version|param-[\w!#$%&'*+.^`|~-]+)|traceparent|tracestate|baggage)$/iu

const preflight = (head: HttpEndpoint.Head): HttpEndpoint.Answer => ({
  status: 204,
  headers: {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": (head.header("access-control-request-headers") ?? "").split(",")
      .map((name) => name.trim())
      .filter((name) => sendable.test(name))
      .join(", "),
    "access-control-max-age": "600"
  },
  body: ""
})
