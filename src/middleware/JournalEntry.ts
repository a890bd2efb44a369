/**
 * What a `Journal` holds: one entry for each request that has ended, as data. In the place of a secret stands
 * `{ "~redacted": type }`, in that of what no schema describes `{ "~left out": type }`.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as JsonRpc from "../protocol/JsonRpc.ts"

const Json = Schema.Json as Schema.Codec<JsonRpc.Json>

/** A question that was asked in between, and what its client said. @category entries @since 0.1.0 */
export const Asked = Schema.Struct({
  key: Schema.String,
  method: Schema.String,
  params: Json,
  /** Not here where none has come. */
  answer: Schema.optionalKey(Json),
  /** Why there is none. */
  refused: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export type Asked = typeof Asked.Type

/** What was sent before the answer. @category entries @since 0.1.0 */
export const Said = Schema.Struct({ method: Schema.String, params: Json })

/** How a request ended. @category entries @since 0.1.0 */
export const End = Schema.Union([
  Schema.TaggedStruct("Result", { result: Json }),
  /** A failure that the tool declares, or said in a result of its own. */
  Schema.TaggedStruct("Failure", { error: Json }),
  /** Arguments that do not fit; where they do not. */
  Schema.TaggedStruct("InvalidInput", { paths: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("Refused", { reason: Schema.String, code: Schema.Finite }),
  Schema.TaggedStruct("Cancelled", { reason: Schema.String }),
  Schema.TaggedStruct("Panicked", {}),
  /** It waits for what its client answers; the request that brings it has the same number. */
  Schema.TaggedStruct("Asked", { round: Schema.Finite })
])

/** @category models @since 0.1.0 */
export type End = typeof End.Type

/** A request. @category entries @since 0.1.0 */
export const Request = Schema.TaggedStruct("Request", {
  /** When it began, by the server's clock. */
  at: Schema.Finite,
  millis: Schema.Finite,
  revision: Schema.String,
  /** A name made up for the caller, the same in all of one journal; not here for nobody in particular. */
  caller: Schema.optionalKey(Schema.String),
  scopes: Schema.Array(Schema.String),
  session: Schema.optionalKey(Schema.String),
  capabilities: Json,
  logLevel: Schema.optionalKey(Schema.String),
  wantsProgress: Schema.Boolean,
  method: Schema.String,
  /** What it is for: a tool, a prompt or a resource that there is. */
  name: Schema.optionalKey(Schema.String),
  params: Json,
  /** Of an earlier request that it goes on with. */
  continues: Schema.optionalKey(Schema.Finite),
  asked: Schema.Array(Asked),
  said: Schema.Array(Said),
  end: End
})

/** @category models @since 0.1.0 */
export type Request = typeof Request.Type

/** So many entries before this one are missing. @category entries @since 0.1.0 */
export const Dropped = Schema.TaggedStruct("Dropped", { at: Schema.Finite, count: Schema.Finite })

/** @category entries @since 0.1.0 */
export const Entry = Schema.Union([Request, Dropped])

/** @category models @since 0.1.0 */
export type Entry = typeof Entry.Type

/** One JSON object a line. @category encoding @since 0.1.0 */
export const encode = (entries: ReadonlyArray<Entry>): string =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join("")

/** What `encode` wrote; the message names the first line that is none of it. @category encoding @since 0.1.0 */
export const decode = (text: string): Result.Result<ReadonlyArray<Entry>, string> =>
  Result.all(
    text.split("\n").flatMap((line, index) =>
      line === "" ? [] : [Result.mapError(decodeLine(line), () => `Line ${index + 1} is not an entry of a journal.`)]
    )
  )

const decodeLine = Schema.decodeUnknownResult(Schema.fromJsonString(Entry))

/** Which arguments the issues of an `InvalidInput` are about, each once. @category accessors @since 0.1.0 */
export const pathsOf = (issues: JsonRpc.Json): ReadonlyArray<string> =>
  Array.isArray(issues)
    ? [
      ...new Set(issues.map((issue: JsonRpc.Json) => {
        const path = JsonRpc.isObject(issue) ? issue.path : undefined
        return `/${Array.isArray(path) && path.length > 0 ? String(path[0]) : ""}`
      }))
    ]
    : []

/** Of the error of a question that came to nothing: why. Nothing of another error. @category accessors @since 0.1.0 */
export const askErrorOf = (error: JsonRpc.Json): JsonRpc.Json | undefined =>
  JsonRpc.isObject(error) && error._tag === "AskError" && JsonRpc.isObject(error.reason)
    ? { _tag: "AskError", reason: error.reason._tag ?? null }
    : undefined
