/**
 * Values a handler keeps for its client's session: typed names over what `RequestContext.session` holds as JSON. Only
 * stateful revisions have sessions. From 2026-07-28 a request stands alone, so hand out an id of your own, take it back
 * as an argument, and keep the values in a store of yours.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { Json } from "../protocol/JsonRpc.ts"
import { faultOf } from "./internal/fault.ts"
import * as RequestContext from "./RequestContext.ts"

/** What a session keeps, as JSON. @category models @since 0.1.0 */
export interface Values {
  /** As this process last saw it. What other processes of the session wrote is there after `refresh`. */
  readonly get: (key: string) => Json | undefined
  readonly refresh: Effect.Effect<void, SessionStateError>
  /**
   * Changes one value in a step that no other request comes between; undefined as `next` removes it, and a failure
   * leaves it as it was. `change` runs again where another process was faster.
   */
  readonly modify: <A>(
    key: string,
    change: (current: Json | undefined) => Exit.Exit<Modified<A>, SessionStateError>
  ) => Effect.Effect<A, SessionStateError>
}

/** What a change of a value came to. @category models @since 0.1.0 */
export interface Modified<out A> {
  readonly value: A
  readonly next: Json | undefined
}

// ----------------------------------------------------------------------------
// errors
// ----------------------------------------------------------------------------

/** The request belongs to no session. @category reasons @since 0.1.0 */
export class NoSession extends Schema.TaggedClass<NoSession>()("NoSession", {
  name: Schema.String,
  revision: Schema.String
}) {
  get message(): string {
    return `There is no session to keep "${this.name}" in (revision ${this.revision}). Give the client an id, take it ` +
      `back as an argument of the next call, and keep the value under it in a store of yours.`
  }
}

/** What the session holds does not fit the schema; another version of the server may have written it. @category reasons @since 0.1.0 */
export class Unreadable extends Schema.TaggedClass<Unreadable>()("Unreadable", {
  name: Schema.String,
  text: Schema.String
}) {
  get message(): string {
    return `The session's "${this.name}" does not fit its schema: ${this.text}. Set or remove it.`
  }
}

/** The value does not fit the schema. @category reasons @since 0.1.0 */
export class InvalidValue extends Schema.TaggedClass<InvalidValue>()("InvalidValue", {
  name: Schema.String,
  text: Schema.String
}) {
  get message(): string {
    return `This cannot be kept as "${this.name}": ${this.text}`
  }
}

/** The session has ended since, or the store it is kept in does not answer. @category reasons @since 0.1.0 */
export class Unavailable extends Schema.TaggedClass<Unavailable>()("Unavailable", {
  text: Schema.String
}) {
  get message(): string {
    return `The session's values cannot be reached: ${this.text}`
  }
}

/** @category models @since 0.1.0 */
export const Reason = Schema.Union([NoSession, Unreadable, InvalidValue, Unavailable])

/** @category models @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class SessionStateError
  extends Schema.TaggedError<SessionStateError>("fastmcp-effect/context/SessionState/SessionStateError")(
    "SessionStateError",
    { reason: Reason }
  )
{
  override get message(): string {
    return this.reason.message
  }
}

// ----------------------------------------------------------------------------
// keys
// ----------------------------------------------------------------------------

type Access<A> = Effect.Effect<A, SessionStateError, RequestContext.RequestContext>

/**
 * One named value of a session. `Current` is what `get` finds: with a default the value itself, otherwise an `Option`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionState<in out A, out Current = Option.Option<A>> {
  readonly name: string
  readonly get: Access<Current>
  readonly set: (value: A) => Access<void>
  /** Succeeds with the new value. No other request of the session comes between. */
  readonly update: (f: (current: Current) => A) => Access<A>
  readonly remove: Access<void>
}

/**
 * Names a value of the session. All uses of one name share it, so give it one schema.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  <A>(
    name: string,
    schema: Schema.Codec<A, unknown>,
    options: {
      /** Found where nothing was set. */
      readonly default: NoInfer<A>
    }
  ): SessionState<A, A>
  <A>(name: string, schema: Schema.Codec<A, unknown>): SessionState<A>
} = <A>(
  name: string,
  schema: Schema.Codec<A, unknown>,
  options?: { readonly default: A }
): SessionState<A, any> => {
  const codec = Schema.toCodecJson(schema)
  const decode = SchemaParser.decodeUnknownExit(codec)
  const encode = SchemaParser.encodeUnknownExit(codec)

  const access = <B>(use: (session: Values) => Effect.Effect<B, SessionStateError>): Access<B> =>
    RequestContext.RequestContext.use(({ revision, session }) =>
      session === undefined ? fail(new NoSession({ name, revision: revision.version })) : use(session)
    )

  // What `Current` is depends on the options.
  const read = (json: Json | undefined): Exit.Exit<any, SessionStateError> => {
    if (json === undefined) return Exit.succeed(options === undefined ? Option.none() : options.default)
    const decoded = decode(json)
    if (Exit.isFailure(decoded)) return fail(new Unreadable({ name, text: faultOf(decoded.cause) }))
    return Exit.succeed(options === undefined ? Option.some(decoded.value) : decoded.value)
  }

  const written = (value: A): Exit.Exit<Modified<A>, SessionStateError> => {
    const encoded = encode(value)
    if (Exit.isFailure(encoded)) return fail(new InvalidValue({ name, text: faultOf(encoded.cause) }))
    return Exit.succeed({ value, next: encoded.value as Json })
  }

  return {
    name,
    get: access((session) => Effect.flatMap(session.refresh, () => read(session.get(name)))),
    set: (value) => access((session) => Effect.asVoid(session.modify(name, () => written(value)))),
    update: (f) =>
      access((session) =>
        session.modify(name, (json) => {
          const current = read(json)
          return Exit.isFailure(current) ? current : written(f(current.value))
        })
      ),
    remove: access((session) => session.modify(name, () => removed))
  }
}

const removed: Exit.Exit<Modified<void>> = Exit.succeed({ value: undefined, next: undefined })

const fail = (reason: Reason) => Exit.fail(new SessionStateError({ reason }))
