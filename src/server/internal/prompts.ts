/**
 * `prompts/get`.
 */
import * as Effect from "effect/Effect"
import * as Prompt from "../../definition/Prompt.ts"
import type * as Middleware from "../../middleware/Middleware.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as Tracing from "../../telemetry/Tracing.ts"
import type * as registry from "../registry.ts"
import type * as router from "../router.ts"
import type * as handlerContext from "./handlerContext.ts"
import type * as lists from "./lists.ts"
import * as permission from "./permission.ts"
import * as siblings from "./siblings.ts"

export interface Options {
  readonly prompts: registry.Shelf<registry.RegisteredPrompt>
  readonly isVisible: lists.IsVisible
}

const find = (
  { isVisible, prompts }: Options,
  name: string,
  request: handlerContext.HandlerContext
): registry.RegisteredPrompt | McpError.McpError => {
  const registered = prompts.get(name)
  if (registered === undefined || !isVisible(registered, request)) {
    return McpError.make(new McpError.PromptNotFound({ name }))
  }
  return permission.refusal(registered.definition, request) ?? registered
}

const respond = (
  { definition }: registry.RegisteredPrompt,
  params: McpSchema.GetPromptParams
): Effect.Effect<McpSchema.GetPromptResult, McpError.McpError> =>
  Prompt.respond(definition as Prompt.Handled<string, any, never>, params.arguments)

export const get = (options: Options): router.Handler => (params: McpSchema.GetPromptParams, { request }) => {
  const registered = find(options, params.name, request)
  return registered instanceof McpError.McpError ? registered : {
    effect: respond(registered, params),
    context: registered.context,
    scopes: registered.definition.scopes,
    definition: registered.definition,
    target: { attribute: Tracing.attributes.promptName, value: params.name, name: params.name }
  }
}

export const nestedGet = (
  options: Options,
  wrap: () => Middleware.Wrap<never> | undefined
): handlerContext.Siblings["getPrompt"] =>
(caller, params) => {
  const registered = find(options, params.name, caller)
  if (registered instanceof McpError.McpError) return Effect.fail(registered)
  return siblings.run(caller, {
    method: "prompts/get",
    target: params.name,
    params,
    spanName: Tracing.spanName("prompts/get", params.name),
    attributes: { [Tracing.attributes.promptName]: params.name },
    context: registered.context,
    scopes: registered.definition.scopes,
    answer: (request) =>
      siblings.wrapped(
        wrap(),
        { method: "prompts/get", params, context: request, tool: undefined, definition: registered.definition },
        respond(registered, params)
      )
  })
}
