/**
 * A client's tokens for one protected server: found, renewed in time, and got anew when the server refuses them. One
 * thing is done at a time, whoever asks for it, in this process and in all that share the store; who comes while it is
 * done gets what comes of it.
 */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Metadata from "../Metadata.ts"
import * as OAuthError from "../OAuthError.ts"
import * as SafeFetch from "../SafeFetch.ts"
import * as Token from "../Token.ts"
import type * as WwwAuthenticate from "../WwwAuthenticate.ts"
import * as discovery from "./discovery.ts"
import * as dpop from "./dpop.ts"
import type * as grant from "./grant.ts"
import * as TokenStore from "./TokenStore.ts"

/** @category models @since 0.1.0 */
export interface Options<R> {
  /** The server that is protected. */
  readonly address: URL
  /** How tokens are come by: `AuthorizationCode.make()`, `ClientCredentials.make()`, ... */
  readonly grant: grant.Grant<R>
  /** Asked for besides what the server says it wants. */
  readonly scopes?: ReadonlyArray<string>
  /**
   * Whether tokens are bound to a key of this client, so that who steals one cannot use it (DPoP). `auto` where the
   * server says that it takes such. `auto`.
   */
  readonly dpop?: "auto" | "always" | "never"
  /** Whose tokens these are, where one store has those of several users. */
  readonly account?: string
}

/** A token as it is used. @category models @since 0.1.0 */
export interface Held {
  readonly token: Token.Token
  /** What goes with a token that is bound to a key. */
  readonly proof: dpop.Dpop["proof"] | undefined
}

/** @category models @since 0.1.0 */
export interface Refusal {
  readonly status: 401 | 403
  readonly challenges: ReadonlyArray<WwwAuthenticate.Challenge>
  /** What the request had with it. */
  readonly sent: Held | undefined
  /** How often this request has been refused, this time included. */
  readonly attempt: number
  /** Whether somebody waits for the request, so that a person may be asked for its sake. */
  readonly isWaitedFor: boolean
}

/** @category models @since 0.1.0 */
export interface OAuthClient {
  /** Whether a person may be asked just now, by this program or by another that shares the store. */
  readonly isAskingUser: () => boolean
  /** What to send; undefined where there is nothing yet, and the server has to say what it wants. */
  readonly current: Effect.Effect<Held | undefined, OAuthError.OAuthError>
  /** Sees to it that there is something else to send. Whoever stops waiting for that does not stop it. */
  readonly refused: (refusal: Refusal) => Effect.Effect<void, OAuthError.OAuthError>
}

type Result<A> = Effect.Effect<A, OAuthError.OAuthError>

/** What is kept of a grant. */
const Kept = Schema.Struct({
  server: Metadata.AuthorizationServer,
  isDescribed: Schema.Boolean,
  resource: Schema.optionalKey(Schema.String),
  /** What was asked for, and is asked for again. */
  requested: Schema.optionalKey(Schema.Array(Schema.String)),
  key: Schema.optionalKey(dpop.PrivateKey),
  token: Token.Token
})

type Kept = typeof Kept.Type

const Stored = Schema.fromJsonString(Kept)

/** In memory, with what cannot be kept. */
interface Current extends Held {
  readonly kept: Kept
  readonly from: "store" | "refresh" | "grant"
}

/** @category constructors @since 0.1.0 */
export const make = <R>(
  options: Options<R>
): Effect.Effect<
  OAuthClient,
  never,
  TokenStore.TokenStore | SafeFetch.SafeFetch | SecureRandom.SecureRandom | Scope.Scope | R
