/** Whether what a server answers is an answer to the method. What fits is passed on as it came, with all its members. */
import * as Exit from "effect/Exit"
import * as SchemaParser from "effect/SchemaParser"
import type { JsonObject } from "../../protocol/JsonRpc.ts"
import type * as McpError from "../../protocol/McpError.ts"
import type * as Revision from "../../protocol/Revision.ts"
import type * as McpClientError from "../McpClientError.ts"

interface Checks {
  readonly fits: (result: unknown) => boolean
  readonly read: (result: unknown) => Exit.Exit<unknown, { readonly toString: () => string }>
}

/** What is wrong with a result, in words. Nothing is known of a method that the revision does not have. */
export type FaultOf = (revision: Revision.Revision, method: string, result: JsonObject) => string | undefined

/** Compiles what checks the results of a method with the first of them. */
export const makeFaultOf = (): FaultOf => {
  const checks = new Map<Revision.Method, Checks>()
  return (revision, method, result) => {
    if (!Object.hasOwn(revision.requests, method)) return undefined
    const known = revision.requests[method]!
    let found = checks.get(known)
    if (found === undefined) {
      found = {
        fits: SchemaParser.is(known.result),
        read: SchemaParser.decodeUnknownExit(known.result) as Checks["read"]
      }
      checks.set(known, found)
    }
    if (found.fits(result)) return undefined
    const exit = found.read(result)
    return Exit.isSuccess(exit)
      ? undefined
      : exit.cause.reasons.map((reason) => reason._tag === "Fail" ? String(reason.error) : "it cannot be read").join(
        "; "
      )
  }
}

/** A missing resource is said with two codes. */
export const isNotFound = (error: McpError.McpError | McpClientError.McpClientError): boolean => {
  if (error._tag !== "McpError") return false
  const { reason } = error
  if (reason._tag === "Other") return reason.code === -32002
  if (reason._tag !== "InvalidParams") return false
  const { data } = reason
  return typeof data === "object" && data !== null && "uri" in data && typeof data.uri === "string"
}
