/** What a replayed request did otherwise than the journal tells, by meaning. */
import type * as JournalEntry from "../middleware/JournalEntry.ts"
import { isObject, type Json } from "../protocol/JsonRpc.ts"
import * as placeholders from "./placeholders.ts"
import type * as replaying from "./replaying.ts"

/**
 * `Result`: it succeeded, with something else. `Error`: another declared failure, or one with something else in it.
 * `Ended`: it ended in another way altogether, as with a failure in the place of a result. `Question`: other questions.
 * `Notification`: other notifications. `Slower`: the same in more steps.
 *
 * @category models
 * @since 0.1.0
 */
export interface Difference {
  readonly kind: "Result" | "Error" | "Ended" | "Question" | "Notification" | "Slower"
  /** The tool, prompt or resource, or the method where it was for none. */
  readonly name: string
  /** Its request's place among the journal's entries, from 1. */
  readonly entry: number
  /** Where in what is different, as a JSON pointer. */
  readonly path: string
  readonly was: unknown
  readonly is: unknown
}

type Change = Pick<Difference, "path" | "was" | "is">

/** What a difference means, in words that are the same for all that mean it. */
export const meaning = ({ is, kind, path, was }: Difference): string => {
  const where = path.replace(/\/\d+(?=\/|$)/gu, "/*")
  switch (kind) {
    case "Ended":
      return `${String(was)} has become ${String(is)}`
    case "Slower":
      return "it takes more steps"
    case "Question":
    case "Notification": {
      const what = kind === "Question" ? "question" : "notification"
      const isWhole = path.split("/").length === (kind === "Question" ? 2 : 3)
      return isWhole && was === undefined
        ? `one more ${what}`
        : isWhole && is === undefined
        ? `a ${what} less`
        : `another ${what}, at ${where}`
    }
    default: {
      const what = kind === "Result" ? "result" : "error"
      return was === undefined
        ? `${where} of its ${what} is new`
        : is === undefined
        ? `${where} of its ${what} is gone`
        : typeOf(was) !== typeOf(is)
        ? `${where} of its ${what} is of type ${typeOf(is)}, no longer ${typeOf(was)}`
        : `${where} of its ${what} has another value`
    }
  }
}

const typeOf = (value: unknown): string =>
  placeholders.missing(value) ?? (value === null ? "null" : Array.isArray(value) ? "array" : typeof value)

/** Whether it is one of what there is, and not of what value it has. */
export const isOfShape = ({ is, kind, was }: Difference): boolean =>
  (kind !== "Result" && kind !== "Error") || typeOf(was) !== typeOf(is)

export const of = (
  { asked, end, entry, name, recorded, said }: replaying.Observed,
  ignore: ReadonlyArray<string>
): ReadonlyArray<Difference> => {
  const found = (kind: Difference["kind"]) => (change: Change): Difference => ({ kind, name, entry, ...change })
  const questions = between(
    recorded.asked.flatMap(({ method, params, refused }) =>
      refused !== undefined && unsent.has(refused) ? [] : [{ method, params: withoutMode(params) }]
    ),
    asked.map(({ method, params }) => ({ method, params: withoutMode(params) })),
    ignore
  )
  // What comes after another question follows from it.
  if (questions.length > 0 || recorded.end._tag === "Asked") return questions.map(found("Question"))
  return [
    ...between(byMethod(recorded.said), byMethod(said), ignore).map(found("Notification")),
    ...ends(recorded.end, end, ignore).map(({ kind, ...change }) => found(kind)(change))
  ]
}

/** Why a question has reached nobody. */
const unsent: ReadonlySet<string> = new Set([
  "Unsupported",
  "InvalidQuestion",
  "KeyReused",
  "LimitReached",
  "NotJson",
  "Unavailable"
])

/** A form is one wherever nothing else is said, and older revisions have no word for it. */
const withoutMode = (params: Json): Json => {
  if (!isObject(params) || params.mode !== "form") return params
  const { mode: _, ...rest } = params
  return rest
}

