/**
 * On which session a request goes to the server behind, and how that may ask back. A server of 2026-07-28 is told with
 * each request who asks, and shares one session among all, unless it could not say for which of them it logs. One of the
 * stateful era keeps what it knows of its client with the session: there each client has its own.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Identity from "../../context/Identity.ts"
import * as RequestContext from "../../context/RequestContext.ts"
import type * as Definition from "../../definition/Definition.ts"
import type * as JsonRpc from "../../protocol/JsonRpc.ts"
import type * as McpError from "../../protocol/McpError.ts"
import * as Revisions from "../../protocol/Revisions.ts"
import * as asking from "./asking.ts"
import type * as holding from "./holding.ts"
import * as refusals from "./refusals.ts"
import * as relaying from "./relaying.ts"
import * as sessions from "./sessions.ts"
import type * as upstream from "./upstream.ts"

export interface Options {
  readonly name: string
  readonly upstream: upstream.Upstream
  readonly pool: sessions.Pool
  readonly holding: holding.Holding
  /** One session for all, which is told nothing of anybody. */
  readonly isShared: boolean
  /** Whether a session may be in another revision than the one the lists are read in. */
  readonly maySettle: boolean
}

/** The fiber that works for a request. */
type Worker = Fiber.Fiber<unknown, unknown>

type Answered<E> = Effect.Effect<JsonRpc.JsonObject, E, RequestContext.RequestContext>

export interface Routing {
  readonly ask: (call: relaying.Call) => Answered<Definition.HandlerError>
  readonly complete: (params: JsonRpc.JsonObject) => Answered<McpError.McpError>
}

