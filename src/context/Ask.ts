/**
 * Questions to the client, asked from inside a request. A question is a value (`Elicitation`, `Sampling` and `Roots`
 * make them); `one` and `all` ask, and `once` keeps what a step ended with.
 *
 * All questions of one `all` are one round. In stateful revisions a round is a request on the connection for each
 * question, and the handler waits for the answers. From 2026-07-28 it ends the request, and when the client sends it
 * again with the answers, the handler runs again from its start: each question that has its answer succeeds at once,
 * each `once` that has succeeded is not run again, and everything else before the question runs a second time. So a
 * side effect before a question belongs in a `once`.
 *
 * A key names a question or a step within one request. It has to be the same in every run of the handler, so make it of
 * the request's arguments at most, never of a time or a random number; and one key cannot stand for two questions.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { Json, JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as AskError from "./AskError.ts"
import { faultOf } from "./internal/fault.ts"
import * as plainJson from "./internal/plainJson.ts"
import * as RequestContext from "./RequestContext.ts"

/**
 * One question, and how its answer is read.
 *
 * @category models
 * @since 0.1.0
 */
export interface Question<out A> {
  readonly method: McpSchema.InputRequest["method"]
  readonly params: JsonObject
  /** What the client must have declared to be asked. */
  readonly requires: McpSchema.ClientCapabilities
  /** See `asTask`. */
  readonly asTask?: boolean
  /** Why nobody may be asked this; `one` and `all` fail with it. */
  readonly invalid?: string
  /** `result` is the client's result object as it came. `key` is for the error. */
  readonly decode: (key: string, result: unknown) => Exit.Exit<A, AskError.AskError>
}

/** What a question is answered with. @category utility types @since 0.1.0 */
export type Answer<Q> = Q extends Question<infer A> ? A : never

/**
 * Asks all of the questions in one round, and succeeds with an answer under each key. Fails when one of them has none.
 *
 * @category asking
 * @since 0.1.0
 */
export const all = <const Questions extends { readonly [key: string]: Question<unknown> }>(
  questions: Questions
): Effect.Effect<
  { readonly [Key in keyof Questions]: Answer<Questions[Key]> },
  AskError.AskError,
  RequestContext.RequestContext
> =>
  RequestContext.RequestContext.use((request) => {
    const entries = Object.entries(questions)
    for (const [key, { invalid }] of entries) {
      if (invalid !== undefined) return fail(new AskError.InvalidQuestion({ key, text: invalid }))
    }
    return entries.length === 0 ? Effect.succeed({}) : request.ask(questions)
  }) as Effect.Effect<any, AskError.AskError, RequestContext.RequestContext>

/**
 * Asks one question: a round of its own.
 *
 * @category asking
 * @since 0.1.0
 */
export const one = <A>(
  key: string,
  question: Question<A>
): Effect.Effect<A, AskError.AskError, RequestContext.RequestContext> =>
  Effect.map(all({ [key]: question }), (answers) => answers[key]!)

/**
 * The same question, answered with `None` when its user declines or dismisses it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const option = <A>(question: Question<A>): Question<Option.Option<A>> => ({
  ...question,
  decode: (key, result) => {
    const answer = question.decode(key, result)
    if (Exit.isSuccess(answer)) return Exit.succeed(Option.some(answer.value))
    return answer.cause.reasons.every((reason) => Cause.isFailReason(reason) && isNo(reason.error))
      ? Exit.succeed(Option.none())
      : Exit.failCause(answer.cause)
  }
})

/**
 * The same question, which its client runs as a task of its own where it can (2025-11-25): the request is answered at
 * once, and what its user says comes later, within the server's `askTimeout`. Elsewhere it is asked as ever.
 *
 * @category combinators
 * @since 0.1.0
 */
export const asTask = <A>(question: Question<A>): Question<A> => ({ ...question, asTask: true })

const isNo = ({ reason }: AskError.AskError) => reason._tag === "Declined" || reason._tag === "Dismissed"

// ----------------------------------------------------------------------------
// once
// ----------------------------------------------------------------------------

