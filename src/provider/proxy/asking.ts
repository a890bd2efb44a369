/**
 * Questions of the server behind a proxy, put to the client in front of it. What each may be asked is the same: the
 * server has been told of the client's own capabilities.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Hash from "effect/Hash"
import type * as Ask from "../../context/Ask.ts"
import type * as AskError from "../../context/AskError.ts"
import type * as JsonRpc from "../../protocol/JsonRpc.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as refusals from "./refusals.ts"
import type * as relaying from "./relaying.ts"
import type * as sessions from "./sessions.ts"

/** A question as it came; undefined for one no client of MCP can be asked. */
export const question = (method: string, params: JsonRpc.JsonObject): Ask.Question<JsonRpc.JsonObject> | undefined => {
  const requires = requirementsOf(method, params)
  return requires === undefined ? undefined : {
    method: method as Ask.Question<unknown>["method"],
    params,
    requires,
    decode: (_key, result) => Exit.succeed(result as JsonRpc.JsonObject)
  }
}

const requirementsOf = (
  method: string,
  { mode, toolChoice, tools }: JsonRpc.JsonObject
): McpSchema.ClientCapabilities | undefined => {
  switch (method) {
    case "elicitation/create":
      return { elicitation: mode === "url" ? { url: {} } : { form: {} } }
    case "sampling/createMessage":
      return { sampling: tools === undefined && toolChoice === undefined ? {} : { tools: {} } }
    case "roots/list":
      return { roots: {} }
    default:
      return undefined
  }
}

/** Whether one of this party may be asked; what it has not declared is an unknown method to it. */
export const isAnswered = (method: string, { capabilities }: sessions.Party): boolean => {
  switch (method) {
    case "elicitation/create":
      return capabilities.elicitation !== undefined
    case "sampling/createMessage":
      return capabilities.sampling !== undefined
    case "roots/list":
      return capabilities.roots !== undefined
    default:
      return false
  }
}

/** Keys that tell questions apart, whichever requests and calls they belong to. */
export class Keys {
  private last = 0
  private readonly counts = new WeakMap<object, Map<string, number>>()

  /** Of a question that is asked once. */
  next(text: string): string {
    return `${text} ${++this.last}`
  }

  /**
   * Of a call: the same each time the handler of the request runs, and by what it is, so that it does not matter in which
   * order several are made.
   */
  ofCall(request: relaying.Request, name: string, { method, params }: relaying.Call): string {
    const text = `${name} ${method} ${(Hash.string(JSON.stringify(params)) >>> 0).toString(36)}`
    let counts = this.counts.get(request)
    if (counts === undefined) this.counts.set(request, counts = new Map())
    const count = counts.get(text) ?? 0
    counts.set(text, count + 1)
    return count === 0 ? text : `${text} (${count + 1})`
  }
}

/** Answers what comes on the connection by asking while the request is open. */
export const onConnection = (
  keys: Keys,
  name: string,
  request: relaying.Request
): Effect.Effect<
  (method: string, params: JsonRpc.JsonObject) => Effect.Effect<JsonRpc.JsonObject, McpError.McpError>
> =>
  Effect.withFiber((fiber) =>
    Effect.succeed((method, params) => {
      const asked = question(method, params)
      if (asked === undefined) return Effect.fail(McpError.methodNotFound(method))
      const key = keys.next(`${name} ${method}`)
      return Effect.provideContext(request.ask({ [key]: asked }), fiber.context).pipe(
        Effect.mapBoth({
          onSuccess: (answers) => answers[key] as JsonRpc.JsonObject,
          onFailure: (error) => answerTo(method, error)
        }),
        // What cannot be put in the words of the client's revision is no question.
        Effect.catchDefect(() => Effect.fail(McpError.invalidParams(`These are no params of ${method}.`)))
      )
    })
  )

/** How a question that came to nothing is answered. */
export const answerTo = (method: string, { message, reason }: AskError.AskError): McpError.McpError => {
  switch (reason._tag) {
    case "Refused":
      return McpError.make(new McpError.Other({ code: reason.code, message: reason.text }))
    case "Declined":
      return McpError.make(new McpError.Other({ code: -1, message: "The user declined." }))
    case "Unsupported":
    case "Unavailable":
      return McpError.methodNotFound(method)
    default:
      return McpError.invalidRequest(message)
  }
}

/** Rounds one call may take. */
const maxRounds = 32

/**
 * Drives a call whose results may ask (2026-07-28): each is kept, so that in later runs of the handler only the round that
 * is new is sent.
 */
export const inRounds = (
  name: string,
  address: string,
  { params, ...call }: relaying.Call,
  request: relaying.Request,
  send: (call: relaying.Call) => Effect.Effect<JsonRpc.JsonObject, McpError.McpError>,
  first: Effect.Effect<JsonRpc.JsonObject, McpError.McpError>
): Effect.Effect<JsonRpc.JsonObject, McpError.McpError | AskError.AskError> =>
  Effect.gen(function*() {
    const once = (round: number, step: typeof first) =>
      Effect.map(request.once(`${address} ${round}`, step), (json) => json as JsonRpc.JsonObject)
    const taken = new Set<string>()
    let result = yield* once(0, first)
    for (let round = 1; result.resultType === "input_required"; round++) {
      if (round > maxRounds) {
        return yield* refusals.bad(
          `The server ${JSON.stringify(name)} behind this one asks again and again (${maxRounds} times).`
        )
      }
      const { inputRequests, requestState } = result
      // Without a question it is a word to come again later.
      if (inputRequests === undefined) yield* Effect.sleep(Math.min(100 * 2 ** round, 5_000))
      const inputResponses = inputRequests === undefined
        ? undefined
        : yield* ask(name, request, inputRequests as JsonRpc.JsonObject, taken)
      result = yield* once(
        round,
        send({
          ...call,
          params: {
            ...params,
            ...(inputResponses === undefined ? undefined : { inputResponses }),
            ...(requestState === undefined ? undefined : { requestState })
          }
        })
      )
    }
    return result
  })

/** One round. A key that was used before stands for another question, or for the same one asked again. */
const ask = (
  name: string,
  request: relaying.Request,
  inputRequests: JsonRpc.JsonObject,
  taken: Set<string>
): Effect.Effect<JsonRpc.JsonObject, McpError.McpError | AskError.AskError> => {
  const questions: { [key: string]: Ask.Question<JsonRpc.JsonObject> } = {}
  const originals = new Map<string, string>()
  for (const [key, asked] of Object.entries(inputRequests)) {
    const { method, params = {} } = asked as { readonly method?: string; readonly params?: JsonRpc.JsonObject }
    const made = typeof method === "string" ? question(method, params) : undefined
    if (made === undefined) {
      return Effect.fail(refusals.bad(
        `The server ${JSON.stringify(name)} behind this one asks for ${String(method)}, which no client answers.`
      ))
    }
    let own = key
    for (let count = 2; taken.has(own); count++) own = `${key} (${count})`
    taken.add(own)
    originals.set(own, key)
    questions[own] = made
  }
  return Effect.map(request.ask(questions), (answers) =>
    Object.fromEntries(
      Object.entries(answers).map(([own, answer]) => [originals.get(own)!, answer as JsonRpc.Json])
    ))
}
