/**
 * Answers again with a result that is still good, to the same caller alone. It belongs behind what refuses: a result that
 * is kept is given without asking anything that stands behind it in the list.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Identity from "../context/Identity.ts"
import * as Outcome from "../core/Outcome.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as CacheStore from "./CacheStore.ts"
import * as jsonSize from "./internal/jsonSize.ts"
import { callerOf } from "./internal/key.ts"
import * as Middleware from "./Middleware.ts"

/** What can be cached beside the calls of tools. @category models @since 0.1.0 */
export type Method =
  | "tools/list"
  | "prompts/list"
  | "resources/list"
  | "resources/templates/list"
  | "resources/read"
  | "prompts/get"
  | "completion/complete"

/** @category models @since 0.1.0 */
export interface Options<R = never> {
  /**
   * How long results of these methods are good; of others none is kept. A tool says so itself (`cache`). Clients of
   * 2026-07-28 are told of lists and reads what is left of it, unless the server (`cacheHints`) or the resource (`cache`)
   * says something of its own.
   */
  readonly ttl?: { readonly [method in Method]?: Duration.Input }
  /**
   * Which of them are the same for every caller, so that clients and what stands between may share what they keep. All
   * others are told to be `private`, and so is what the server itself shows to some alone. Here, each caller has its own
   * all the same.
   */
  readonly public?: ReadonlyArray<Method>
  /** Tags beside those it has, to forget it by. */
  readonly tags?: (request: Middleware.Request) => ReadonlyArray<string>
  /** What else a result depends on, as text: services of the request other than its identity. */
  readonly vary?: (request: Middleware.Request) => Effect.Effect<string, McpError.McpError, R>
}

/** The tags by which a server forgets what its changes make untrue. @category tags @since 0.1.0 */
export const listTag = (list: "tools" | "prompts" | "resources"): string => `list ${list}`

/** @category tags @since 0.1.0 */
export const resourceTag = (uri: string): string => `resource ${uri}`

/**
 * What the server has to say itself to clients that would keep its lists. A server sets it; middleware that answers in its
 * place says the same.
 *
 * @category references
 * @since 0.1.0
 */
export const ServerHints = Context.Reference<McpSchema.CacheHints | undefined>(
  "fastmcp-effect/middleware/Caching/ServerHints",
  { defaultValue: () => undefined }
)

/**
 * Of a caller's requests that are alike and come at once, one runs and all have its result; when it has none to share,
 * each of the others runs by itself. When it is cancelled, another one runs.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(
  options: Options<R> = {}
): Middleware.Middleware<never, CacheStore.CacheStore | NoInfer<R>> => {
  const { tags = () => [], vary } = options
  const ttls = new Map(
    Object.entries(options.ttl ?? {}).map(([method, ttl]) => [method, Duration.toMillis(Duration.fromInputUnsafe(ttl))])
  )
  const running = new Map<string, Deferred.Deferred<Landing>>()
  const open = new Set<string>(options.public)

  const lead = (
    request: Middleware.Request,
    next: Middleware.Next,
    store: CacheStore.CacheStore["Service"],
    key: string,
    flight: string,
    ttl: number,
    epoch: number
  ): Middleware.Next =>
    Effect.uninterruptibleMask((restore) => {
      const shared = Deferred.makeUnsafe<Landing>()
      running.set(flight, shared)
      return Effect.onExit(restore(next), (exit) => {
        const text = Exit.isSuccess(exit) ? textOf(exit.value, store.maxItemBytes) : undefined
        running.delete(flight)
        Deferred.doneUnsafe(shared, Exit.succeed({ text: text?.text, isGone: isGone(exit) }))
        return text === undefined ? Effect.void : store.put(
          key,
          {
            ...text,
            ttlMillis: Math.min(ttl, hintOf(exit as Exit.Success<object>)),
            tags: [...tagsOf(request), ...tags(request)]
          },
          epoch
        )
      })
    })

  return Middleware.make((request, next) => {
    const ttl = request.method === "tools/call"
      ? request.tool?.cache === undefined ? 0 : Duration.toMillis(Duration.fromInputUnsafe(request.tool.cache))
      : ttls.get(request.method) ?? 0
    const params = request.params as {
      readonly requestState?: unknown
      readonly inputResponses?: unknown
      readonly task?: unknown
    }
    // What was answered by a person is for this once, and a task is its own.
    if (
      ttl <= 0 || request.refused !== undefined || params.requestState !== undefined ||
      params.inputResponses !== undefined || params.task !== undefined || request.isTaskRun === true
    ) return next
    return Effect.withFiber<object, McpError.McpError, CacheStore.CacheStore | R>((fiber) => {
      const store = Context.getUnsafe(fiber.context, CacheStore.CacheStore)
      const callers = [callerOf(fiber), fiber.getRef(Identity.CurrentIdentity)]
      const { era } = request.context.revision
      const said = era === "Stateless" && announced.has(request.method)
        ? fiber.getRef(ServerHints)
          ?? { ttlMs: Math.min(Math.floor(ttl), longest), cacheScope: open.has(request.method) ? "public" : "private" }
        : undefined
      const answered = (key: string): Middleware.Next =>
        Effect.flatMap(store.get(key), ({ age, epoch, text }) => {
          const kept = text === undefined ? undefined : read(text)
          if (kept !== undefined) return Effect.succeed(hinted(kept, said, age))
          // What began before something was forgotten is not for who comes after it.
          const flight = `${epoch} ${key}`
          const shared = running.get(flight)
          return shared === undefined
            ? Effect.map(
              lead(request, next, store, key, flight, ttl, epoch),
              (result) => isToKeep(result) ? hinted(result, said, 0) : result
            )
            : Effect.flatMap(Deferred.await(shared), (landing): Middleware.Next =>
              landing.text !== undefined
                ? Effect.succeed(hinted(JSON.parse(landing.text), said, 0))
                : landing.isGone
                ? answered(key)
                : next)
        })
      return vary === undefined
        ? answered(keyOf(request, callers, ""))
        : Effect.flatMap(vary(request), (text) => answered(keyOf(request, callers, text)))
    })
  })
}

/** How the one that ran ended, for those who waited. */
interface Landing {
  /** Its result, if it is one to share. */
  readonly text: string | undefined
  /** It was stopped for reasons of its own: another one runs. */
  readonly isGone: boolean
}