> =>
  Effect.gen(function*() {
    const { account = "", address, grant, scopes: always = [] } = options
    const context = yield* Effect.context<R>()
    const scope = yield* Effect.scope
    const store = yield* TokenStore.TokenStore
    const services = {
      clock: yield* Clock.Clock,
      random: yield* SecureRandom.SecureRandom,
      safe: yield* SafeFetch.SafeFetch
    }
    const server = `${address.origin}${address.pathname}`
    const key = `token/${account === "" ? "" : `${account}@`}${server}`
    let current: Current | undefined
    let isLoaded = false
    let flight: Deferred.Deferred<void, OAuthError.OAuthError> | undefined
    /** When renewing is tried again that has come to nothing. */
    let notBefore = 0
    /** Times that a server was asked for the same scopes because of a 403. */
    const stepUps = new Map<string, number>()

    /** Joins what is being done, or begins this. It goes on when nobody waits for it any more. */
    const fly = (work: Effect.Effect<void, OAuthError.OAuthError, R | Scope.Scope>): Result<void> =>
      Effect.uninterruptibleMask((restore) => {
        if (flight !== undefined) return restore(Deferred.await(flight))
        const landed = flight = Deferred.makeUnsafe<void, OAuthError.OAuthError>()
        const locked = Effect.scoped(Effect.andThen(store.lock(key), work))
        return Effect.flatMap(
          Effect.forkIn(Effect.interruptible(Effect.provideContext(locked, context)), scope),
          (fiber) => {
            fiber.addObserver((exit) => {
              flight = undefined
              Deferred.doneUnsafe(landed, exit)
            })
            return restore(Deferred.await(landed))
          }
        )
      })

    // ------------------------------------------------------------------------
    // what is kept
    // ------------------------------------------------------------------------

    const take = (kept: Kept, from: Current["from"]): Result<void> =>
      Effect.map(proofOf(kept), (proof) => {
        current = { kept, from, token: kept.token, proof }
        isLoaded = true
      })

    const proofOf = ({ key, token }: Kept): Result<dpop.Dpop["proof"] | undefined> =>
      token.type === "DPoP" && key !== undefined
        ? Effect.map(dpop.make(key, services), ({ proof }) => proof)
        : Effect.succeed(undefined)

    const load: Result<Kept | undefined> = Effect.map(store.get(key), (text) => {
      const found = text === undefined ? undefined : Schema.decodeUnknownOption(Stored)(Redacted.value(text))
      return found?._tag === "Some" ? found.value : undefined
    })

    const save = (kept: Kept, from: Current["from"]): Result<void> =>
      Effect.andThen(store.set(key, Redacted.make(Schema.encodeSync(Stored)(kept))), take(kept, from))

    const hasCome = (time: number | undefined): boolean =>
      time !== undefined && time <= services.clock.currentTimeMillisUnsafe()

    const isOver = ({ token }: Kept): boolean => hasCome(token.expiresAt)

    /** Somebody else has been here meanwhile. */
    const isNews = (kept: Kept, sent: Held | undefined): boolean =>
      !isOver(kept) && (sent === undefined || !isSame(kept.token, sent.token))

    // ------------------------------------------------------------------------
    // renewing
    // ------------------------------------------------------------------------

    const targetOf = (kept: Kept): Result<grant.Target> =>
      Effect.gen(function*() {
        return {
          services,
          store,
          server: kept.server,
          isDescribed: kept.isDescribed,
          resource: kept.resource,
          scopes: kept.requested,
          dpop: kept.key === undefined ? undefined : yield* dpop.make(kept.key, services)
        }
      })

    /** False where the server has said no: the refresh token is of no use any more. */
    const refresh = (kept: Kept): Effect.Effect<boolean, OAuthError.OAuthError> => {
      const { refresh, scopes } = kept.token
      if (refresh === undefined) return Effect.succeed(false)
      return Effect.flatMap(targetOf(kept), (target) =>
        grant.refresh(target, refresh).pipe(
          Effect.flatMap((token) =>
            save({
              ...kept,
              token: { ...(scopes === undefined ? undefined : { scopes }), refresh, ...token }
            }, "refresh")
          ),
          // A server that gives each out once has given away the old one by now.
          Effect.uninterruptible,
          Effect.as(true),
          Effect.catchIf(isNo, () => Effect.as(save(withoutRefresh(kept), current?.from ?? "store"), false))
        ))
    }

    /** Before it is over, so that requests need not be refused first. */
    const renew = (held: Current): Result<void> =>
      fly(Effect.gen(function*() {
        const kept = yield* load
        if (kept !== undefined && isNews(kept, held)) return yield* take(kept, "store")
        if (yield* refresh(kept ?? held.kept)) return
        if (grant.asksUser) return
        const target = yield* targetOf(held.kept)
        yield* save({ ...held.kept, token: yield* grant.obtain(target) }, "grant")
      }))

    const canRenew = ({ token }: Current): boolean => token.refresh !== undefined || !grant.asksUser

    // ------------------------------------------------------------------------
    // beginning
    // ------------------------------------------------------------------------

    const begin = (refusal: Refusal): Result<void> =>
      fly(Effect.gen(function*() {
        const { attempt, challenges, isWaitedFor, sent, status } = refusal
        const kept = yield* load
        if (kept !== undefined && isNews(kept, sent)) return yield* take(kept, "store")
        const challenge = challenges.find(({ scheme }) => scheme === "dpop")
          ?? challenges.find(({ scheme }) => scheme === "bearer")
        const found = yield* discovery.discover({
          services,
          address,
          resourceMetadata: challenge?.parameters.resource_metadata,
          prefer: (issuers) =>
            issuers.find((issuer) => grant.issuers.includes(issuer))
              ?? issuers.find((issuer) => issuer === kept?.server.issuer)
              ?? issuers[0]!
        })
        const { server: { issuer } } = found
        // What one authorization server has given out is nothing to another.
        const previous = kept?.server.issuer === issuer ? kept : undefined
        const challenged = challenge?.parameters.scope?.split(" ").filter((scope) => scope !== "")
        const from = current !== undefined && sent !== undefined && isSame(current.token, sent.token)
          ? current.from
          : "store"
        if (status === 403) yield* countStepUp(previous, challenged)
        else if (attempt > 1 && from === "grant") {
          return yield* OAuthError.make(new OAuthError.TokenRejected({ server, issuer }))
        } else if (previous !== undefined && !(attempt > 1 && from === "refresh")) {
          if (yield* refresh({ ...previous, server: found.server })) return
        }
        if (grant.asksUser && !isWaitedFor) {
          return yield* OAuthError.make(new OAuthError.LoginRequired({ server }))
        }
        const requested = scopesOf(previous, challenged, found.scopes, always)
        const wantsDpop = found.wantsDpop || challenge?.scheme === "dpop"
        const isDpop = options.dpop === "always" || (options.dpop !== "never" && wantsDpop)
        const proofKey = isDpop ? previous?.key ?? (yield* dpop.generate) : undefined
        const fresh = {
          server: found.server,
          isDescribed: found.isDescribed,
          ...(found.resource === undefined ? undefined : { resource: found.resource }),
          ...(requested === undefined ? undefined : { requested }),
          ...(proofKey === undefined ? undefined : { key: proofKey })
        }
        const token = yield* grant.obtain({
          services,
          store,
          server: found.server,
          isDescribed: found.isDescribed,
          resource: found.resource,
          scopes: grant.asksUser ? withOffline(found.server, requested) : requested,
          dpop: proofKey === undefined ? undefined : yield* dpop.make(proofKey, services)
        })
        const isBound = token.type === "DPoP"
        if (isBound !== isDpop && (isBound || options.dpop === "always" || found.wantsDpop)) {
          return yield* OAuthError.make(
            new OAuthError.NotSupported({
              issuer,
              message: `${issuer} ${
                isBound ? "binds its token to a key without being asked" : "does not bind tokens to a key"
              } (DPoP)`
            })
          )
        }
        yield* save({ ...fresh, token }, "grant")
      }))

    /** Asking for what was given, or asking over and over, is of no use. */
    const countStepUp = (previous: Kept | undefined, challenged: ReadonlyArray<string> | undefined): Result<void> =>
      Effect.suspend(() => {
        const scopes = challenged ?? []
        const given = previous?.token.scopes ?? previous?.requested ?? []
        const name = union(previous?.requested ?? [], scopes).toSorted().join(" ")
        const times = (stepUps.get(name) ?? 0) + 1
        stepUps.set(name, times)
        return scopes.every((scope) => given.includes(scope)) || times > mostStepUps
          ? Effect.fail(OAuthError.make(new OAuthError.InsufficientScope({ server, scopes })))
          : Effect.void
      })

    return {
      isAskingUser: () => grant.asksUser && flight !== undefined,
      current: Effect.gen(function*() {
        if (!isLoaded) {
          const kept = yield* load
          if (kept !== undefined) yield* take(kept, "store")
          isLoaded = true
        }
        const held = current
        if (held === undefined || !hasCome(held.token.renewAt) || !canRenew(held)) return held
        const isUseless = isOver(held.kept)
        if (!isUseless && !hasCome(notBefore)) return held
        yield* Effect.catch(renew(held), (error) => {
          notBefore = services.clock.currentTimeMillisUnsafe() + respite
          return isUseless ? Effect.fail(error) : Effect.void
        })
        return current
      }),
      refused: (refusal) =>
        Effect.suspend(() =>
          current !== undefined && refusal.sent !== undefined && !isSame(current.token, refusal.sent.token)
            ? Effect.void
            : begin(refusal)
        )
    }
  })

