/**
 * `tools/list` and `tools/call`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as RequestContext from "../../context/RequestContext.ts"
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
import type * as handlerContext from "./handlerContext.ts"

/** How many tools may call each other within one request. */
const maxDepth = 10

export const list = (tools: registry.Registry): router.Handler => (_params: typeof McpSchema.ListParams.Type) =>
  // One page: a cursor can only be somebody else's.
  _params.cursor === undefined
    ? { effect: Effect.sync(() => ({ tools: tools.tools() })) }
    : McpError.invalidParams("The cursor is not one this server gave out; list again from the start.")

export const call = (
  tools: registry.Registry,
  wrap: Middleware.Wrap<never> | undefined
): router.Handler =>
(params: McpSchema.CallToolParams, { header, request }) => {
  const registered = tools.tool(params.name)
  if (registered === undefined) return McpError.make(new McpError.ToolNotFound({ name: params.name }))
  const refused = checkCapabilities(registered.tool, request)
    ?? (header === undefined || request.scope.revision.era === "Stateful"
      ? undefined
      : checkHeaders(registered, params, header))
  if (refused !== undefined) return refused
  return {
    effect: respond(registered, params, request, wrap),
    context: registered.context,
    tool: registered.tool
  }
}

const respond = (
  { tool }: registry.RegisteredTool,
  params: McpSchema.CallToolParams,
  request: handlerContext.HandlerContext,
  wrap: Middleware.Wrap<never> | undefined
): Effect.Effect<object, McpError.McpError> => {
  const respond = Tool.respond(tool as Tool.Handled<string, any, any, any, never>, params.arguments ?? noArguments)
  const limited = tool.timeout === undefined ? respond : Budget.timeout(respond, tool.timeout)
  return wrap === undefined ? limited : wrap({ method: "tools/call", params, context: request, tool }, limited)
}

/** A tool calling another of its server: the same middleware, what is left of the budget, no transport. */
export const nestedCall = (
  tools: registry.Registry,
  wrap: () => Middleware.Wrap<never> | undefined
): handlerContext.CallTool =>
(caller, params) => {
  const registered = tools.tool(params.name)
  if (registered === undefined) return Effect.fail(McpError.make(new McpError.ToolNotFound({ name: params.name })))
  if (caller.depth >= maxDepth) {
    return Effect.fail(McpError.invalidRequest(`Tools may call each other ${maxDepth} deep at most.`))
  }
  const refused = checkCapabilities(registered.tool, caller)
  if (refused !== undefined) return Effect.fail(refused)
  const request = caller.nested()
  const answer = respond(registered, params, request, wrap()) as Effect.Effect<
    McpSchema.CallToolResult,
    McpError.McpError
  >
  // What the tool was assembled with, and of its caller what belongs to the request: span, budget, identity.
  const assembled = Effect.updateContext(
    answer,
    (current: Context.Context<never>) =>
      Context.add(Context.merge(current, registered.context), RequestContext.RequestContext, request)
  )
  return Effect.useSpan(
    Tracing.spanName("tools/call", params.name),
    { attributes: { [Tracing.attributes.method]: "tools/call", [Tracing.attributes.toolName]: params.name } },
    (span) => Effect.withParentSpan(Budget.nested(assembled, {}), span, { captureStackTrace: false })
  )
}

const noArguments = {}

const checkCapabilities = (
  tool: Tool.Any,
  request: handlerContext.HandlerContext
): McpError.McpError | undefined => {
  if (tool.requires === undefined) return undefined
  const { capabilities } = request.client
  const declared: Capabilities = capabilities.elicitation === undefined || "form" in capabilities.elicitation
      || "url" in capabilities.elicitation
    ? capabilities as Capabilities
    // An empty `elicitation` has always meant forms.
    : { ...capabilities, elicitation: { form: {} } }
  const missing = Object.entries(tool.requires).filter(([key, wanted]) => !covers(declared[key], wanted))
  return missing.length === 0 ? undefined : McpError.make(
    new McpError.MissingCapability({
      message: `${tool.name} needs a client with ${missing.map(([key]) => key).join(", ")}`,
      required: Object.fromEntries(missing)
    })
  )
}

interface Capabilities {
  readonly [key: string]: unknown
}

/** Whether what the client declared has every member that is wanted, and every flag that is wanted true. */
const covers = (declared: unknown, wanted: unknown): boolean =>
  typeof wanted === "object" && wanted !== null && typeof declared === "object" && declared !== null
    ? Object.entries(wanted).every(([key, value]) => covers((declared as Capabilities)[key], value))
    : wanted === undefined || wanted === false || (wanted === true ? declared === true : declared !== undefined)

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
