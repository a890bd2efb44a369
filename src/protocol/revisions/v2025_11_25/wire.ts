/**
 * What 2025-11-25 added: icons, a server's description and website, parts of sampling and elicitation, sampling with
 * tools, tasks.
 */
import type * as McpSchema from "../../McpSchema.ts"
import * as stateful from "../stateful.ts"
import * as before from "../v2025_06_18/wire.ts"

const { content, ...rest } = before.wire

export const wire: stateful.Wire = {
  ...rest,
  implementation: [...rest.implementation, "description", "websiteUrl", "icons"],
  clientCapabilities: [...rest.clientCapabilities, "tasks"],
  serverCapabilities: [...rest.serverCapabilities, "tasks"],
  tool: [...rest.tool, "icons", "execution"],
  prompt: [...rest.prompt, "icons"],
  resource: [...rest.resource, "icons"],
  resourceTemplate: [...rest.resourceTemplate, "icons"],
  content: { ...content, resource_link: [...content.resource_link ?? [], "icons"] }
}

/**
 * It has every kind of content the model has, so that only structured content is looked at: an object, or text. A call
 * that has become a task is answered with that.
 */
export const callToolResult = (result: McpSchema.CallToolResult | McpSchema.CreateSessionTaskResult): object =>
  "task" in result ? result : stateful.fitting(result, stateful.isObject)

const tools = stateful.each(stateful.tool(wire))

const toolResult = (content: McpSchema.SamplingContent): McpSchema.SamplingContent =>
  content.type === "tool_result" ? stateful.fitting(content, stateful.isObject) : content

const messages = stateful.each<McpSchema.SamplingMessage>((message) =>
  stateful.within(
    message,
    "content",
    (content) =>
      Array.isArray(content)
        ? stateful.each(toolResult)(content)
        : toolResult(content as McpSchema.SamplingContent)
  )
)

export const sampling = (params: McpSchema.CreateMessageParams): object =>
  stateful.within(stateful.within(params, "messages", messages), "tools", tools)
