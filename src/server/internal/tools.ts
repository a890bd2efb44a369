/**
 * `tools/call`.
 */
import * as Effect from "effect/Effect"
import * as Budget from "../../core/Budget.ts"
import * as Tool from "../../definition/Tool.ts"
import type * as Middleware from "../../middleware/Middleware.ts"
import * as HeaderValue from "../../protocol/HeaderValue.ts"
import type { Json } from "../../protocol/JsonRpc.ts"
import * as JsonSchema from "../../protocol/JsonSchema.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as Tracing from "../../telemetry/Tracing.ts"
import type * as Receiver from "../../transport/Receiver.ts"
import type * as registry from "../registry.ts"
import type * as router from "../router.ts"
import * as capabilities from "./capabilities.ts"
import type * as handlerContext from "./handlerContext.ts"
import type * as lists from "./lists.ts"
import * as permission from "./permission.ts"
import * as siblings from "./siblings.ts"
import * as turn from "./turn.ts"

export interface Options {
  readonly tools: registry.Shelf<registry.RegisteredTool>
  readonly isVisible: lists.IsVisible
  /** Refuse argument keys no parameter has; a tool may say otherwise. */
  readonly strict: boolean
}

export const call =
  (options: Options, wrap: Middleware.Wrap<never> | undefined): router.Handler =>
  (params: McpSchema.CallToolParams, { header, request }) => {
    const registered = options.tools.get(params.name)
    if (registered === undefined || !options.isVisible(registered, request)) {
      return McpError.make(new McpError.ToolNotFound({ name: params.name }))
    }
    const refused = permission.refusal(registered.definition, request)
      ?? checkCapabilities(registered.definition, request)
      ?? (header === undefined || request.scope.revision.era === "Stateful"
        ? undefined
        : checkHeaders(registered, params, header))
    if (refused !== undefined) return refused
    return {
      effect: respond(registered, params, request, options, wrap),
      context: registered.context,
      scopes: registered.definition.scopes,
      tool: registered.definition
    }
  }

/** With the tool's own limits, and in `wrap`. */
export const respond = (
  { definition: tool, limit }: registry.RegisteredTool,
  params: McpSchema.CallToolParams,
  request: handlerContext.HandlerContext,
  options: Options,
  wrap: Middleware.Wrap<never> | undefined
): Effect.Effect<object, McpError.McpError> => {
  const strict = tool.strict ?? options.strict
  const answer = Tool.respond(
    tool as Tool.Handled<string, any, any, any, never>,
    params.arguments ?? noArguments,
    strict ? strictly : undefined
  )
  const timed = tool.timeout === undefined ? answer : Budget.timeout(answer, tool.timeout)
  // A tool that reaches itself again would wait for its own end.
  const limited = limit === undefined || request.caller?.isWithinTool(tool.name, request.home) === true
    ? timed
    : Effect.suspend(() => turn.make([limit], request.turns).run(timed))
  return wrap === undefined
    ? limited
    : wrap({ method: "tools/call", params, context: request, tool, definition: tool }, limited)
}

const strictly = { strict: true }

/** A handler calling another tool of its server. */
export const nestedCall = (
  options: Options,
  wrap: () => Middleware.Wrap<never> | undefined
): handlerContext.Siblings["callTool"] =>
(caller, params) => {
  const registered = options.tools.get(params.name)
  if (registered === undefined || !options.isVisible(registered, caller)) {
    return Effect.fail(McpError.make(new McpError.ToolNotFound({ name: params.name })))
  }
  const refused = permission.refusal(registered.definition, caller) ?? checkCapabilities(registered.definition, caller)
  if (refused !== undefined) return Effect.fail(refused)
  return siblings.run(caller, {
    method: "tools/call",
    target: params.name,
    params,
    spanName: Tracing.spanName("tools/call", params.name),
    attributes: { [Tracing.attributes.toolName]: params.name },
    context: registered.context,
    scopes: registered.definition.scopes,
    answer: (request) =>
      respond(registered, params, request, options, wrap()) as Effect.Effect<
        McpSchema.CallToolResult,
        McpError.McpError
      >
  })
}

const noArguments = {}

export const checkCapabilities = (
  tool: Tool.Any,
  request: handlerContext.HandlerContext
): McpError.McpError | undefined => {
  if (tool.requires === undefined) return undefined
  const lacking = capabilities.missing(request.client.capabilities, tool.requires)
  return lacking === undefined ? undefined : McpError.make(
    new McpError.MissingCapability({
      message: `${tool.name} needs a client with ${Object.keys(lacking).join(", ")}`,
      required: lacking
    })
  )
}

const checkHeaders = (
  { headers }: registry.RegisteredTool,
  params: McpSchema.CallToolParams,
  header: NonNullable<Receiver.Exchange["header"]>
): McpError.McpError | undefined => {
  for (const parameter of headers) {
    const name = `Mcp-Param-${parameter.header}`
    const value = JsonSchema.valueAt(params.arguments as Json | undefined, parameter.path)
    const raw = header(name.toLowerCase())
    if (value === undefined || value === null) continue
    if (raw === undefined) return mismatch(`The ${name} header is missing, but the arguments have a value for it.`)
    const decoded = HeaderValue.decode(raw)
    const equal = parameter.type === "integer" && decoded !== undefined && decimal.test(decoded)
      ? Number(decoded) === value
      : decoded === String(value)
    if (!equal) return mismatch(`The ${name} header does not equal the argument it mirrors.`)
  }
  return undefined
}

const decimal = /^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/iu

const mismatch = (message: string) => McpError.make(new McpError.HeaderMismatch({ message }))