const isGone = (exit: Exit.Exit<object, McpError.McpError>): boolean => {
  const outcome = Outcome.fromExit(exit)
  return outcome._tag === "Cancelled" && outcome.reason !== "Timeout"
}

/** All that a handler and the middleware before it can know their caller by, but for what is another one each time. */
const keyOf = (
  { context, method, params, tool }: Middleware.Request,
  callers: ReadonlyArray<Identity.Identity>,
  vary: string
): string =>
  JSON.stringify([
    method,
    ...callers.map(({ claims, clientId, issuer, scopes, subject, tenant }) => [
      subject ?? null,
      issuer ?? null,
      clientId ?? null,
      tenant ?? null,
      scopes.toSorted(),
      sorted(claims, passingClaims)
    ]),
    context.sessionId ?? null,
    context.mounts,
    context.revision.version,
    context.client,
    sorted(context.meta, passingMeta),
    vary,
    tool?.name ?? null,
    Object.entries(params as object).filter(([name]) => name !== "_meta")
  ])

const sorted = (record: object, without: ReadonlySet<string>) =>
  Object.entries(record).filter(([name]) => !without.has(name)).sort(([a], [b]) => a < b ? -1 : 1)

const passingClaims: ReadonlySet<string> = new Set(["exp", "iat", "nbf", "jti", "auth_time"])

const passingMeta: ReadonlySet<string> = new Set(["progressToken", "traceparent", "tracestate", "baggage"])

/** Neither a failure nor a question nor a task. */
const isToKeep = (result: object): boolean =>
  !("resultType" in result || "task" in result || "isError" in result && result.isError === true)

/** Undefined for what is not to be kept, and for what is too large. */
const textOf = (result: object, most: number): Pick<CacheStore.Entry, "text" | "bytes"> | undefined => {
  if (!isToKeep(result)) return undefined
  const bytes = jsonSize.of(result, most)
  return bytes > most ? undefined : { text: JSON.stringify(result), bytes }
}

/** Who else writes into a store that is shared may have left something else there. */
const read = (text: string): object | undefined => {
  try {
    const kept = JSON.parse(text)
    return typeof kept === "object" && kept !== null ? kept : undefined
  } catch {
    return undefined
  }
}

const hintsOf = (result: object): Partial<McpSchema.CacheHints> | undefined =>
  "cacheHints" in result ? result.cacheHints as Partial<McpSchema.CacheHints> : undefined

const hintOf = (exit: Exit.Success<object>): number => hintsOf(exit.value)?.ttlMs ?? Infinity

/** Milliseconds: nobody is told to keep anything for more than a year. */
const longest = 31_536_000_000

/** What clients are told how long they may keep it. */
const announced: ReadonlySet<string> = new Set<Method>([
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "resources/read"
])

/** With what it says itself, and what is said of it where it does not. The time it is good for has begun when it was made. */
const hinted = (result: object, said: McpSchema.CacheHints | undefined, age: number): object => {
  const own = hintsOf(result)
  const hints = said === undefined ? own : { ...said, ...own }
  if (hints?.ttlMs === undefined || said === undefined && age === 0) return result
  return { ...result, cacheHints: { ...hints, ttlMs: Math.max(0, hints.ttlMs - age) } }
}

const tagsOf = ({ method, params, tool }: Middleware.Request): ReadonlyArray<string> => {
  switch (method) {
    case "tools/list":
      return [listTag("tools")]
    case "tools/call":
      return [listTag("tools"), ...tool?.tags ?? []]
    case "prompts/list":
    case "prompts/get":
      return [listTag("prompts")]
    case "resources/list":
    case "resources/templates/list":
      return [listTag("resources")]
    case "resources/read":
      return [listTag("resources"), resourceTag((params as McpSchema.ReadResourceParams).uri)]
    default:
      return [listTag("prompts"), listTag("resources")]
  }
}
