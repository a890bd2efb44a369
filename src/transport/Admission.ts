/**
 * Who is let in. A server that has an `Admission` among its services is asked nothing by anybody its `Admission` has not
 * let in, whatever carries the message: over HTTP each request, over WebSocket the upgrade, over stdio the start. The
 * transports ask; `auth/AuthProvider` makes one that answers.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as HttpEndpoint from "./HttpEndpoint.ts"
import type * as Receiver from "./Receiver.ts"

/** What is known of who knocks, before anything it says is read. @category models @since 0.1.0 */
export interface Request {
  readonly transport: Receiver.Connection["transport"]
  /** The value of a header, by its name in lower case; there are none on stdio. */
  readonly header: (name: string) => string | undefined
  /** Of HTTP; undefined where there is none. */
  readonly method?: string | undefined
  /** `Sha256` of the transport's host. */
  readonly sha256?: Sha256 | undefined
}

/** The SHA-256 of a text in UTF-8, in hexadecimal. @category models @since 0.1.0 */
export type Sha256 = (text: string) => string

/**
 * Makes a digest at once, where the host can. Web Crypto takes a turn of the event loop for each, and then so does every
 * request with a token; `NodeHttp` has it from Node.
 *
 * @category services
 * @since 0.1.0
 */
export const CurrentSha256: Context.Reference<Sha256 | undefined> = Context.Reference<Sha256 | undefined>(
  "fastmcp-effect/transport/Admission/CurrentSha256",
  { defaultValue: () => undefined }
)

/** @category models @since 0.1.0 */
export interface Admitted {
  readonly _tag: "Admitted"
  /** Request-level services for the handlers behind it: the identity, first of all. */
  readonly context: Context.Context<never>
  /** Who calls, as text that no other caller has; what is kept for a caller is kept under it. */
  readonly principal: string | undefined
  /** When what it was let in with ends, in Unix milliseconds; an open connection ends with it. */
  readonly expiresAt: number
}

/** @category models @since 0.1.0 */
export interface Refused {
  readonly _tag: "Refused"
  readonly status: number
  readonly headers: HttpEndpoint.Headers
  readonly error: McpError.McpError
}

/** @category models @since 0.1.0 */
export type Verdict = Admitted | Refused

/** @category services @since 0.1.0 */
export class Admission extends Context.Service<Admission, {
  /**
   * One that has ended already, an `Exit`, costs a request no fiber.
   */
  readonly admit: (request: Request) => Effect.Effect<Verdict>
  /** The headers of an answer that refuses a caller for its scopes, or for having said nothing of itself. */
  readonly challenge: (refused: McpError.McpError) => HttpEndpoint.Headers
  /**
   * Which scopes a caller with these lacks to be let in at all; for a server whose callers another one has let in, as a
   * mounted one. None when left out.
   */
  readonly lacks?: (scopes: ReadonlyArray<string>) => ReadonlyArray<string>
  /** What anybody may read over HTTP, by path. */
  readonly documents: ReadonlyMap<string, JsonRpc.JsonObject>
}>()("fastmcp-effect/transport/Admission") {}

/**
 * What a transport has to ask: the `Admission` in its own context, or else the server's; in the terms of the server,
 * where that has some.
 *
 * @category accessors
 * @since 0.1.0
 */
export const inForce = (receiver: Receiver.Receiver["Service"]): Effect.Effect<Admission["Service"] | undefined> =>
  Effect.map(Effect.serviceOption(Admission), (own) => {
    const asked = Option.getOrElse(own, () => receiver.admission)
    return receiver.admitting === undefined ? asked : receiver.admitting(asked)
  })
