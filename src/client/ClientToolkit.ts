/**
 * A server's tools, or those of a group, as a toolkit of `effect/ai`, which this module loads: a language model picks
 * one, and the server runs it.
 *
 * ```ts
 * import * as LanguageModel from "effect/ai/LanguageModel"
 * import * as Effect from "effect/Effect"
 * import { ClientToolkit, McpClient } from "fastmcp-effect/client"
 *
 * const answer = Effect.gen(function*() {
 *   const client = yield* McpClient.McpClient
 *   const toolkit = yield* ClientToolkit.make(client)
 *   return yield* LanguageModel.generateText({ prompt: "Will it rain in Oslo?", toolkit })
 * })
 * ```
 */
import * as AiTool from "effect/ai/Tool"
import * as AiToolkits from "effect/ai/Toolkit"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as JsonSchema from "effect/JsonSchema"
import * as Schema from "effect/Schema"
import * as AiToolkit from "../definition/AiToolkit.ts"
import * as DefinitionError from "../definition/DefinitionError.ts"
import { isObject } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import type * as ClientGroup from "./ClientGroup.ts"
import * as ClientGroupError from "./ClientGroupError.ts"
import * as modelContent from "./internal/modelContent.ts"
import type * as McpClient from "./McpClient.ts"
import * as McpClientError from "./McpClientError.ts"

/** The tool was called and failed. Its message is for the model to read. @category errors @since 0.1.0 */
export class ToolFailed extends Schema.TaggedError<ToolFailed>("fastmcp-effect/client/ClientToolkit/ToolFailed")(
  "ToolFailed",
  { tool: Schema.String, message: Schema.String }
) {}

/** @category errors @since 0.1.0 */
export const Failure = Schema.Union([
  ToolFailed,
  McpError.McpError,
  McpClientError.McpClientError,
  ClientGroupError.ClientGroupError
])

/** @category errors @since 0.1.0 */
export type Failure = typeof Failure.Type

/** A tool of a server, whose parameters are known by their JSON Schema alone. @category models @since 0.1.0 */
export interface Tool<Mode extends AiTool.FailureMode = AiTool.FailureMode> extends
  AiTool.Dynamic<string, {
    readonly parameters: JsonSchema.JsonSchema
    readonly success: typeof McpSchema.CallToolResult
    readonly failure: typeof Failure
    readonly failureMode: Mode
  }>
{}

/** @category models @since 0.1.0 */
export interface Tools<Mode extends AiTool.FailureMode = AiTool.FailureMode> {
  readonly [name: string]: Tool<Mode>
}

/** What has tools: a client, or a group of them. @category models @since 0.1.0 */
export type Source =
  | Pick<McpClient.Client, "listTools" | "callTool">
  | Pick<ClientGroup.Group, "listTools" | "callTool">

/** @category models @since 0.1.0 */
export interface Options<Mode extends AiTool.FailureMode = "return"> {
  /** Which tools the model gets, by the names that the source lists. All of them. */
  readonly include?: (tool: McpSchema.Tool) => boolean
  /** What the model calls a tool. The name it is listed with. */
  readonly rename?: (tool: McpSchema.Tool) => string
  /**
   * `return`: whatever fails is told to the model as a `ToolFailed`, so that it may try something else. `error`: the
   * generation fails, with a `ToolFailed` where the tool said that it failed and with the client's error otherwise.
   * `return`.
   */
  readonly failureMode?: Mode
  /** Tools that run only once the user agrees, in the way of `effect/ai`. None. */
  readonly needsApproval?: (tool: McpSchema.Tool) => boolean
  /** How each call is made. */
  readonly call?: McpClient.CallOptions
}

/**
 * The tools as they are listed now; make it anew where the list has changed, which costs nothing while the client keeps
 * it. A result is the protocol's own, and a model reads its content, images and sound among it. Tools of servers that are
 * missing from a group are not there. It fails where two tools would have one name.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Mode extends AiTool.FailureMode = "return">(
  source: Source,
  options: Options<Mode> = {}
): Effect.Effect<
  AiToolkits.WithHandler<Tools<Mode>>,
  McpClient.CallError | DefinitionError.DefinitionError
> =>
  Effect.gen(function*() {
    const { call, include = () => true, needsApproval, rename = ({ name }) => name } = options
    const mode = options.failureMode ?? "return"
    const listing: Effect.Effect<
      ReadonlyArray<McpSchema.Tool> | ClientGroup.Listing<McpSchema.Tool>,
      McpClient.CallError
    > = source.listTools()
    const listed = yield* listing
    const tools = new Map<string, AiTool.AnyDynamic>()
    const handlers = new Map<string, (args: unknown) => Effect.Effect<McpSchema.CallToolResult, Failure>>()
    for (const tool of "items" in listed ? listed.items : listed) {
      if (!include(tool)) continue
      const name = rename(tool)
      if (tools.has(name)) {
        return yield* DefinitionError.make(new DefinitionError.Duplicate({ kind: "tool", name }))
      }
      tools.set(
        name,
        AiTool.dynamic(name, {
          description: tool.description,
          parameters: modelContent.parametersOf(tool.inputSchema),
          success: McpSchema.CallToolResult,
          failure: Failure,
          failureMode: mode,
          toModelOutput: ({ content, structuredContent }: McpSchema.CallToolResult) =>
            modelContent.modelOutputOf(
              content.length > 0 || structuredContent === undefined
                ? content
                : [{ type: "text", text: JSON.stringify(structuredContent) }]
            ),
          needsApproval: needsApproval?.(tool)
        }).annotateMerge(AiToolkit.annotationsOf({ ...tool, meta: tool._meta })) as unknown as AiTool.AnyDynamic
      )
      handlers.set(name, (args) => run(source, tool.name, args, mode, call))
    }
    const toolkit = AiToolkits.make(...tools.values()) as AiToolkits.Toolkit<any>
    const context = yield* toolkit.toHandlers(Object.fromEntries(handlers) as never)
    return yield* Effect.provideContext(toolkit, context) as Effect.Effect<AiToolkits.WithHandler<Tools<Mode>>>
  })

const run = (
  source: Source,
  name: string,
  args: unknown,
  mode: AiTool.FailureMode,
  call: McpClient.CallOptions | undefined
): Effect.Effect<McpSchema.CallToolResult, Failure> => {
  const failed = (message: string) => Effect.fail(new ToolFailed({ tool: name, message }))
  if (!isObject(args)) return failed(`The parameters of ${name} are an object, not ${JSON.stringify(args)}`)
  const called: Effect.Effect<McpSchema.CallToolResult, Exclude<Failure, ToolFailed>> = source.callTool(
    name,
    args,
    call
  )
  return Effect.matchCauseEffect(called, {
    onSuccess: (result) =>
      result.isError === true
        ? failed(modelContent.textOf(result.content) || `${name} failed and does not say why`)
        : Effect.succeed(result),
    onFailure: (cause): Effect.Effect<never, Failure> => {
      // What the server has cancelled ends this call, and not the whole generation.
      if (Cause.hasInterruptsOnly(cause)) return failed("The server has cancelled the call")
      const failure = cause.reasons.find(Cause.isFailReason)
      return failure === undefined || mode === "error" ? Effect.failCause(cause) : failed(failure.error.message)
    }
  })
}
