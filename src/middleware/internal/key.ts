import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Identity from "../../context/Identity.ts"
import type * as Middleware from "../Middleware.ts"

/** Who calls: a middleware further out may know better than the transport, but for the tenant. */
export const callerOf = (fiber: Fiber.Fiber<unknown, unknown>): Identity.Identity => {
  const current = fiber.getRef(Identity.CurrentIdentity)
  const known = Context.getOrUndefined(fiber.context as Context.Context<Identity.Required>, Identity.Required)
  return known === undefined
    ? current
    : known.tenant === current.tenant || known.tenant !== undefined
    ? known
    : { ...known, tenant: current.tenant }
}

/** What the request is counted by. No two of one kind have a key in common, and no two tenants. */
export const of = (
  per: Middleware.Per,
  request: Middleware.Request,
  identity: Identity.Identity
): string | undefined => {
  const key = ofOne(per, request, identity)
  return key === undefined || identity.tenant === undefined ? key : JSON.stringify([identity.tenant, key])
}

const ofOne = (
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
