/**
 * Finds out what a server speaks: asks in the newest revision first and settles on what both know. Servers answer a
 * question they do not know in many ways, or not at all; whatever is no proof of the stateless era is taken for the
 * stateful one, and `initialize` decides.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as SchemaParser from "effect/SchemaParser"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import type * as TransportError from "../transport/TransportError.ts"
import * as lifecycle from "./lifecycle.ts"
import type * as link from "./link.ts"
import * as McpClientError from "./McpClientError.ts"
import * as statefulLifecycle from "./statefulLifecycle.ts"
import * as statelessLifecycle from "./statelessLifecycle.ts"

export interface Options {
  readonly self: lifecycle.Self
  /** The one revision to speak; undefined to find one. */
  readonly only: Revision.Revision | undefined
  /** What the server has spoken before. */
  readonly known: Revision.Revision | undefined
  /** How long a server may leave the first question unanswered before it is asked to initialize as well. */
  readonly patience: Duration.Duration
}

/** Settles the connection. It fails with a `TransportError` where another connection may fare better. */
export const settle = (
  on: link.Link,
  options: Options
): Effect.Effect<lifecycle.Lifecycle, link.Failure> => {
  const { known, only } = options
  const settled = only !== undefined
    ? only.era === "Stateful" ? initialize(on, options, only) : discoverOrTrust(on, options, only)
    : known?.era === "Stateful"
    // It may have learned another era since.
    ? Effect.catchIf(initialize(on, options, known), (error) => !isDecisiveError(error), () => probe(on, options))
    : probe(on, options)
  return Effect.tap(settled, (lifecycle) => Effect.sync(() => begin(on, lifecycle)))
}

/** A server that cannot be asked what it speaks is taken at the program's word. */
const discoverOrTrust = (on: link.Link, options: Options, revision: Revision.Revision) =>
  Effect.catchIf(
    discover(on, options, revision),
    isUnknownMethod,
    () => Effect.succeed(statelessLifecycle.make(revision, lifecycle.unknownServer, options.self))
  )

/** From here on the connection speaks in that way. */
const begin = (on: link.Link, lifecycle: lifecycle.Lifecycle): void => {
  on.lifecycle = lifecycle
  if (lifecycle.revision.era === "Stateless") return
  on.notify("notifications/initialized", undefined, lifecycle.revision.version)
  on.established(lifecycle.revision.version)
}

const newest = Revisions.all[0]!

/** Asks in the newest revision, and where that says nothing, by `initialize`. */
const probe = (on: link.Link, options: Options): Effect.Effect<lifecycle.Lifecycle, link.Failure> =>
  Effect.scoped(Effect.gen(function*() {
    const asked = yield* Effect.forkScoped(discover(on, options, newest), { startImmediately: true })
    const first = yield* firstWord(on, asked, options.patience)
    if (first._tag === "Some") {
      return Exit.isSuccess(first.value) ? first.value.value : yield* afterRefusal(on, options, first.value)
    }
    // The server may be starting still, so whichever it answers is taken.
    const won = yield* Deferred.make<lifecycle.Lifecycle, link.Failure>()
    const initialized = yield* Effect.forkScoped(initialize(on, options, Revisions.latestStateful), {
      startImmediately: true
    })
    yield* Effect.forkScoped(
      Effect.flatMap(
        Fiber.await(asked),
        (exit) => Exit.isSuccess(exit) || isDecisive(exit) ? Deferred.done(won, exit) : Effect.void
      )
    )
    yield* Effect.forkScoped(Effect.flatMap(Fiber.await(initialized), (exit) =>
      Exit.isSuccess(exit)
        ? Deferred.done(won, exit)
        : Effect.andThen(
          // A modern server refuses it, and answers the other question in its time.
          Effect.timeoutOption(Fiber.await(asked), options.patience),
          Deferred.done(won, exit)
        )))
    return yield* Deferred.await(won)
  }))

