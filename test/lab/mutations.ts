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
    name: "a run begins when its lease is over",
    file: "src/docket/running.ts",
    find: "isLeaseOver() ? Effect.succeed(\"Stopped\") : supervised(",
    replace: "supervised(",
    model: "docket",
    why: "A worker that was frozen between its claim and the start begins what another one runs; fixed in 1f3cd6f.",
    says: "begins when its lease is over"
  },
  {
    name: "a change takes back a renewed lease",
    file: "src/docket/DocketStore.ts",
    find: "goesOn ? { ...execution, leaseUntil: leaseUntil! } : execution",
    replace: "execution",
    model: "docket",
    why: "Progress that is written while a lease is renewed makes it short again; fixed in 1723573.",
    says: "and its lease got shorter"
  },
  {
    name: "the pause before an attempt is counted by the clock of the worker",
    file: "src/docket/running.ts",
    find: "(yield* records.store.find(execution.id))?.now ?? now",
    replace: "now",
    model: "docket",
    why: "A worker whose clock is ahead has others wait; fixed in 21697a7.",
    says: "waits for longer than its pause"
  },
  {
    name: "a worker starts all under one name",
    file: "src/docket/Worker.ts",
    find: "`${crew.name}/${++turns}`",
    replace: "crew.name",
    model: "docket",
    why: "A second ring for what a worker runs is taken for the first, and it runs twice; fixed in aaf1a80.",
    says: "begins twice"
  },
  {
    name: "what failed after it was cancelled has failed",
    file: "src/docket/Execution.ts",
    find: "): Execution =>\n  execution.cancelRequested === undefined\n    ? fail",
    replace: "): Execution =>\n  true\n    ? fail",
    model: "docket",
    why: "Whoever cancels does not get the end.",
    says: "and it was cancelled"
  },
  {
    name: "the first failure is the end",
    file: "src/docket/retrying.ts",
    find: "i < attempt;",
    replace: "i < attempt - 1;",
    model: "docket",
    why: "Attempts are counted one short of what the schedule is asked for.",
    says: "and it may be tried again"
  },
  {
    name: "strikes are looked up every five seconds",
    file: "src/docket/strikes.ts",
    find: "const maxAge = 1000",
    replace: "const maxAge = 5000",
    model: "docket",
    why: "What is struck starts for longer than it may.",
    says: "and its task is struck"
  },
  {
    name: "what is struck is claimed without a look",
    file: "src/docket/answering.ts",
    find: "unless: strikes.kind }",
    replace: "unless: \"none\" }",
    model: "docket",
    why: "What is found and claimed in one step starts whatever the rules are.",
    says: "and its task is struck"
  },
  {
    name: "what is claimed in one step is not kept",
    file: "src/docket/DocketStore.ts",
    find: "            keep({ ...kept, execution: claimed.success })\n",
    replace: "",
    model: "docket",
    why: "The worker runs what is anybody's, and what it says of it is not taken.",
    says: "begins twice"
  },
  {
    name: "a lease that was renewed lapses",
    file: "src/docket/DocketStore.ts",
    find: "if (isLeaseOver && leaseUntil !== undefined && leaseUntil > now()) return false\n            ",
    replace: "",
    model: "docket",
    why: "Who sweeps takes a run from its worker, which has just renewed its lease; fixed in 1723573.",
    says: "and its lease was not over"
  },
  {
    name: "a result is kept that was made before it was forgotten",
    file: "src/middleware/CacheStore.ts",
    find: "begun !== epoch || ",
    replace: "",
    model: "cache",
    why: "A handler that read the old value writes it after the invalidation.",
    says: "was announced"
  },
  {
    name: "who comes after an invalidation shares what ran before it",
    file: "src/middleware/Caching.ts",
    find: "const flight = `${epoch} ${key}`",
    replace: "const flight = key",
    model: "cache",
    why: "What began before something was forgotten is for who comes after it.",
    says: "was announced"
  },
  {
    name: "the key of a result has no caller",
    file: "src/middleware/Caching.ts",
    find: "...callers.map(({ claims,",
    replace: "...[].map(({ claims,",
    model: "cache",
    why: "Two callers share what is kept.",
    says: "is shown what is for"
  },
  {
    name: "what is kept is found a moment too long",
    file: "src/middleware/CacheStore.ts",
    find: "now - entry.keptAt >= entry.ttlMillis",
    replace: "now - entry.keptAt > entry.ttlMillis + 5",
    model: "cache",
    why: "The time to live is off by a few milliseconds.",
    says: "what is found was kept"
  },
  {
    name: "a fiber gives way between a look at a code and its use",
    file: "src/oauth/server/OAuthStore.ts",
    find: "Effect.succeed(change())",
    replace: "Effect.map(Effect.void, change)",
    model: "grants",
    why: "A code, or a refresh token, is taken twice; found by this model.",
    says: "is used once"
  },
  {
    name: "what was used is used again",
    file: "src/oauth/server/OAuthStore.ts",
    find: `const was = describe(found)
            if (found.isUsed) return Effect.succeed(was)
`,
    replace: `const was: Found = { _tag: "Live", entry: found.entry }
`,
    model: "grants",
    why: "Of two who look at a code before either takes it, both have it.",
    says: "is used once"
  },
  {
    name: "a code that comes again leaves its grant",
    file: "src/oauth/server/grants/authorizationCode.ts",
    find: "if (taken._tag === \"Used\") return yield* replayed(request, taken.grant)",
    replace: "if (taken._tag === \"Used\") return yield* bad",
    model: "grants",
    why: "Of two who come at one moment the second is refused, and nothing ends.",
    says: "that comes again ends its grant"
  },
  {
    name: "a refresh token that comes again leaves its grant",
    file: "src/oauth/server/grants/refreshToken.ts",
    find: "if (found._tag === \"Used\") return yield* replayed(request, found.grant)",
    replace: "if (found._tag === \"Used\") return yield* bad",
    model: "grants",
    why: "A stolen refresh token stays good for whoever was first.",
    says: "that comes again ends its grant"
  },
  {
    name: "a sliding window forgets a part too soon",
    file: "src/middleware/internal/rules.ts",
    find: "number <= current; number++) counts[number % width] = 0",
    replace: "number <= current + 1; number++) counts[number % width] = 0",
    model: "rateLimits",
    why: "What was taken at its beginning counts for less than the window.",
    says: "no time as long as the window has more than the limit"
  },
  {
    name: "a limit that cannot be counted lets through",
    file: "src/middleware/RateLimit.ts",
    find: "onUnavailable = \"refuse\"",
    replace: "onUnavailable = \"allow\"",
    model: "rateLimits",
    why: "A store that does not answer is no limit.",
    says: "what runs has been let through"
  },
  {
    name: "a bucket fills twice as fast",
    file: "src/middleware/internal/rules.ts",
    find: "(at - last) * limit / windowMillis)",
    replace: "(at - last) * 2 * limit / windowMillis)",
    model: "rateLimits",
    why: "More is taken than comes in.",
    says: "no more than the bucket holds"
  },
  {
    name: "strikes are as old as the answer",
    file: "src/docket/strikes.ts",
    find: "known = { at, strikes }",
    replace: "known = { at: clock.currentTimeMillisUnsafe(), strikes }",
    model: "docket",
    why: "A worker that was frozen while it asked takes old rules for new; found by this model, and fixed with it.",
    says: "and its task is struck"
  },
  {
    name: "a step does not outlast a store that is away",
    file: "src/tasks/legs.ts",
    find: "Effect.catch(insist(save(change)), ofDocket)",
    replace: "Effect.catch(save(change), ofDocket)",
    model: "tasks",
    why: "A task fails for a store that does not answer once; found by this model, and fixed with it.",
    says: "a task has failed"
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
    why: "Two handlers that clean up for long, and nobody else has a turn; fixed in 343d05d.",
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
    name: "a cancel is for nobody but who gets it",
    file: "src/transport/internal/httpSessions.ts",
    find: "one._tag === \"Response\" || (one._tag === \"Notification\" && one.method === \"notifications/cancelled\")",
    replace: "one._tag === \"Response\"",
    model: "sessions",
    why: "Where a call runs on another node it goes on, for nobody.",
    says: "what was taken back stops, wherever it runs"
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
    says: "what is said comes in order, with no gap"
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
  },
  {
    name: "what nobody knows the end of is done again",
    file: "src/middleware/internal/receipts.ts",
    find: "return call.isHarmless ? begun(record) : [{ _tag: \"Unknown\" }, undefined]",
    replace: "return begun(record)",
    model: "idempotency",
    why: "A server that crashes between a side effect and its receipt has it done twice.",
    says: "what has a key is done once"
  },
  {
    name: "a key is that of any call",
    file: "src/middleware/internal/receipts.ts",
    find: "if (record.fingerprint !== call.fingerprint) return [{ _tag: \"Conflict\" }, undefined]\n",
    replace: "",
    model: "idempotency",
    why: "Other arguments under the same key are answered with what was done for the first.",
    says: "each has its own answer"
  },
  {
    name: "what stops a call before it has begun takes its key",
    file: "src/middleware/Idempotency.ts",
    find: "!flight.isTouched || ended._tag",
    replace: "ended._tag",
    model: "idempotency",
    why: "Nothing was done, and nobody may try again; fixed in 9d5e84b.",
    says: "where nothing goes wrong it is known what was done"
  },
  {
    name: "nobody says that a call still runs",
    file: "src/middleware/Idempotency.ts",
    find: "Effect.sleep(leaseMillis / 3)",
    replace: "Effect.sleep(leaseMillis * 3)",
    model: "idempotency",
    why: "What takes longer than a lease counts as lost while it runs.",
    says: "where nothing goes wrong it is known what was done"
  },
  {
    name: "a key is everybody's",
    file: "src/middleware/Idempotency.ts",
    find: "    subject ?? null,\n    issuer",
    replace: "    null,\n    issuer",
    model: "idempotency",
    why: "One caller is answered with what was done for another.",
    says: "it is known what was done"
  },
  {
    name: "a call that is over leaves its task",
    file: "src/tasks/creating.ts",
    find:
      "        Effect.ignore(docket.cancel(`${task.name}:${key}`, \"Its call was over before it was answered.\")),\n",
    replace: "        Effect.void,\n",
    model: "tasks",
    why: "Nobody has its id, and it goes on until it expires; fixed in d657f4d.",
    says: "a task goes on of which nobody was told"
  },
  {
    name: "a task is added for nobody",
    file: "src/tasks/creating.ts",
    find: "Effect.onError(Effect.uninterruptible(add), () => once)",
    replace: "Effect.onError(add, () => once)",
    model: "tasks",
    why: "It is cancelled before it is there, and added behind; fixed in d657f4d.",
    says: "a task goes on of which nobody was told"
  },
  {
    name: "a call that is stopped as its task is added leaves it",
    file: "src/tasks/creating.ts",
    find: "if (Exit.isFailure(exit)) attached!.fork(once)",
    replace: "void exit",
    model: "tasks",
    why: "A fiber gives way between that and its answer; found by this model, and fixed with it.",
    says: "a task goes on of which nobody was told"
  },
  {
    name: "a task is whoever's has its id",
    file: "src/tasks/taskRecord.ts",
    find: "`${owner}/${taskId}`",
    replace: "`/${taskId}`",
    model: "tasks",
    why: "Another caller reads it, answers its questions and ends it.",
    says: "of a task is answered to somebody else"
  },
  {
    name: "what was cancelled is given back",
    file: "src/docket/Execution.ts",
    find: `    case "Release":
      return held(execution, transition.holder, () =>
        execution.cancelRequested === undefined`,
    replace: `    case "Release":
      return held(execution, transition.holder, () =>
        true`,
    model: "docket",
    why: "Whoever asked for its end waits for another run of it; fixed in efc1271.",
    says: "and it was cancelled"
  },
  {
    name: "what was cancelled starts again when its worker is lost",
    file: "src/docket/Execution.ts",
    find: `  if (execution.cancelRequested !== undefined) {
    return Result.succeed(ended({ ...execution, lapses }, "Cancelled", transition, {}))
  }
`,
    replace: "",
    model: "docket",
    why: "Its end was promised to whoever cancelled it.",
    says: "and it was cancelled"
  },
  {
    name: "what ends while it starts anew is built on",
    file: "src/testing/nodes.ts",
    find: ": Effect.andThen(Fiber.interrupt(building.fiber), close)",
    replace: ": close",
    model: "docket",
    why: "A node of the lab leaves fibers behind; found by this model, and fixed with it.",
    says: "The system has ended, and these fibers have not"
  },
  {
    name: "who has seen all comes back for more",
    file: "src/transport/internal/liveSession.ts",
    find: "      if (isAllTold) return HttpEndpoint.respond(options.responder, nothingFollows)\n",
    replace: "",
    model: "sessions",
    why: "A stream that has ended is asked for again and again; fixed in 7655153.",
    says: "whoever comes back hears when nothing follows"
  },
  {
    name: "a store that nodes share is one's own",
    file: "src/testing/stores.ts",
    find: "Layer.succeed(service, asShared(proxy))",
    replace: "Layer.succeed(service, proxy)",
    model: "sessions",
    why: "What comes to another node reaches nobody; found by this model, and fixed with it.",
    says: "each call has its answer"
  },
  {
    name: "something comes behind a gap",
    file: "src/testing/http.ts",
    find: "    down.stop()\n    toServer.stop()\n",
    replace: "",
    model: "sessions",
    why: "Pieces that were on their way arrive after their connection was cut; found by this model, and fixed with it.",
    says: "with no gap"
  },
  {
    name: "a node starts anew when its scope has closed",
    file: "src/testing/nodes.ts",
    find: "      if (isOver) return Effect.void\n      crash()",
    replace: "      crash()",
    model: "docket",
    why: "A fault of the lab leaves fibers behind; found by this model, and fixed with it.",
    says: "The system has ended, and these fibers have not"
  },
  {
    name: "what is asked of a node that has just crashed waits",
    file: "src/testing/nodes.ts",
    find: "life === undefined || life.owner.state === \"Down\"",
    replace: "life === undefined",
    model: "grants",
    why: "Who looked before it gave way is answered by nobody; found by this model, and fixed with it.",
    says: "Nothing can go on"
  },
  {
    name: "a turn is not noted as it is taken",
    file: "src/server/internal/turn.ts",
    find: "Scope.provide(limit.takeScoped(1), scope)",
    replace: "Effect.andThen(limit.take(1), Scope.addFinalizer(scope, limit.release(1)))",
    model: "requests",
    why: "Who is cancelled in between keeps a permit for ever; fixed in 343d05d.",
    says: "turns are free"
  },
  {
    name: "what has begun is not ended when it is interrupted",
    file: "src/middleware/Idempotency.ts",
    find: "Effect.uninterruptibleMask((restore) => {",
    replace: "Effect.suspend(() => {\n      const restore: Restore = (effect) => effect",
    model: "idempotency",
    why: "A key that was taken while its caller went is lost with its lease; fixed in 9d5e84b.",
    says: "it is known what was done"
  },
  {
    name: "what runs on a node does not wait for another start",
    file: "src/testing/nodes.ts",
    find: "Effect.suspend(() => life?.isBuilt === false ? self.run(effect) : runIn(world, life, effect, name))",
    replace: "Effect.suspend(() => runIn(world, life, effect, name))",
    model: "grants",
    why: "It lacks what its layer makes; fixed in f757f1d.",
    says: "Service not found"
  },
  {
    name: "who connects to a node as it crashes is not told",
    file: "src/testing/links.ts",
    find: "    if (there.state === \"Down\") return yield* crashed()\n",
    replace: "",
    model: "reconnection",
    why: "A client of the lab waits for nobody until its time is over; found by this model, and fixed with it.",
    says: "nobody waits for a connection that is there"
  }
]
