/**
 * Which tenant a caller acts for. It follows from who the caller is, as authentication established it; what the request
 * itself says can only choose among the tenants the caller belongs to.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Identity from "../context/Identity.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as Admission from "../transport/Admission.ts"
import type * as Receiver from "../transport/Receiver.ts"

/** The tenants of a caller, in no order. */
export type Tenants = string | ReadonlyArray<string> | undefined

export type Lookup = (identity: Identity.Identity) => Tenants | Effect.Effect<Tenants, McpError.McpError>

type Header = ((name: string) => string | undefined) | undefined

/** A tenant, or why there is none. */
export type Found = string | McpError.McpError

/** NOTE: an error is an effect as well, which fails with itself. */
export const isFound = (found: Found | Effect.Effect<unknown>): found is Found =>
  typeof found === "string" || found instanceof McpError.McpError

export interface Belonging {
  readonly of: (context: Context.Context<never>, header: Receiver.Exchange["header"]) => Found | Effect.Effect<Found>
  /** The services of a request, with its caller as a member of this tenant. */
  readonly within: (context: Context.Context<never>, tenant: string) => Context.Context<never>
  /** Lets in only who belongs to a tenant, as a member of it. */
  readonly admitting: (admission: Admission.Admission["Service"] | undefined) => Admission.Admission["Service"]
}

export const make = ({ header: name, lookup }: {
  readonly lookup: Lookup
  /** In lower case. */
  readonly header: string | undefined
}): Belonging => {
  const members = new WeakMap<Context.Context<never>, Map<string, Context.Context<never>>>()

  const memberOf = (context: Context.Context<never>): string | undefined => {
    const member = Context.get(context, Member)
    return member?.by === members ? member.tenant : undefined
  }

  const chosen = (identity: Identity.Identity, tenants: Tenants, header: Header): Found => {
    const own = (typeof tenants === "string" ? [tenants] : tenants ?? []).filter((tenant) => tenant !== "")
    const asked = name === undefined ? undefined : header?.(name)
    if (own.length === 0) return Identity.isAuthenticated(identity) ? outsider : stranger
    // Whether there is such a tenant is not for those to know who are not of it.
    if (asked !== undefined) return own.includes(asked) ? asked : outsider
    if (own.every((tenant) => tenant === own[0])) return own[0]!
    return forbidden(
      name === undefined
        ? "This caller belongs to several tenants, and nothing says which one this is for."
        : `This caller belongs to several tenants; name one in the header ${name}.`
    )
  }

  const find = (identity: Identity.Identity, header: Header): Found | Effect.Effect<Found> => {
    const found = told(lookup, identity)
    return Effect.isEffect(found)
      ? Effect.match(found, { onSuccess: (tenants) => chosen(identity, tenants, header), onFailure: (error) => error })
      : chosen(identity, found, header)
  }

  const within = (context: Context.Context<never>, tenant: string): Context.Context<never> => {
    if (memberOf(context) === tenant) return context
    // The same caller most often comes again, and what is made of its services is kept by them.
    let known = members.get(context)
    if (known === undefined) members.set(context, known = new Map())
    let member = known.get(tenant)
    if (member === undefined) {
      const identity = { ...Context.get(context, Identity.CurrentIdentity), tenant }
      member = Context.add(Context.merge(context, Identity.context(identity)), Member, { by: members, tenant })
      known.set(tenant, member)
    }
    return member
  }

  const admitting = (admission: Admission.Admission["Service"] | undefined): Admission.Admission["Service"] => {
    const { admit, ...rest } = admission ?? everybody
    const enter = (
      verdict: Admission.Verdict,
      request: Admission.Request
    ): Admission.Verdict | Effect.Effect<Admission.Verdict> => {
      if (verdict._tag === "Refused") return verdict
      const identity = Context.get(verdict.context, Identity.CurrentIdentity)
      const found = find(identity, request.header)
      const decide = (tenant: Found): Admission.Verdict =>
        typeof tenant === "string" ? admitted(verdict, identity, tenant) : refused(tenant)
      return isFound(found) ? decide(found) : Effect.map(found, decide)
    }
    const admitted = (
      verdict: Admission.Admitted,
      identity: Identity.Identity,
      tenant: string
    ): Admission.Admitted => ({
      ...verdict,
      context: within(verdict.context, tenant),
      principal: verdict.principal === Identity.principal(identity)
        ? Identity.principal({ ...identity, tenant })
        : JSON.stringify([verdict.principal, tenant])
    })
    const refused = (error: McpError.McpError): Admission.Refused => ({
      _tag: "Refused",
      status: statusOf(error),
      // Another token of the same caller would change nothing, unless there was none.
      headers: error.reason._tag === "Unauthenticated"
        ? rest.challenge(error)
        : error.reason._tag === "Overloaded"
        ? { "retry-after": String(Math.ceil((error.reason.retryAfter ?? 1000) / 1000)) }
        : {},
      error
    })
    const asEffect = (found: Admission.Verdict | Effect.Effect<Admission.Verdict>) =>
      Effect.isEffect(found) ? found : Exit.succeed(found)
    return {
      ...rest,
      admit: (request) => {
        const verdict = admit(request)
        return Exit.isExit(verdict) && Exit.isSuccess(verdict)
          ? asEffect(enter(verdict.value as Admission.Verdict, request))
          : Effect.flatMap(verdict, (verdict) => asEffect(enter(verdict, request)))
      }
    }
  }

  return {
    of: (context, header) => {
      const known = memberOf(context)
      return known ?? find(Context.get(context, Identity.CurrentIdentity), header)
    },
    within,
    admitting
  }
}

/** What throws is a defect like any other, and no end of the transport. */
const told = (lookup: Lookup, identity: Identity.Identity): ReturnType<Lookup> => {
  try {
    return lookup(identity)
  } catch (defect) {
    return Effect.die(defect)
  }
}

/** What a door has found out of a caller, for those behind that same door. */
const Member: Context.Reference<{ readonly by: object; readonly tenant: string } | undefined> = Context.Reference<
  { readonly by: object; readonly tenant: string } | undefined
>("fastmcp-effect/tenants/belonging/Member", { defaultValue: () => undefined })

const statusOf = ({ reason }: McpError.McpError): number => {
  switch (reason._tag) {
    case "Unauthenticated":
      return 401
    case "Overloaded":
      return 503
    case "RateLimited":
      return 429
    default:
      return 403
  }
}

/** Who asks nobody lets in everybody, as nobody in particular. */
const everybody: Admission.Admission["Service"] = {
  admit: () =>
    Exit.succeed({
      _tag: "Admitted",
      context: Identity.context(Identity.anonymous),
      principal: undefined,
      expiresAt: Infinity
    }),
  challenge: () => ({}),
  documents: new Map()
}

/** It is known who calls, and that is not who may. */
export const forbidden = (message: string): McpError.McpError =>
  McpError.make(new McpError.InsufficientScope({ scopes: [], message }))

const outsider = forbidden("This caller does not belong to the tenant this is for.")

const stranger = McpError.make(
  new McpError.Unauthenticated({ scopes: [], message: "Only callers of a tenant are answered here; say who calls." })
)