/** None where the server has let its time pass: one that answers each request on a stream of its own is only slow. */
const firstWord = <A, E>(
  on: link.Link,
  asked: Fiber.Fiber<A, E>,
  patience: Duration.Duration
): Effect.Effect<Option.Option<Exit.Exit<A, E>>> =>
  Effect.flatMap(Effect.timeoutOption(Fiber.await(asked), patience), (found) =>
    Option.isNone(found) && on.hasStreams()
      ? firstWord(on, asked, Duration.max(patience, Duration.seconds(1)))
      : Effect.succeed(found))

const afterRefusal = (
  on: link.Link,
  options: Options,
  refusal: Exit.Failure<lifecycle.Lifecycle, link.Failure>
): Effect.Effect<lifecycle.Lifecycle, link.Failure> =>
  isDecisive(refusal) || on.closedBy() !== undefined ? refusal : Effect.catch(
    initialize(on, options, Revisions.latestStateful),
    (error): Effect.Effect<lifecycle.Lifecycle, link.Failure> =>
      // Without the method of either era it may still have all others of the stateless one.
      isUnknownMethod(error) && isUnknownMethod(errorOf(refusal))
        ? Effect.succeed(statelessLifecycle.make(newest, lifecycle.unknownServer, options.self))
        : Effect.fail(error)
  )

const isUnknownMethod = (error: link.Failure | undefined): boolean =>
  error?._tag === "McpError" && codeOf(error) === -32601

const codeOf = (error: McpError.McpError): number => McpError.code(error.reason, "Stateless")

const errorOf = (exit: Exit.Failure<unknown, link.Failure>): link.Failure | undefined =>
  exit.cause.reasons.find(Cause.isFailReason)?.error

/** Whether a refusal says all there is to know, so that `initialize` would tell nothing new. */
const isDecisive = (exit: Exit.Exit<lifecycle.Lifecycle, link.Failure>): boolean => {
  const error = Exit.isSuccess(exit) ? undefined : errorOf(exit)
  return error === undefined || isDecisiveError(error)
}

const isDecisiveError = (error: link.Failure): boolean => {
  switch (error._tag) {
    case "McpError":
      return error.reason._tag === "HeaderMismatch" || error.reason._tag === "MissingCapability"
    case "McpClientError":
      return error.reason._tag === "NegotiationFailed"
    case "TransportError":
      return isFinal(error.reason)
  }
}

/** What no other question gets past. */
const isFinal = (reason: TransportError.Reason): boolean =>
  reason._tag === "Unreachable" || reason._tag === "Unauthorized" || reason._tag === "OtherOrigin" ||
  reason._tag === "Closed"

// ----------------------------------------------------------------------------
// the stateless era
// ----------------------------------------------------------------------------

/** Learns what a server of the stateless era can do; goes over to the stateful one where it says that it speaks that. */
const discover = (
  on: link.Link,
  options: Options,
  revision: Revision.Revision,
  isAgain = false
): Effect.Effect<lifecycle.Lifecycle, link.Failure> => {
  const asker = statelessLifecycle.make(revision, lifecycle.unknownServer, options.self)
  return Effect.matchEffect(on.call(question("server/discover", {}), asker), {
    onSuccess: (result): Effect.Effect<lifecycle.Lifecycle, link.Failure> => {
      const found = readDiscovery(result)
      if (Exit.isFailure(found)) return Effect.fail(notAnAnswer("server/discover"))
      const { capabilities, instructions, supportedVersions } = found.value
      const chosen = choose(supportedVersions, options.only)
      if (chosen === undefined) return Effect.fail(nothingInCommon(supportedVersions))
      if (chosen.era === "Stateful") return initialize(on, options, chosen, isAgain)
      const info = readInfo(metaOf(result)[Meta.serverInfo] ?? result.serverInfo)
      return Effect.succeed(statelessLifecycle.make(chosen, {
        versions: supportedVersions,
        info: Exit.isSuccess(info) ? info.value : undefined,
        capabilities,
        instructions
      }, options.self))
    },
    onFailure: (error): Effect.Effect<lifecycle.Lifecycle, link.Failure> => {
      if (error._tag !== "McpError" || error.reason._tag !== "UnsupportedVersion") return Effect.fail(error)
      const { supported } = error.reason
      const chosen = choose(supported, options.only)
      if (chosen === undefined) return Effect.fail(nothingInCommon(supported))
      if (chosen.era === "Stateful") return initialize(on, options, chosen, isAgain)
      // It may name the very version that it has just refused.
      return isAgain ? Effect.fail(error) : discover(on, options, chosen, true)
    }
  })
}

