/**
 * The most bytes a result may have: a model that gets too much is no better off. A tool's result that is larger becomes a
 * failure the model can read; what else is larger is refused with code 413.
 */
import * as Effect from "effect/Effect"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as jsonSize from "./internal/jsonSize.ts"
import * as methods from "./internal/methods.ts"
import * as Middleware from "./Middleware.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** Of the result as JSON in UTF-8, a whole number from 1: 1 MiB when left out. */
  readonly maxBytes?: number
}

/**
 * It is for what runs code of the author's; lists and the like have their pages.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = ({ maxBytes = 1_048_576 }: Options = {}): Middleware.Middleware<never, never> => {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) throw new Error("maxBytes is not a whole number from 1.")
  const message = `The result has more than ${maxBytes} bytes, which is more than this server sends; ask for less.`
  const failure: McpSchema.CallToolResult = { content: [{ type: "text", text: message }], isError: true }
  const refusal = McpError.make(new McpError.Other({ code: 413, message }))
  return Middleware.make((request, next) =>
    methods.isProtocol(request.method) ?
      next :
      Effect.flatMap(next, (result): Middleware.Next =>
        jsonSize.of(result, maxBytes) <= maxBytes
          ? Effect.succeed(result)
          : request.tool === undefined
          ? Effect.fail(refusal)
          : Effect.succeed(failure))
  )
}
