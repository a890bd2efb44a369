/**
 * What every cell of the table goes through. A tool with two nested finalizers runs where the server, the session and
 * the tool itself allow one call at a time; the cause comes; somebody else waits for the turn. What must hold in every
 * cell is asserted on the way, and what differs is the result.
 */
import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as wires from "../wires.ts"
import * as row from "./row.ts"

/** What a cell was seen to come to. */
export interface Observation extends Omit<row.Expected, "outcome"> {
  readonly outcome: string
  /** In the order in which they ended. */
  readonly finalizers: ReadonlyArray<string>
  /** Milliseconds that one had which hung; undefined where none did. */
  readonly cut: number | undefined
}

export interface Cell {
  readonly row: row.Row
  readonly era: wires.Era
  readonly cause: row.Cause
  /** Whether a finalizer never ends, until the request has long been over. */
  readonly hangs: boolean
}

export const prove = ({ cause, era, hangs, row: { open } }: Cell): Effect.Effect<Observation, never, Scope.Scope> =>
  counted(Effect.fnUntraced(function*(fibers) {
    // An unadjusted test clock does not survive the interruption of a sleep.
    yield* TestClock.adjust(0)
    const { at, end, events, gate, tool } = makeTool(hangs)
    const cuts: Array<number> = []
    const logger = Logger.make(({ date, message }) => {
      assert.match(String(message), /^Finalizers of tools\/call were still running \d+ ms after \w+;/u)
      cuts.push(date.getTime())
    })
    const server = McpServer.layer({
      name: "cancellation",
      version: "1",
      tools: [tool],
      concurrency: 1,
      sessionConcurrency: 1
    })
    const context = yield* Effect.orDie(Layer.build(Layer.provide(server, Logger.layer([logger]))))
    const bystander = yield* wires.open("memory", era, Layer.succeedContext(context))
    // What watched the deadline of the handshake is gone by then.
    yield* passes("1 minute")
    const before = fibers()
    const scope = yield* Scope.fork(yield* Effect.scope)
    const client = yield* Scope.provide(open(era, context), scope)
    // Nobody else moves the clock, which what is in flight may need to end.
    yield* Effect.addFinalizer(() => Effect.andThen(Deferred.succeed(end, undefined), TestClock.adjust("1 minute")))
    const call = (id: wires.Id, holds: boolean) =>
      wires.call(era, id, "work", { holds, talks: cause !== "disconnect" }, { progressToken: `of ${id}` })
    /** Of the frames from this one on, those that are about the request. */
    const about = (from: number) =>
      client.frames.slice(from).filter((frame) => frame.id === 1 || frame.params?.progressToken === "of 1")
    const replies = () => about(0).filter(({ id }) => id === 1)

    client.send(call(1, true))
    yield* wires.until(() => at("starts") !== undefined)
    yield* wires.turns()
    const heard = client.frames.length
    const stopped = { isOver: false }
    yield* client.acts[cause] ?? common(cause, scope, stopped)
    yield* wires.turns()
    const goesOn = at("inner begins") === undefined
    if (goesOn) {
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(events.length, 1, "it goes on, and nobody has touched it")
      yield* Deferred.succeed(gate, undefined)
      yield* wires.turns()
    }

    // Until the finalizers have ended, or had their time, somebody else waits, and so does the client.
    bystander.send(call("next", false))
    if (hangs) {
      const begun = at("inner begins")!
      for (let steps = 0; cuts.length === 0 && steps < 30; steps++) {
        assert.isEmpty(replies())
        assert.isUndefined(at("next starts"))
        yield* passes(500)
      }
      assert.lengthOf(cuts, 1, "it is reported once")
      assert.isUndefined(at("inner"))
      assert.strictEqual(at("next starts"), cuts[0], "the turn is back at the cut")
      assert.isAbove(cuts[0]!, begun)
    } else {
      yield* passes(takes)
      assert.isDefined(at("inner"))
      yield* passes(takes - 1)
      assert.isEmpty(replies())
      assert.isUndefined(at("next starts"))
      yield* passes(1)
      assert.isDefined(at("outer"))
      assert.strictEqual(at("next starts"), at("outer"), "the turn is back after the last finalizer")
    }
    assert.strictEqual((yield* wires.answer(bystander, "next")).result.content[0].text, "next")
    if (cause === "shutdown") assert.isTrue(stopped.isOver, "the transport has stopped")
    assert.isFalse(client.isOpen?.() ?? false, "a response that gets no reply is ended")

    const repliesAtOnce = replies()
    if (goesOn && client.resume !== undefined) yield* client.resume
    yield* wires.turns()
    const said = about(heard)
    const reply = describeReply(replies(), repliesAtOnce.length === 0)

    // Whatever still runs ends now; nothing of it reaches the client, and the connection serves on where it is there.
    yield* Deferred.succeed(end, undefined)
    yield* wires.turns()
    yield* passes(takes)
    const outcomes = events.flatMap(({ what }) => /^ends (\w+)$/u.exec(what)?.slice(1) ?? [])
    assert.lengthOf(outcomes, 1)
    if (!endsConnection.has(cause)) {
      client.send(call("again", false))
      yield* wires.until(() => client.frames.some(({ id }) => id === "again"), () => "an answer to a second call")
      assert.strictEqual(client.frames.find(({ id }) => id === "again")!.result.content[0].text, "next")
    }
    yield* passes("1 minute")
    assert.deepStrictEqual(about(heard), said, "nothing follows")
    yield* Effect.forkScoped(Scope.close(scope, Exit.void))
    yield* wires.turns()
    assert.strictEqual(fibers(), before, "fibers are what they were before the transport")

    return {
      outcome: outcomes[0]!,
      reply,
      finalizers: events.flatMap(({ what }) => what === "inner" || what === "outer" ? [what] : []),
      sent: said.some(({ method, params }) => method === "notifications/progress" && params.progress === 9),
      cut: cuts[0] === undefined ? undefined : cuts[0] - at("inner begins")!
    }
  }))

