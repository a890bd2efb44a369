/** Mistakes that models must find: edits of `src`, each planted by itself in a copy of it (`npm run proof:planted`). */
export interface Mutation {
  readonly name: string
  /** From the package's root. */
  readonly file: string
  /** What stands there once, and what is put in its place. */
  readonly find: string
  readonly replace: string
  /** The model that finds it. */
  readonly model: string
  /** What it breaks; where a bug that was fixed comes back, the commit that fixed it. */
  readonly why: string
  /** A part of what the shrunk story says. */
  readonly says: string
}

export const mutations: ReadonlyArray<Mutation> = [
  {
    name: "an asking handler hears of the end before the cancel",
    file: "src/server/inFlight.ts",
    find: "      this.request.silence()\n",
    replace: "      this.request.end()\n",
    model: "requests",
    why: "A cancelled handler goes on as if it had been refused an answer; fixed in 0dc1a00.",
    says: "a handler that is cancelled does not go on without its answer"
  },
  {
    name: "a request that was taken back is answered",
    file: "src/server/inFlight.ts",
    find: "if (this.isDropped) this.request.exchange.drop()\n    else code",
    replace: "code",
    model: "requests",
    why: "Its client has forgotten the id and may use it again.",
    says: "what was taken back has no answer"
  },
  {
    name: "a turn is kept by who is cancelled",
    file: "src/server/internal/turn.ts",
    find: "Effect.ensuring(Effect.andThen(take, effect), give)",
    replace: "Effect.tap(Effect.andThen(take, effect), () => give)",
    model: "requests",
    why: "A permit is given back only when all goes well, or when the request is over.",
    says: "turns are free"
  },
  {
    name: "finalizers that are not waited for keep their turn",
    file: "src/server/inFlight.ts",
    find: "    this.shared.fork(Scope.close(this.request.turns, Exit.void))\n",
    replace: "",
    model: "requests",
    why: "Two handlers that clean up for long, and nobody else has a turn.",
    says: "turns are free"
  },
  {
    name: "finalizers that end late answer again",
    file: "src/server/inFlight.ts",
    find: "  settle(exit: Exit.Exit<object, McpError.McpError>): void {\n    if (this.isOver) return\n",
    replace: "  settle(exit: Exit.Exit<object, McpError.McpError>): void {\n",
    model: "requests",
    why: "The request was closed without them.",
    says: "no request is answered twice"
  },
  {
    name: "a session that ends while it is looked up is taken up again",
    file: "src/transport/internal/httpSessions.ts",
    find: "if (found === undefined || asking.hasEnded) return onFound(undefined)",
    replace: "if (found === undefined) return onFound(undefined)",
    model: "sessions",
    why: "Another node ends it between the answer of the store and its arrival; fixed in 1a2f015.",
    says: "nothing goes on in a session that has ended"
  },
  {
    name: "a stream is taken up again one event too early",
    file: "src/session/EventStore.ts",
    find:
      "return entry.events.slice(after - entry.first).map((data, index) => ({ position: after + index + 1, data }))",
    replace:
      "return entry.events.slice(Math.max(after - entry.first - 1, 0)).map((data, index) => ({ position: after + index + 1, data }))",
    model: "sessions",
    why: "What its client has seen comes once more, under another id.",
    says: "there is one answer"
  },
  {
    name: "the end of a stream is looked at after its events",
    file: "src/transport/internal/liveSession.ts",
    find: `Effect.flatMap(events.hasEnded(key), (hasEnded) =>
        Effect.map(events.read(key, from.position), (missed) => {`,
    replace: `Effect.flatMap(events.read(key, from.position), (missed) =>
        Effect.map(events.hasEnded(key), (hasEnded) => {`,
    model: "sessions",
    why: "What comes between the two is never told: its client hears that nothing follows.",
    says: "each call has its answer"
  },
  {
    name: "a session is whoever knows its id",
    file: "src/transport/internal/httpSessions.ts",
    find: "if (found.session.principal !== (head.principal ?? null)) return onFound(undefined)",
    replace: "",
    model: "sessions",
    why: "Another caller goes on in it, reads its streams and ends it.",
    says: "a session is its caller's"
  },
  {
    name: "what may have been done is sent again",
    file: "src/client/conversation.ts",
    find: `    case "Lost":
      return "unknown"`,
    replace: `    case "Lost":
      return "again"`,
    model: "reconnection",
    why: "A call runs twice whose answer was lost.",
    says: "what may not be sent twice runs once at most"
  },
  {
    name: "nobody is told that the outcome is unknown",
    file: "src/client/conversation.ts",
    find: "McpClientError.make(new McpClientError.OutcomeUnknown({ method, error }))",
    replace: "(void method, asClientError(error))",
    model: "reconnection",
    why: "A caller takes what may have been done for what was not.",
    says: "who was not answered is told that nobody knows"
  },
  {
    name: "who waits for a connection is not woken",
    file: "src/client/conversation.ts",
    find:
      "          if (Exit.isFailure(exit)) this.end(failureOf(exit) ?? closed)\n          Deferred.doneUnsafe(opening, exit)\n",
    replace: "          if (Exit.isFailure(exit)) this.end(failureOf(exit) ?? closed)\n",
    model: "reconnection",
    why: "A wakeup is lost: calls made meanwhile wait until their time is over.",
    says: "nobody waits for a connection that is there"
  },
  {
    name: "what is kept survives what was missed",
    file: "src/client/hearing.ts",
    find: "for (const method of keeping) kept?.forget(method)",
    replace: "",
    model: "reconnection",
    why: "A list is stale after a connection was lost; fixed as the model found it.",
    says: "a list is as the server's"
  },
  {
    name: "what a proxy passes on waits for a fiber that has ended",
    file: "src/provider/proxy/relaying.ts",
    find: "if (this.isBusy) this.fiber = fiber\n",
    replace: "if (fiber.pollUnsafe() === undefined) this.fiber = this.isBusy ? fiber : (this.isBusy = true, fiber)\n",
    model: "proxies",
    why:
      "A wakeup is lost: a fiber gives way after its last step, and nothing is passed on any more; fixed as the model found it.",
    says: "all progress comes before the answer"
  }
]
