/** From a request that has ended to its entry in a journal. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Hash from "effect/Hash"
import type * as Ask from "../../context/Ask.ts"
import type * as Identity from "../../context/Identity.ts"
import type * as RequestContext from "../../context/RequestContext.ts"
import * as Outcome from "../../core/Outcome.ts"
import * as Prompt from "../../definition/Prompt.ts"
import * as Resource from "../../definition/Resource.ts"
import * as ResourceTemplate from "../../definition/ResourceTemplate.ts"
import { isObject, type Json, type JsonObject } from "../../protocol/JsonRpc.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as WireOutcome from "../../protocol/WireOutcome.ts"
import * as JournalEntry from "../JournalEntry.ts"
import type * as Middleware from "../Middleware.ts"
import * as methods from "./methods.ts"
import * as redacting from "./redacting.ts"

/** What was seen of a request, as it was: nobody but the journal's own fiber reads it. */
export interface Seen {
  readonly request: Middleware.Request
  readonly identity: Identity.Identity
  readonly principal: string | undefined
  readonly at: number
  readonly asked: Array<Question>
  readonly said: Array<{ readonly method: string; readonly params: JsonObject }>
  millis: number
  exit: Exit.Exit<object, McpError.McpError>
  paused: McpSchema.InputRequiredResult | undefined
}

interface Question {
  readonly key: string
  readonly question: Ask.Question<unknown>
  answer: unknown
  refused: string | undefined
}

export const see = (
  request: Middleware.Request,
  identity: Identity.Identity,
  principal: string | undefined,
  at: number
): Seen => ({
  request,
  identity,
  principal,
  at,
  asked: [],
  said: [],
  millis: 0,
  exit: Exit.succeed({}),
  paused: undefined
})

/** The request as its handler has it, with all that it asks and says written down. */
// NOTE: a proxy, since a request has state of its own: a copy would have two of it.
export const listening = (
  request: RequestContext.RequestContext["Service"],
  seen: Seen
): RequestContext.RequestContext["Service"] =>
  new Proxy(request, {
    get: (target, key, receiver): unknown => {
      switch (key) {
        case "ask": {
          const { ask } = target
          return (questions: { readonly [key: string]: Ask.Question<unknown> }) => {
            const asked = Object.entries(questions).map(([key, question]) => hear(key, question, seen))
            return Effect.tapError(
              ask.call(target, Object.fromEntries(asked.map((one) => [one.key, one.heard]))),
              ({ reason }) =>
                Effect.sync(() => {
                  for (const one of asked) if (one.answer === undefined) one.refused = reason._tag
                })
            )
          }
        }
        case "notify": {
          const { notify } = target
          return (method: string, params: JsonObject) => {
            seen.said.push({ method, params })
            return notify.call(target, method, params)
          }
        }
        case "reportProgress":
        case "log":
          // What they send they send by `notify`, and only what is sent is said.
          return Reflect.get(target, key, receiver)
        default:
          return Reflect.get(target, key)
      }
    }
  })

const hear = (key: string, question: Ask.Question<unknown>, seen: Seen) => {
  const asked = {
    key,
    question,
    answer: undefined as unknown,
    refused: undefined as string | undefined,
    heard: {
      ...question,
      decode: (key: string, result: unknown) => {
        asked.answer = result
        return question.decode(key, result)
      }
    }
  }
  seen.asked.push(asked)
  return asked
}

export interface Writer {
  readonly entry: (seen: Seen) => JournalEntry.Request
}