/** Milliseconds. */
const respite = 5000

const mostStepUps = 3

const isSame = (a: Token.Token, b: Token.Token): boolean => Redacted.value(a.access) === Redacted.value(b.access)

/** What it has been given and what it wants besides; at first what the server says that there is to ask for. */
const scopesOf = (
  previous: Kept | undefined,
  challenged: ReadonlyArray<string> | undefined,
  offered: ReadonlyArray<string> | undefined,
  always: ReadonlyArray<string>
): ReadonlyArray<string> | undefined => {
  const wanted = previous?.requested === undefined ? challenged ?? offered : union(previous.requested, challenged ?? [])
  return wanted === undefined && always.length === 0 ? undefined : union(wanted ?? [], always)
}

const union = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set([...a, ...b])]

/** Where the server knows a scope for lasting access, that is asked for too; where nothing is asked for, it is not. */
const withOffline = (
  { scopes_supported = [] }: Metadata.AuthorizationServer,
  scopes: ReadonlyArray<string> | undefined
): ReadonlyArray<string> | undefined =>
  scopes !== undefined && scopes_supported.includes("offline_access") ? union(scopes, ["offline_access"]) : scopes

const withoutRefresh = ({ token: { refresh: _, ...token }, ...kept }: Kept): Kept => ({ ...kept, token })

/** The server has judged the refresh token, and not just failed to. */
const isNo = ({ reason }: OAuthError.OAuthError): boolean => reason._tag === "Refused" && !reason.isRetryable
