/**
 * Answers what a server asks, with the handlers that are there. Where a question comes from, a request on the connection
 * or a result that needs input, is not its business.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SchemaParser from "effect/SchemaParser"
import * as Elicitation from "../context/Elicitation.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as ClientHandlers from "./ClientHandlers.ts"
import * as Extension from "./Extension.ts"
import type * as link from "./link.ts"

export interface Handlers {
  readonly elicitation: ClientHandlers.Elicitation | undefined
  readonly sampling: ClientHandlers.Sampling | undefined
  readonly roots: ClientHandlers.Roots | undefined
  readonly log: ClientHandlers.Log | undefined
  readonly progress: ClientHandlers.Progress | undefined
  readonly raw: ClientHandlers.Raw | undefined
}

/** Those in context. */
export const handlers: Effect.Effect<Handlers> = Effect.gen(function*() {
  const found = yield* Effect.all({
    elicitation: Effect.serviceOption(ClientHandlers.ElicitationHandler),
    sampling: Effect.serviceOption(ClientHandlers.SamplingHandler),
    roots: Effect.serviceOption(ClientHandlers.RootsHandler),
    log: Effect.serviceOption(ClientHandlers.LogHandler),
    progress: Effect.serviceOption(ClientHandlers.ProgressHandler),
    raw: Effect.serviceOption(ClientHandlers.RawHandler)
  })
  return {
    elicitation: found.elicitation._tag === "Some" ? found.elicitation.value : undefined,
    sampling: found.sampling._tag === "Some" ? found.sampling.value : undefined,
    roots: found.roots._tag === "Some" ? found.roots.value : undefined,
    log: found.log._tag === "Some" ? found.log.value : undefined,
    progress: found.progress._tag === "Some" ? found.progress.value : undefined,
    raw: found.raw._tag === "Some" ? found.raw.value : undefined
  }
})

/** What they can do, as it is said in a revision. */
export const capabilities = (
  { elicitation, raw, roots, sampling }: Handlers,
  extensions: ReadonlyArray<Extension.Extension>,
  revision: Revision.Revision
): McpSchema.ClientCapabilities => {
  const own: McpSchema.ClientCapabilities = {
    ...(elicitation?.form === undefined && elicitation?.url === undefined ? undefined : {
      elicitation: {
        ...(elicitation.form === undefined ? undefined : { form: {} }),
        ...(elicitation.url === undefined ? undefined : { url: {} })
      }
    }),
    ...(sampling === undefined ? undefined : {
      sampling: {
        ...(sampling.tools === true ? { tools: {} } : undefined),
        ...(sampling.context === true ? { context: {} } : undefined)
      }
    }),
    ...(roots === undefined
      ? undefined
      : { roots: roots.changes === undefined ? {} : { listChanged: true } })
  }
  const added = Extension.capabilities(extensions, revision, own)
  return {
    ...own,
    ...added,
    ...raw?.capabilities,
    ...(added.extensions === undefined
      ? undefined
      : { extensions: { ...added.extensions, ...raw?.capabilities?.extensions } })
  }
}

export type Answer = (method: string, params: JsonObject) => Effect.Effect<JsonObject, McpError.McpError>

export const make = (handlers: Handlers, extensions: ReadonlyArray<Extension.Extension>): Answer => {
  const { elicitation, raw, roots, sampling } = handlers
  const asked = new Map(extensions.flatMap(({ requests = {} }) => Object.entries(requests)))
  return (method, params) => {
    switch (method) {
      case "ping":
        return Effect.succeed({})
      case "elicitation/create":
        if (elicitation !== undefined) return elicit(elicitation, params)
        break
      case "sampling/createMessage":
        if (sampling !== undefined) return sample(sampling, params)
        break
      case "roots/list":
        if (roots !== undefined) return Effect.map(roots.list, (roots) => ({ roots }) as unknown as JsonObject)
        break
      default: {
        const own = asked.get(method)
        if (own === undefined) break
        const read = SchemaParser.decodeUnknownExit(own.params)(params)
        return Exit.isSuccess(read) ? own.handle(read.value) : Effect.fail(unreadable(method))
      }
    }
    return raw?.request === undefined ? Effect.fail(McpError.methodNotFound(method)) : raw.request(method, params)
  }
}

/** What a server asks on the connection goes past the extensions first. */
export const onConnection = (
  answer: Answer,
  extensions: ReadonlyArray<Extension.Extension>
): link.Shared["answer"] => {
  const wraps = extensions.flatMap(({ wrapAnswer }) => wrapAnswer === undefined ? [] : [wrapAnswer])
  return (method, params, lifecycle) => {
    const version = lifecycle?.revision.version
    return version === undefined
      ? answer(method, params)
      : wraps.reduceRight((next, wrap) => wrap({ method, params, version }, next), answer(method, params))
  }
}

const elicit = (
  handler: ClientHandlers.Elicitation,
  params: JsonObject
): Effect.Effect<JsonObject, McpError.McpError> => {
  const read = readElicitation(params)
  if (Exit.isFailure(read)) return Effect.fail(unreadable("elicitation/create"))
  const question = read.value
  if (question.mode === "url") {
    return handler.url === undefined
      ? Effect.fail(McpError.invalidParams("This client opens no addresses; ask with a form."))
      : Effect.map(handler.url(question), withoutContent)
  }
  if (handler.form === undefined) {
    return Effect.fail(McpError.invalidParams("This client shows no forms; ask with an address."))
  }
  return Effect.flatMap(handler.form(question), (result) => {
    if (result.action !== "accept") return Effect.succeed(withoutContent(result))
    const content = Elicitation.complete(question.requestedSchema, result.content ?? {})
    return typeof content === "string"
      ? Effect.fail(McpError.invalidParams(`The user's answer does not fit the form: ${content}`))
      : Effect.succeed({ action: "accept", content } as JsonObject)
  })
}

/** Only an accepted form has one. */
const withoutContent = ({ action }: McpSchema.ElicitResult): JsonObject => ({ action })

const sample = (
  handler: ClientHandlers.Sampling,
  params: JsonObject
): Effect.Effect<JsonObject, McpError.McpError> => {
  const read = readSampling(params)
  if (Exit.isFailure(read)) return Effect.fail(unreadable("sampling/createMessage"))
  const { includeContext = "none", toolChoice, tools } = read.value
  if ((tools !== undefined || toolChoice !== undefined) && handler.tools !== true) {
    return Effect.fail(McpError.invalidParams("This client's model uses no tools (sampling.tools is not declared)."))
  }
  // Deprecated, and no more than a wish: what is not declared is as good as `none`.
  const heeded = handler.context === true || includeContext === "none"
    ? read.value
    : { ...read.value, includeContext: "none" as const }
  return Effect.map(
    handler.createMessage(heeded),
    (result) => ({ ...result, content: single(result.content) }) as unknown as JsonObject
  )
}

/** Before 2025-11-25 a message has one block; every revision takes one for a list of one. */
const single = (content: McpSchema.SamplingMessage["content"]): McpSchema.SamplingMessage["content"] =>
  Array.isArray(content) && content.length === 1 ? content[0]! : content

const readElicitation = SchemaParser.decodeUnknownExit(McpSchema.ElicitParams)

const readSampling = SchemaParser.decodeUnknownExit(McpSchema.CreateMessageParams)

const unreadable = (method: string) => McpError.invalidParams(`These are no params of ${method}.`)