export const make = ({ holding, isShared, maySettle, name, pool, upstream }: Options): Routing => {
  const keys = new asking.Keys()
  const partyOf = sessions.makePartyOf()

  /** On a session that others use, too, only a stream says for whom something is. */
  const hearing = (session: sessions.Session, wantsLogs: boolean): relaying.Hears =>
    session === upstream.session && !session.hasStreams ? "nothing" : wantsLogs ? "all" : "no logs"

  /** Where it may be asked on the connection. */
  const open = (
    session: sessions.Session,
    call: relaying.Call,
    request: relaying.Request,
    fiber: Worker,
    party: sessions.Party,
    listener: relaying.Listener
  ) =>
    sessions.canBeAsked(party) && session !== upstream.session
      ? Effect.flatMap(
        asking.onConnection(keys, name, request),
        (answer) => relaying.send(name, session, call, request, fiber, { listener, party, answer })
      )
      : relaying.send(name, session, call, request, fiber, { listener, party })

  const direct = (
    session: sessions.Session,
    call: relaying.Call,
    request: relaying.Request,
    fiber: Worker,
    party: sessions.Party
  ) =>
    relaying.heard(
      request,
      fiber,
      hearing(session, false),
      (listener) => open(session, call, request, fiber, party, listener)
    )

  /** On a session of the stateful era beside the main one, whose log level is its client's. */
  const apart = (
    key: RequestContext.Peer | string,
    revision: Revisions.Version,
    alone: boolean,
    call: relaying.Call,
    request: relaying.Request,
    fiber: Worker,
    party: sessions.Party,
    wantsLogs: boolean
  ) => {
    const hearing = new relaying.Hearing(request, fiber, wantsLogs ? "all" : "no logs")
    return pool.use(
      key,
      party,
      revision,
      alone,
      (session) =>
        !wantsLogs || session.logLevel === request.logLevel
          ? open(session, call, request, fiber, party, hearing)
          : Effect.andThen(
            setLevel(session, request),
            Effect.suspend(() => open(session, call, request, fiber, party, hearing))
          ),
      (exit) => hearing.ended(exit)
    )
  }

  /** To a server of the stateless era. */
  const stateless = (main: sessions.Session, call: relaying.Call, request: relaying.Request, fiber: Worker) => {
    const wantsLogs = request.logLevel !== undefined && main.client.server().capabilities.logging !== undefined
    const party = partyOf(request)
    const through = (session: sessions.Session) => {
      const send = (call: relaying.Call) =>
        relaying.heard(
          request,
          fiber,
          hearing(session, wantsLogs),
          (listener) => relaying.send(name, session, call, request, fiber, { listener, party })
        )
      if (sessions.canBeAsked(party)) {
        const later = (call: relaying.Call) => Effect.suspend(() => send(call))
        return asking.inRounds(name, keys.ofCall(request, name, call), call, request, later, later(call))
      }
      return Effect.flatMap(send(call), (result) =>
        result.resultType === "input_required"
          ? asking.inRounds(
            name,
            keys.ofCall(request, name, call),
            call,
            request,
            (call) => Effect.suspend(() => send(call)),
            Effect.succeed(result)
          )
          : Effect.succeed(result))
    }
    // Without streams a server does not say for which request it logs.
    if (!wantsLogs || main.hasStreams || isShared) return through(main)
    const { revision, versions } = main.client.server()
    const { peer, revision: { version } } = request
    // What is a client's own speaks as the client does, if it can: then nothing has to be put in other words.
    return peer !== undefined && maySettle && versions.includes(version)
      ? apart(peer, version as Revisions.Version, false, call, request, fiber, party, wantsLogs)
      : withKey(request, party, (key) => pool.use(key, party, revision, peer === undefined, through))
  }

  /** To a server of the stateful era. */
  const stateful = (
    main: sessions.Session,
    call: relaying.Call,
    request: relaying.Request,
    fiber: Worker
  ): Effect.Effect<JsonRpc.JsonObject, Definition.HandlerError> => {
    const { capabilities, revision } = main.client.server()
    if (isShared) return direct(main, call, request, fiber, sessions.nobody)
    const wantsLogs = request.logLevel !== undefined && capabilities.logging !== undefined
    const party = partyOf(request)
    if (request.peer !== undefined) {
      return apart(request.peer, revision, false, call, request, fiber, party, wantsLogs)
    }
    return Effect.flatMap(Identity.CurrentIdentity, ({ subject }) => {
      const mayAsk = sessions.canBeAsked(party)
      if (!mayAsk && !wantsLogs && subject === undefined) return direct(main, call, request, fiber, party)
      const alone = mayAsk || wantsLogs
      return withKey(request, party, (key) =>
        mayAsk
          ? holding.run(keys.ofCall(request, name, call), request, party, ({ answer, listener }) =>
            pool.use(key, party, revision, true, (session) =>
              Effect.andThen(
                wantsLogs && session.logLevel !== request.logLevel ? setLevel(session, request) : Effect.void,
                Effect.withFiber((holder) =>
                  relaying.send(name, session, call, request, holder, { answer, listener, party })
                )
              )))
          : apart(key, revision, alone, call, request, fiber, party, wantsLogs))
    })
  }

  const setLevel = (session: sessions.Session, { logLevel }: relaying.Request): Effect.Effect<void> =>
    Effect.catch(
      Effect.suspend(() => {
        session.logLevel = logLevel
        return session.client.setLogLevel(logLevel!)
      }),
      (error) => Effect.logDebug(`The server ${upstream.name} takes no log level: ${error.message}`)
    )

  const onMain = <E>(
    body: (
      main: sessions.Session,
      request: relaying.Request,
      fiber: Worker
    ) => Effect.Effect<JsonRpc.JsonObject, E>
  ): Answered<E | McpError.McpError> =>
    Effect.withFiber((fiber: Worker): Answered<E | McpError.McpError> => {
      const main = upstream.session
      return main === undefined
        ? Effect.fail(refusals.unavailable(name))
        : body(main, Context.getUnsafe(fiber.context, RequestContext.RequestContext), fiber)
    })

  return {
    ask: (call) =>
      onMain<Definition.HandlerError>((main, request, fiber) =>
        isStateless(main) ? stateless(main, call, request, fiber) : stateful(main, call, request, fiber)
      ),
    complete: (params) =>
      onMain((main, request, fiber) => {
        const call: relaying.Call = { method: "completion/complete", params }
        const party = partyOf(request)
        return isShared || isStateless(main) || request.peer === undefined
          ? direct(main, call, request, fiber, isShared ? sessions.nobody : party)
          : pool.use(request.peer, party, main.client.server().revision, false, (session) =>
            direct(session, call, request, fiber, party))
      })
  }
}

const isStateless = ({ client }: sessions.Session): boolean =>
  Revisions.select(client.server().revision)?.era === "Stateless"

/** The key of callers that nothing tells apart to the server behind. */
const withKey = <A, E>(
  request: relaying.Request,
  party: sessions.Party,
  body: (key: RequestContext.Peer | string) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  request.peer !== undefined ? body(request.peer) : Effect.flatMap(
    Identity.CurrentIdentity,
    ({ issuer, subject }) => body(JSON.stringify([issuer, subject, party.info, party.capabilities, request.logLevel]))
  )