/** `keeps`: whether what no schema describes stays as it is. */
export const make = (keeps: boolean): Writer => {
  const redactor = redacting.make(keeps)
  const { bare } = redactor
  const callers = names("caller")
  const sessions = names("session")

  const params = ({ definition, method, params, tool }: Middleware.Request, secrets: Array<string>): Json => {
    const { _meta, inputResponses: _, requestState: __, ...given } = params as JsonObject
    switch (method) {
      case "tools/call":
        return tool === undefined
          ? { name: bare(given.name), arguments: bare(given.arguments) }
          : { name: tool.name, arguments: redactor.bySchema(tool.parameters, given.arguments ?? {}, secrets) }
      case "prompts/get":
        return Prompt.isPrompt(definition)
          ? {
            name: definition.name,
            arguments: redactor.bySchema(definition.arguments, given.arguments ?? {}, secrets)
          }
          : { name: bare(given.name), arguments: bare(given.arguments) }
      case "resources/read":
        return {
          uri: Resource.isResource(definition)
              || (ResourceTemplate.isResourceTemplate(definition) && !redactor.hasSecret(definition.parameters))
            ? given.uri!
            : bare(given.uri)
        }
      case "initialize":
      case "server/discover":
        return {}
      default:
        return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, bare(value)]))
    }
  }

  const result = (request: Middleware.Request, value: object, secrets: Array<string>): JournalEntry.End => {
    const { method, tool } = request
    if (method !== "tools/call" || tool === undefined || !("content" in value)) {
      // Lists and the like are what the server says of itself.
      return { _tag: "Result", result: methods.isProtocol(method) ? value as Json : shape(value as Json) }
    }
    const { content, isError, structuredContent, _meta } = value as McpSchema.CallToolResult
    if (isError === true) {
      const outcome = WireOutcome.decode(_meta)
      if (outcome?._tag === "InvalidInput") return { _tag: "InvalidInput", paths: JournalEntry.pathsOf(outcome.issues) }
      if (outcome?._tag === "Cancelled") return { _tag: "Cancelled", reason: outcome.reason }
      return {
        _tag: "Failure",
        error: outcome?._tag === "Err"
          ? JournalEntry.askErrorOf(outcome.error) ?? redactor.bySchema(tool.failure, outcome.error, secrets)
          : content.map((block) => bare(block))
      }
    }
    switch (tool.wire().kind) {
      case "void":
        return { _tag: "Result", result: {} }
      case "text": {
        const text = content.flatMap((block) => block.type === "text" ? [block.text] : []).join("\n")
        return { _tag: "Result", result: { text: redactor.bySchema(tool.success, text, secrets) } }
      }
      case "json":
        return {
          _tag: "Result",
          result: { structuredContent: redactor.bySchema(tool.success, structuredContent, secrets) }
        }
      case "result":
        return {
          _tag: "Result",
          result: {
            content: content.map((block) => shape(block as unknown as Json)),
            ...structuredContent === undefined ? undefined : { structuredContent: bare(structuredContent) }
          }
        }
    }
  }

  /** The words of the protocol, without those of the author. */
  const shape = (value: Json): Json =>
    keeps
      ? value
      : Array.isArray(value)
      ? value.map(shape)
      : isObject(value)
      ? Object.fromEntries(
        Object.entries(value).flatMap(([key, member]) =>
          key === "_meta"
            ? []
            : [[key, plainKeys.has(key) ? member! : structural.has(key) ? shape(member!) : bare(member)]]
        )
      )
      : bare(value)

  const end = ({ exit, paused, request }: Seen, secrets: Array<string>): JournalEntry.End => {
    if (Exit.isSuccess(exit)) return result(request, exit.value, secrets)
    if (paused !== undefined) return { _tag: "Asked", round: roundOf(paused.requestState) }
    const outcome = Outcome.fromExit(exit)
    switch (outcome._tag) {
      case "Err": {
        const { reason } = outcome.error
        return { _tag: "Refused", reason: reason._tag, code: McpError.code(reason, request.context.revision.era) }
      }
      case "Cancelled":
        return { _tag: "Cancelled", reason: outcome.reason }
      default:
        return { _tag: "Panicked" }
    }
  }

  const asked = ({ answer, key, question, refused }: Question): JournalEntry.Asked => ({
    key,
    method: question.method,
    params: questionOf(question.params),
    ...answer === undefined ? undefined : { answer: answerOf(question, answer as Json) },
    ...refused === undefined ? undefined : { refused }
  })

  /** A form is described, what is said beside it is not. */
  const questionOf = ({ requestedSchema, mode, ...rest }: JsonObject): Json => ({
    ...mode === undefined ? undefined : { mode },
    ...requestedSchema === undefined ? undefined : { requestedSchema },
    ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, bare(value)]))
  })

  const answerOf = ({ params }: Ask.Question<unknown>, answer: Json): Json => {
    if (keeps || !isObject(answer)) return bare(answer)
    const { action, content } = answer
    const { requestedSchema } = params
    const fields = isObject(requestedSchema) && isObject(requestedSchema.properties) ? requestedSchema.properties : {}
    return action === undefined
      ? shape(answer)
      : {
        action,
        ...isObject(content)
          ? {
            content: Object.fromEntries(
              Object.entries(content).flatMap(([key, value]) => Object.hasOwn(fields, key) ? [[key, value!]] : [])
            )
          }
          : undefined
      }
  }

  const said = ({ method, params }: Seen["said"][number]): { readonly method: string; readonly params: Json } => {
    const { progressToken: _, ...rest } = params
    return { method, params: shape(rest) }
  }

  return {
    entry: (seen) => {
      const { at, identity, millis, principal, request } = seen
      const { client, logLevel, revision, sessionId, wantsProgress } = request.context
      const { name } = (request.definition ?? {}) as { readonly name?: string }
      const { requestState } = request.params as { readonly requestState?: unknown }
      const secrets: Array<string> = []
      const given = params(request, secrets)
      const ended = end(seen, secrets)
      const hide = <A>(value: A): A => redactor.without(value as Json, secrets) as A
      const caller = callers(principal)
      const session = sessions(sessionId)
      return {
        _tag: "Request",
        at,
        millis,
        revision: revision.version,
        ...caller === undefined ? undefined : { caller },
        scopes: identity.scopes,
        ...session === undefined ? undefined : { session },
        capabilities: client.capabilities as Json,
        ...logLevel === undefined ? undefined : { logLevel },
        wantsProgress,
        method: request.method,
        ...name === undefined ? undefined : { name },
        params: hide(given),
        ...typeof requestState === "string" ? { continues: roundOf(requestState) } : undefined,
        asked: seen.asked.map((question) => {
          const { answer, params, ...rest } = asked(question)
          return { ...rest, params: hide(params), ...answer === undefined ? undefined : { answer: hide(answer) } }
        }),
        said: seen.said.map((one) => {
          const { method, params } = said(one)
          return { method, params: hide(params) }
        }),
        end: ended._tag === "Result"
          ? { _tag: "Result", result: hide(ended.result) }
          : ended._tag === "Failure"
          ? { _tag: "Failure", error: hide(ended.error) }
          : ended
      }
    }
  }
}

/** Two requests with one state have one number, and nobody finds the state by it. */
const roundOf = (state: string | undefined): number => Hash.string(state ?? "")

/** Members of the protocol's own that say what something is. */
const plainKeys: ReadonlySet<string> = new Set([
  "type",
  "role",
  "mimeType",
  "level",
  "progress",
  "total",
  "isError",
  "resultType",
  "hasMore",
  "stopReason"
])

/** Members of the protocol's own with more of them within. */
const structural: ReadonlySet<string> = new Set(["content", "contents", "messages", "completion", "roots"])

/** Numbers in the place of names, in the order of their coming; the one that has been away for longest gets another. */
const names = (kind: string) => {
  const known = new Map<string, string>()
  let last = 0
  return (name: string | undefined): string | undefined => {
    if (name === undefined) return undefined
    const found = known.get(name) ?? `${kind} ${++last}`
    known.delete(name)
    known.set(name, found)
    if (known.size > maxNames) known.delete(known.keys().next().value!)
    return found
  }
}

const maxNames = 10_000
