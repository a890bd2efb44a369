/** What the tests of single middlewares serve: a tool whose runs the test decides. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import type * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as Middleware from "fastmcp-effect/middleware/Middleware"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as McpServer from "fastmcp-effect/server/McpServer"
import type * as Receiver from "fastmcp-effect/transport/Receiver"

export const info = { name: "middleware", version: "1.0.0" }

export type Step = Effect.Effect<string, string | McpError.McpError>

export interface Script {
  runs: number
  readonly run: Step
}

/** Runs the steps one after the other, and the last one for ever. */
export const script = (...steps: ReadonlyArray<Step>): Script => {
  const made: Script = {
    runs: 0,
    run: Effect.suspend(() => steps[Math.min(made.runs++, steps.length - 1)]!)
  }
  return made
}

export const tool = (
  name: string,
  run: Step,
  annotations: McpSchema.ToolAnnotations = {}
) => Tool.make(name, { success: Schema.String, failure: Schema.String, annotations, handler: () => run })

export const resource = (uri: string, run: Effect.Effect<string, McpError.McpError>) =>
  Resource.make(uri, { handler: run })

export const serve = <const M extends ReadonlyArray<Middleware.Any>>(
  middleware: M,
  ...tools: ReadonlyArray<Tool.Handled<string, any, any, any, RequestContext.RequestContext>>
) => McpServer.layer({ ...info, tools, middleware })

/** A server as several clients see it. */
export const shared = <E>(server: Layer.Layer<Receiver.Receiver, E>) =>
  Effect.map(Layer.build(server), (context) => Layer.succeedContext(context))

/** What is logged meanwhile by the server, each entry with its annotations. */
export const logging = () => {
  const logged: Array<{ readonly level: string; readonly text: string; readonly [key: string]: unknown }> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    logged.push({
      level: logLevel,
      text: Array.isArray(message) ? message.join(" ") : String(message),
      ...fiber.getRef(References.CurrentLogAnnotations)
    })
  })
  return { logged, layer: Logger.layer([logger]) }
}