/** Milliseconds a finalizer takes. */
const takes = 100

const passes = (duration: Duration.Input) => Effect.andThen(TestClock.adjust(duration), wires.turns())

/** Where the client has no connection left to ask on. */
const endsConnection: ReadonlySet<row.Cause> = new Set(["disconnect", "session DELETE", "expiry", "EOF", "shutdown"])

/** Causes that are the same everywhere. */
const common = (cause: row.Cause, scope: Scope.Closeable, stopped: { isOver: boolean }) => {
  switch (cause) {
    case "deadline":
      return row.elapse(30)
    case "shutdown":
      return row.begin(Effect.andThen(
        Scope.close(scope, Exit.void),
        Effect.sync(() => {
          stopped.isOver = true
        })
      ))
    default:
      return Effect.die(new Error(`nothing brings about: ${cause}`))
  }
}

const describeReply = (replies: ReadonlyArray<wires.Frame>, isLate: boolean): row.Reply => {
  if (replies.length === 0) return "none"
  assert.lengthOf(replies, 1, "there is one reply")
  const { error, result } = replies[0]!
  if (error?.code === 408 || error?.code === 499) return `${error.code}`
  assert.strictEqual(result?.content[0].text, "done", JSON.stringify(replies[0]))
  return isLate ? "the result, when the client resumes the stream" : "the result"
}

/** Holds two resources until its gate opens, or is called to pass; tells what becomes of it, and when. */
const makeTool = (hangs: boolean) => {
  const gate = Deferred.makeUnsafe<void>()
  const end = Deferred.makeUnsafe<void>()
  const events: Array<{ readonly what: string; readonly at: number }> = []
  const tell = (what: string) =>
    Effect.map(Clock.currentTimeMillis, (at) => {
      events.push({ what, at })
    })
  const hold = <R>(name: string, work: Effect.Effect<void, never, R>) =>
    Effect.acquireRelease(
      Effect.void,
      () => Effect.andThen(tell(`${name} begins`), Effect.andThen(work, tell(name)))
    )
  const tool = Tool.make("work", {
    concurrency: 1,
    parameters: { holds: Schema.Boolean, talks: Schema.Boolean },
    success: Schema.String,
    handler: ({ holds, talks }) =>
      holds
        ? Effect.scoped(Effect.gen(function*() {
          yield* hold("outer", Effect.sleep(takes))
          yield* hold("inner", Effect.andThen(Progress.report(9), hangs ? Deferred.await(end) : Effect.sleep(takes)))
          if (talks) yield* Progress.report(1)
          yield* tell("starts")
          yield* Deferred.await(gate)
          return "done"
        })).pipe(Effect.onExit((exit) => {
          const outcome = Outcome.fromExit(exit)
          return tell(`ends ${outcome._tag === "Cancelled" ? outcome.reason : outcome._tag}`)
        }))
        : Effect.as(tell("next starts"), "next")
  })
  /** When it happened first. */
  const at = (what: string) => events.find((event) => event.what === what)?.at
  return { at, end, events, gate, tool }
}

/** Hands the number of fibers that live to the body, and all of them on to whoever counts already. */
const counted = <A, E, R>(body: (fibers: () => number) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Metric.FiberRuntimeMetrics, (outer) => {
    let living = 0
    return Effect.provideService(body(() => living), Metric.FiberRuntimeMetrics, {
      recordFiberStart: (context) => {
        living++
        outer?.recordFiberStart(context)
      },
      recordFiberEnd: (context, exit) => {
        living--
        outer?.recordFiberEnd(context, exit)
      }
    })
  })
