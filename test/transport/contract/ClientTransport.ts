/** The laws of a `ClientTransport`, whose server is the counterpart beside this file. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as hearing from "../hearing.ts"

export interface Place {
  readonly transport: ClientTransport.ClientTransport["Service"]
  /** How much is open on the other side: connections, or processes. */
  readonly open: () => number
}

const { notification, request, until } = hearing

/** Long enough for what must not come to come. */
const awhile = Effect.sleep("50 millis")

const ids = ({ messages }: hearing.Hearing) =>
  messages.flatMap((message) => message._tag === "Response" ? [message.id] : [])

const answered = (heard: hearing.Hearing, count: number) =>
  until(() => ids(heard).length >= count, () => `${count} answers in ${JSON.stringify(heard.messages).slice(-500)}`)

const greeted = (heard: hearing.Hearing) =>
  until(() => heard.messages.some(({ method }) => method === "greeting"), () => "a greeting")

export const suite = (name: string, place: Effect.Effect<Place, unknown, Scope.Scope>): void => {
  const law = (title: string, body: (place: Place) => Effect.Effect<void, unknown, Scope.Scope>) =>
    it.live(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const here = yield* place
        yield* Leaks.check(body(here))
        yield* until(() => here.open() === 0, () => `the end of ${here.open()} at the other side`)
      })))

  /** A connection in a scope that the test closes. */
  const connect = (transport: Place["transport"], heard: hearing.Hearing) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
      const connection = yield* Scope.provide(transport.connect(heard.listener), scope)
      return { connection, close: Scope.close(scope, Exit.void) }
    })

  describe(`ClientTransport, ${name}`, () => {
    law(
      "brings what was sent, in the order of the calls, and the answers in the order they came",
      ({ transport }) =>
        Effect.gen(function*() {
          const heard = hearing.make()
          const { connection } = yield* connect(transport, heard)
          const expected = Array.from({ length: 1000 }, (_, id) => id)
          for (const id of expected) connection.send(request(id, "echo", { id }))
          yield* answered(heard, 1000)
          assert.deepStrictEqual(ids(heard), expected)
          assert.isTrue(heard.messages.every(({ _tag, id, result }) => _tag !== "Response" || result.id === id))
        })
    )

    law("keeps a message as it is", ({ transport }) =>
      Effect.gen(function*() {
        const heard = hearing.make()
        const { connection } = yield* connect(transport, heard)
        const texts = ["", "\u0000 \ud83d\ude00 \u2028 \n \\n \" grüße", "é".repeat(300_000)]
        for (const [id, text] of texts.entries()) connection.send(request(String(id), "echo", { text }))
        yield* answered(heard, 3)
        assert.deepStrictEqual(
          heard.messages.flatMap(({ id, result }) => id === undefined ? [] : [[id, result.text]]),
          texts.map((text, id) => [String(id), text])
        )
      }))

    law(
      "tells nothing before it has connected, and then what the server says unasked, in order",
      ({ transport }) =>
        Effect.gen(function*() {
          let isConnected = false
          let wasEarly = false
          const heard = hearing.make(() => {
            wasEarly ||= !isConnected
          })
          const connection = yield* Effect.map(transport.connect(heard.listener), (connection) => {
            isConnected = true
            return connection
          })
          yield* greeted(heard)
          assert.isFalse(wasEarly)
          connection.send(notification("count", { to: 500 }))
          yield* until(() => heard.messages.length === 501, () => `500 notifications: ${heard.messages.length}`)
          assert.deepStrictEqual(
            heard.messages.slice(1).map(({ params }) => params.number),
            Array.from({ length: 500 }, (_, index) => index + 1)
          )
        })
    )

    law("sends what its listener says while it is told something", ({ transport }) =>
      Effect.gen(function*() {
        const heard = hearing.make(({ id }) => {
          if (id < 100) connection.send(request(id + 1, "echo", {}))
        })
        const connection: ClientTransport.Connection = (yield* connect(transport, heard)).connection
        connection.send(request(1, "echo", {}))
        yield* answered(heard, 100)
        assert.deepStrictEqual(ids(heard), Array.from({ length: 100 }, (_, index) => index + 1))
      }))

    law("is silent about a request that is forgotten, and about no other", ({ transport }) =>
      Effect.gen(function*() {
        const heard = hearing.make()
        const { connection } = yield* connect(transport, heard)
        for (const id of [1, 2, "1"]) connection.send(request(id, "hold"))
        connection.forget(1)
        connection.send(notification("release"))
        yield* answered(heard, 2)
        connection.send(request(3, "echo"))
        yield* answered(heard, 3)
        assert.deepStrictEqual(ids(heard), [2, "1", 3])
        assert.lengthOf(heard.failures, 0)
      }))

    law(
      "tells once that the server has ended it, and nothing after that",
      ({ open, transport }) =>
        Effect.gen(function*() {
          const heard = hearing.make()
          const { connection } = yield* connect(transport, heard)
          connection.send(request(1, "hold"))
          connection.send(request(2, "echo"))
          connection.send(notification("end"))
          yield* until(() => heard.ends.length > 0, () => "the end")
          assert.deepStrictEqual(ids(heard), [2])
          const told = heard.told()
          connection.send(request(3, "echo"))
          connection.forget(1)
          assert.isFalse(connection.congested())
          yield* connection.drained
          yield* awhile
          assert.strictEqual(heard.told(), told)
          assert.lengthOf(heard.ends, 1)
          assert.notStrictEqual(heard.ends[0]!.message, "")
          // Though the scope is open.
          yield* until(() => open() === 0, () => `the end of ${open()}`)
        })
    )

    law("says nothing of the end of its scope, nor of anything after it", ({ transport }) =>
      Effect.gen(function*() {
        const heard = hearing.make()
        const { close, connection } = yield* connect(transport, heard)
        yield* greeted(heard)
        connection.send(request(1, "hold"))
        connection.send(notification("count", { to: 1000 }))
        const closing = yield* Effect.forkChild(close, { startImmediately: true })
        const told = heard.told()
        connection.send(request(2, "echo"))
        yield* Fiber.join(closing)
        yield* awhile
        assert.strictEqual(heard.told(), told)
      }))

    law("keeps the connections of one transport apart", ({ transport }) =>
      Effect.gen(function*() {
        const [one, other] = [hearing.make(), hearing.make()]
        const first = (yield* connect(transport, one)).connection
        const second = (yield* connect(transport, other)).connection
        first.send(request(1, "hold"))
        second.send(request(1, "echo", { from: "second" }))
        yield* answered(other, 1)
        second.forget(1)
        second.send(notification("release"))
        first.send(notification("release"))
        yield* answered(one, 1)
        first.send(notification("end"))
        yield* until(() => one.ends.length === 1, () => "the end of the first")
        second.send(request(2, "echo"))
        yield* answered(other, 2)
        assert.deepStrictEqual([ids(one), ids(other), other.ends], [[1], [1, 2], []])
      }))

    law("connects again after a connection has ended", ({ transport }) =>
      Effect.gen(function*() {
        for (let round = 0; round < 3; round++) {
          const heard = hearing.make()
          const { close, connection } = yield* connect(transport, heard)
          connection.send(request(round, "echo"))
          yield* answered(heard, 1)
          if (round === 1) yield* close
          else {
            connection.send(notification("end"))
            yield* until(() => heard.ends.length === 1, () => "the end")
          }
        }
      }))

    law(
      "leaves nothing when it is interrupted while it connects, though its scope is open",
      ({ open, transport }) =>
        Effect.gen(function*() {
          const heard = hearing.make()
          for (const millis of [0, 1, 2, 3, 5, 8, 13, 21]) {
            const scope = yield* Scope.make()
            yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
            let isConnected = false
            const connecting = yield* Effect.forkChild(
              Effect.map(Scope.provide(transport.connect(heard.listener), scope), () => {
                isConnected = true
              }),
              { startImmediately: true }
            )
            if (millis > 0) yield* Effect.sleep(millis)
            yield* Fiber.interrupt(connecting)
            if (isConnected) yield* Scope.close(scope, Exit.void)
          }
          yield* until(() => open() === 0, () => `the end of ${open()}`)
          assert.lengthOf(heard.ends, 0)
        })
    )
  })
}