/** One more of one kind moves none of another. */
const byMethod = (said: replaying.Observed["said"]): Json =>
  Object.fromEntries(
    [...new Set(said.map(({ method }) => method))].map((method) => [
      method,
      said.filter((one) => one.method === method).map(({ params }) => params)
    ])
  )

const ends = (
  was: JournalEntry.End,
  is: JournalEntry.End,
  ignore: ReadonlyArray<string>
): ReadonlyArray<Change & { readonly kind: Difference["kind"] }> => {
  if (was._tag === "Result" && is._tag === "Result") {
    return between(was.result, is.result, ignore).map((change) => ({ kind: "Result", ...change }))
  }
  if (classOf(was) !== classOf(is)) return [{ kind: "Ended", path: "", was: classOf(was), is: classOf(is) }]
  if (was._tag === "Failure" && is._tag === "Failure") {
    return between(was.error, is.error, ignore).map((change) => ({ kind: "Error", ...change }))
  }
  return []
}

/** How it ended, as far as a client can tell. */
const classOf = (end: JournalEntry.End): string => {
  switch (end._tag) {
    case "Result":
      return "a result"
    case "Failure":
      return isObject(end.error) && typeof end.error._tag === "string" ? `the error ${end.error._tag}` : "an error"
    case "InvalidInput":
      return `arguments refused at ${end.paths.join(", ")}`
    case "Refused":
      return `a refusal with ${end.code}`
    case "Panicked":
      return "a refusal with -32603"
    case "Cancelled":
      return `a cancellation for ${end.reason}`
    case "Asked":
      return "a question"
  }
}

/** It ended the same, and took its time. */
export const slower = (
  { entry, name, steps }: replaying.Observed,
  before: number | undefined,
  factor: number
): ReadonlyArray<Difference> =>
  before === undefined || steps <= Math.max(before * factor, before + fewest)
    ? []
    : [{ kind: "Slower", name, entry, path: "", was: before, is: steps }]

/** Steps by which two runs may differ for no reason. */
const fewest = 5

/** Where two values differ. What the journal does not tell is the same as anything of its type. */
export const between = (
  was: Json | undefined,
  is: Json | undefined,
  ignore: ReadonlyArray<string>
): ReadonlyArray<Change> => {
  const ignored = ignore.map((path) => path.split("/"))
  const go = (was: Json | undefined, is: Json | undefined, path: ReadonlyArray<string>): ReadonlyArray<Change> => {
    if (was === is || ignored.some((pattern) => matches(pattern, path))) return []
    const type = placeholders.missing(was)
    if (type !== undefined && is !== undefined && (type === typeOf(is) || type === "undefined")) return []
    if (Array.isArray(was) && Array.isArray(is)) {
      return Array.from({ length: Math.max(was.length, is.length) }, (_, index) => index).flatMap((index) =>
        go(was[index], is[index], [...path, String(index)])
      )
    }
    if (type === undefined && isObject(was) && isObject(is)) {
      return [...new Set([...Object.keys(was), ...Object.keys(is)])].flatMap((key) =>
        key.startsWith("~undeclared ")
          ? []
          : go(was[key], is[key], [...path, key.replaceAll("~", "~0").replaceAll("/", "~1")])
      )
    }
    if (
      typeof was === "string" && typeof is === "string" &&
      interchangeable.some((kind) => kind.test(was) && kind.test(is))
    ) {
      return []
    }
    return [{ path: path.join("/"), was, is }]
  }
  return go(was, is, [""])
}

const matches = (pattern: ReadonlyArray<string>, path: ReadonlyArray<string>): boolean =>
  pattern.length === path.length && pattern.every((part, index) => part === "*" || part === path[index])

/** Times and ids: another one each time. */
const interchangeable: ReadonlyArray<RegExp> = [
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/u,
  /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/iu
]
