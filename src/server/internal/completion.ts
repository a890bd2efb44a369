/**
 * `completion/complete`: of a prompt's arguments and of a template's variables.
 */
import type * as Effect from "effect/Effect"
import * as Prompt from "../../definition/Prompt.ts"
import * as ResourceTemplate from "../../definition/ResourceTemplate.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import type * as registry from "../registry.ts"
import type * as router from "../router.ts"
import type * as lists from "./lists.ts"
import * as permission from "./permission.ts"

export const complete = (options: {
  readonly registry: registry.Registry
  readonly isVisible: lists.IsVisible
}): router.Handler =>
({ argument, context, ref }: McpSchema.CompleteParams, { request }) => {
  const known = { arguments: context?.arguments ?? {} }
  const visible = <R extends registry.Registered<registry.AnyDefinition>>(registered: R | undefined) =>
    registered !== undefined && options.isVisible(registered, request) ? registered : undefined
  const plan = (
    { context, definition }: registry.Registered<registry.AnyDefinition>,
    effect: Effect.Effect<McpSchema.CompleteResult, McpError.McpError>
  ): router.Plan | McpError.McpError =>
    permission.refusal(definition, request) ?? { effect, context, scopes: definition.scopes, definition }

  if (ref.type === "ref/prompt") {
    const prompt = visible(options.registry.prompts.get(ref.name))
    return prompt === undefined
      ? McpError.make(new McpError.PromptNotFound({ name: ref.name }))
      : plan(prompt, Prompt.complete(prompt.definition as Prompt.Handled<string, any, never>, argument, known))
  }
  const template = visible(options.registry.templates.get(ref.uri))
  if (template !== undefined) {
    return plan(
      template,
      ResourceTemplate.complete(
        template.definition as ResourceTemplate.Handled<string, any, any, never>,
        argument,
        known
      )
    )
  }
  return visible(options.registry.resources.get(ref.uri)) === undefined
    ? McpError.invalidParams(`No resource template is ${JSON.stringify(ref.uri)}.`)
    : McpError.invalidParams(`The resource ${JSON.stringify(ref.uri)} has no arguments to complete.`)
}
