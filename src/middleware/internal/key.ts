import * as Identity from "../../context/Identity.ts"
import type * as Middleware from "../Middleware.ts"

/** What the request is counted by. No two of one kind have a key in common. */
export const of = (
  per: Middleware.Per,
  request: Middleware.Request,
  identity: Identity.Identity
): string | undefined => {
  switch (per) {
    case "server":
      return ""
    case "tool":
      return request.tool?.name
    case "session":
      return request.context.sessionId === undefined
        ? `identity ${Identity.principal(identity)}`
        : `session ${request.context.sessionId}`
    case "identity":
      return Identity.principal(identity) ?? ""
    default:
      return per(request, identity)
  }
}