/** `A` where JSON brings it back as it was, `never` in place of what it would lose. @category utility types @since 0.1.0 */
export type Plain<A> = A extends Json | undefined | void ? A
  : A extends bigint | symbol | ((...args: any) => unknown) ? never
  : A extends object ? { readonly [Key in keyof A]: Plain<A[Key]> }
  : never

/** What `once` wants of a step it has no schema for. @category utility types @since 0.1.0 */
export type MustBePlain<A> = [A] extends [Plain<A>] ? unknown
  : { readonly "what the step succeeds with is not JSON: give `once` its schema": never }

/**
 * A step that must not be repeated: a charge, a booking, a random number. It runs once for a request, in however many
 * rounds the request is answered, and later runs of the handler get what it succeeded with. That travels with the
 * client (sealed, so that it cannot be changed), so keep it small; a failure is not kept, and the step runs again.
 *
 * **Details**
 *
 * With `schema` any value is kept in its encoded form; without, what is not JSON fails with `NotJson`. Nothing, as of
 * an `Effect<void>`, is fine.
 *
 * **Gotchas**
 *
 * Ask nothing inside the step: what stands before the question would run again. A step that was cut off half way, by a
 * cancel or a crash, counts as not run.
 *
 * @category asking
 * @since 0.1.0
 */
export const once: {
  <S extends Schema.Codec<any, unknown>, E, R>(
    key: string,
    step: Effect.Effect<S["Type"], E, R>,
    options: { readonly schema: S }
  ): Effect.Effect<S["Type"], E | AskError.AskError, R | RequestContext.RequestContext>
  <A, E, R>(
    key: string,
    step: Effect.Effect<A, E, R> & MustBePlain<A>
  ): Effect.Effect<A, E | AskError.AskError, R | RequestContext.RequestContext>
} = <A, E, R>(
  key: string,
  step: Effect.Effect<A, E, R>,
  options?: { readonly schema: Schema.Codec<A, unknown> }
): Effect.Effect<A, E | AskError.AskError, R | RequestContext.RequestContext> => {
  const { pack, unpack } = options === undefined ? asItIs : bySchema(options.schema)
  return RequestContext.RequestContext.use((request) =>
    Effect.flatMap(
      request.once(key, Effect.flatMap(step, (value) => pack(key, value))),
      (json) => unpack(key, json) as Effect.Effect<A, AskError.AskError>
    )
  )
}

interface Packing {
  readonly pack: (key: string, value: unknown) => Effect.Effect<Json, AskError.AskError>
  readonly unpack: (key: string, json: Json) => Effect.Effect<unknown, AskError.AskError>
}

/** In an array, which is empty for `undefined`. */
const asItIs: Packing = {
  pack: (key, value) => {
    if (value === undefined) return Effect.succeed([])
    const copied = plainJson.copy(value)
    return copied.fault === undefined
      ? Effect.succeed([copied.json])
      : fail(new AskError.NotJson({ key, text: copied.fault }))
  },
  unpack: (key, json) =>
    Array.isArray(json)
      ? Effect.succeed(json[0])
      : fail(new AskError.Unreadable({ key, text: "another kind of value is there." }))
}

const bySchema = (schema: Schema.Codec<any, unknown>): Packing => {
  const codec = Schema.toCodecJson(schema)
  return {
    pack: (key, value) => {
      const encoded = SchemaParser.encodeUnknownExit(codec)(value)
      return Exit.isSuccess(encoded)
        ? Effect.succeed(encoded.value as Json)
        : fail(new AskError.NotJson({ key, text: faultOf(encoded.cause) }))
    },
    unpack: (key, json) => {
      const decoded = SchemaParser.decodeUnknownExit(codec)(json)
      return Exit.isSuccess(decoded)
        ? Effect.succeed(decoded.value)
        : fail(new AskError.Unreadable({ key, text: faultOf(decoded.cause) }))
    }
  }
}

const fail = (reason: AskError.Reason) => Effect.fail(AskError.make(reason))