const metaOf = (result: JsonObject): JsonObject =>
  typeof result._meta === "object" && result._meta !== null ? result._meta as JsonObject : {}

/** The newest revision of those a server names. */
const choose = (
  supported: ReadonlyArray<string>,
  only: Revision.Revision | undefined
): Revision.Revision | undefined =>
  only === undefined
    ? Revisions.all.find(({ version }) => supported.includes(version))
    : supported.includes(only.version)
    ? only
    : undefined

// ----------------------------------------------------------------------------
// the stateful era
// ----------------------------------------------------------------------------

const initialize = (
  on: link.Link,
  options: Options,
  revision: Revision.Revision,
  isAgain = false
): Effect.Effect<lifecycle.Lifecycle, link.Failure> => {
  const asker = statefulLifecycle.make(revision, lifecycle.unknownServer, false)
  const { capabilities, info } = options.self
  const params = {
    protocolVersion: revision.version,
    capabilities: capabilities(revision) as unknown as JsonObject,
    clientInfo: info as unknown as JsonObject
  }
  return Effect.matchEffect(on.call(question("initialize", params), asker), {
    onSuccess: (result): Effect.Effect<lifecycle.Lifecycle, link.Failure> => {
      const found = readInitialize(result)
      if (Exit.isFailure(found)) return Effect.fail(notAnAnswer("initialize"))
      const { capabilities, instructions, protocolVersion, serverInfo } = found.value
      const chosen = Revisions.select(protocolVersion)
      if (chosen === undefined || chosen.era !== "Stateful" || (options.only ?? chosen) !== chosen) {
        return Effect.fail(nothingInCommon([protocolVersion]))
      }
      return Effect.succeed(statefulLifecycle.make(chosen, {
        versions: [chosen.version],
        info: serverInfo,
        capabilities,
        instructions
      }))
    },
    onFailure: (error): Effect.Effect<lifecycle.Lifecycle, link.Failure> => {
      const supported = versionsIn(error)
      const chosen = supported === undefined || isAgain ? undefined : choose(supported, options.only)
      if (chosen === undefined) return Effect.fail(supported === undefined ? error : nothingInCommon(supported))
      return chosen.era === "Stateful"
        ? initialize(on, options, chosen, true)
        : discover(on, options, chosen, true)
    }
  })
}

/** What a server that refuses `initialize` says it speaks; there is no one way to say it. */
const versionsIn = (error: link.Failure): ReadonlyArray<string> | undefined => {
  if (error._tag !== "McpError") return undefined
  const { reason } = error
  if (reason._tag === "UnsupportedVersion") return reason.supported
  if (reason._tag !== "InvalidParams" && reason._tag !== "Other") return undefined
  const { data } = reason
  return typeof data === "object" && data !== null && "supported" in data && Array.isArray(data.supported)
    ? data.supported.map(String)
    : undefined
}

// ----------------------------------------------------------------------------
// words
// ----------------------------------------------------------------------------

const question = (method: string, params: JsonObject): link.Call => ({
  method,
  params,
  target: undefined,
  meta: undefined,
  timeout: Infinity,
  maxTimeout: Infinity,
  onProgress: undefined
})

const readDiscovery = SchemaParser.decodeUnknownExit(McpSchema.DiscoverResult)

const readInitialize = SchemaParser.decodeUnknownExit(McpSchema.InitializeResult)

const readInfo = SchemaParser.decodeUnknownExit(McpSchema.Implementation)

const nothingInCommon = (supported: ReadonlyArray<string>) =>
  McpClientError.make(
    new McpClientError.NegotiationFailed({
      message: `The server speaks ${supported.join(", ") || "no revision it names"}, and this client ${
        Revisions.versions.join(", ")
      }`,
      supported
    })
  )

const notAnAnswer = (method: string) =>
  McpClientError.make(
    new McpClientError.InvalidResponse({ method, message: "it lacks a member, or has one of the wrong type" })
  )
