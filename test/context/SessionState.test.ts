/**
 * Typed values of a session, and what a handler is told where there is none.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { RequestContext, SessionState } from "fastmcp-effect/context"
import { withSession } from "./answering.ts"

const Cart = Schema.Struct({ items: Schema.Array(Schema.String), since: Schema.Date })

const cart = SessionState.make("cart", Cart)
const visits = SessionState.make("visits", Schema.Int, { default: 0 })

const one = { items: ["milk"], since: new Date(0) }

describe("A value of a session", () => {
  it.effect("is there from when it is set until it is removed, for every request", () =>
    Effect.gen(function*() {
      const kept = new Map<string, string>()
      const request = Effect.provide(withSession(kept))
      assert.deepStrictEqual(yield* request(cart.get), Option.none())
      yield* request(cart.set(one))
      assert.deepStrictEqual(yield* request(cart.get), Option.some(one))
      assert.deepStrictEqual([...kept], [["cart", "{\"items\":[\"milk\"],\"since\":\"1970-01-01T00:00:00.000Z\"}"]])
      yield* request(cart.remove)
      yield* request(cart.remove)
      assert.deepStrictEqual(yield* request(cart.get), Option.none())
      assert.strictEqual(kept.size, 0)
    }))

  it.effect("with a default is the default until it is set", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* visits.get, 0)
      assert.strictEqual(yield* visits.update((n) => n + 1), 1)
      assert.strictEqual(yield* visits.update((n) => n + 1), 2)
      assert.strictEqual(yield* visits.get, 2)
      yield* visits.remove
      assert.strictEqual(yield* visits.get, 0)
    }).pipe(Effect.provide(withSession())))

  it.effect("without a default is updated from an option", () =>
    Effect.gen(function*() {
      const add = (item: string) =>
        cart.update(Option.match({
          onNone: () => ({ items: [item], since: new Date(0) }),
          onSome: (cart) => ({ ...cart, items: [...cart.items, item] })
        }))
      assert.deepStrictEqual(yield* add("milk"), one)
      assert.deepStrictEqual(yield* add("eggs"), { ...one, items: ["milk", "eggs"] })
    }).pipe(Effect.provide(withSession())))

  it.effect("loses no update among requests that run at once", () =>
    Effect.gen(function*() {
      yield* Effect.forEach(Array.from({ length: 5_000 }), () => visits.update((n) => n + 1), {
        concurrency: "unbounded",
        discard: true
      })
      assert.strictEqual(yield* visits.get, 5_000)
    }).pipe(Effect.provide(withSession())))

  it.effect("that has `undefined` in its schema can be set to it", () =>
    Effect.gen(function*() {
      const maybe = SessionState.make("maybe", Schema.UndefinedOr(Schema.Int))
      yield* maybe.set(undefined)
      assert.deepStrictEqual(yield* maybe.get, Option.some(undefined))
    }).pipe(Effect.provide(withSession())))

  it.effect("that does not fit its schema is not set, and what was there stays", () =>
    Effect.gen(function*() {
      yield* visits.set(3)
      const error = yield* Effect.flip(visits.set(1.5))
      assert.deepStrictEqual({ ...error.reason }, {
        _tag: "InvalidValue",
        name: "visits",
        text: "Expected an integer"
      } as never)
      assert.strictEqual(error.message, "This cannot be kept as \"visits\": Expected an integer")
      assert.strictEqual((yield* Effect.flip(visits.update((n) => n + 0.5))).reason._tag, "InvalidValue")
      assert.strictEqual(yield* visits.get, 3)
    }).pipe(Effect.provide(withSession())))

  it.effect("that another version wrote is an error, until it is set or removed", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(visits.get)
      assert.strictEqual(
        error.message,
        "The session's \"visits\" does not fit its schema: Expected number. Set or remove it."
      )
      assert.strictEqual((yield* Effect.flip(visits.update((n) => n + 1))).reason._tag, "Unreadable")
      yield* visits.set(1)
      assert.strictEqual(yield* visits.get, 1)
    }).pipe(Effect.provide(withSession(new Map([["visits", "\"many\""]])))))
})

it.effect("A request without a session fails with what to do instead", () =>
  Effect.gen(function*() {
    const errors = yield* Effect.forEach(
      [visits.get, visits.set(1), visits.update((n) => n), visits.remove, cart.get],
      (use: Effect.Effect<unknown, SessionState.SessionStateError, RequestContext.RequestContext>) => Effect.flip(use)
    )
    assert.deepStrictEqual(errors.map(({ reason }) => reason._tag), Array.from({ length: 5 }, () => "NoSession"))
    assert.strictEqual(
      errors[0]!.message,
      "There is no session to keep \"visits\" in (revision 2026-07-28). Give the client an id, take it back as an "
        + "argument of the next call, and keep the value under it in a store of yours."
    )
  }).pipe(Effect.provide(RequestContext.layerNoop)))
