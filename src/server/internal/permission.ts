/**
 * The scopes of definitions against those of the caller.
 */
import * as Challenge from "../../context/Challenge.ts"
import type * as Definition from "../../definition/Definition.ts"
import type * as McpError from "../../protocol/McpError.ts"
import type * as handlerContext from "./handlerContext.ts"

/** Why the caller may not use it, if it may not. */
export const refusal = (
  { scopes }: Definition.Options,
  request: Pick<handlerContext.HandlerContext, "viewer">
): McpError.McpError | undefined =>
  scopes === undefined || scopes.length === 0 ? undefined : Challenge.refusal(request.viewer.identity, scopes)
