/**
 * Questions and steps, in a handler that runs once and in one that runs again for each round.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Ask, AskError, Elicitation, RequestContext, Roots, Sampling } from "fastmcp-effect/context"
import { type Answers, inRounds, onConnection, reasonOf } from "./answering.ts"

const seat = Elicitation.form({ row: Schema.Int }, { message: "Which row?" })
const advice = Sampling.text("Window or aisle?", { maxTokens: 10 })

const answers: Answers = {
  seat: { action: "accept", content: { row: 7 } },
  advice: { role: "assistant", model: "m", content: { type: "text", text: "Window" } },
  roots: { roots: [{ uri: "file:///a" }] },
  no: { action: "decline" },
  away: { action: "cancel" },
  odd: { action: "maybe" }
}

for (const [era, run] of [["on a connection", onConnection], ["in rounds", inRounds]] as const) {
  describe(`Questions asked ${era}`, () => {
    it.effect("of one `all` are one round, and each answer stands under its key", () =>
      Effect.gen(function*() {
        const asked: Array<object> = []
        const got = yield* run(Ask.all({ seat, advice, roots: Roots.list }), answers, asked)
        assert.deepStrictEqual(got, { seat: { row: 7 }, advice: "Window", roots: [{ uri: "file:///a" }] })
        assert.deepStrictEqual(asked.map((round) => Object.keys(round)), [["seat", "advice", "roots"]])
      }))

    it.effect("one after the other are rounds of their own", () =>
      Effect.gen(function*() {
        const asked: Array<object> = []
        const both = Effect.flatMap(Ask.one("seat", seat), ({ row }) =>
          Effect.map(Ask.one("advice", advice), (word) => `${row} ${word}`))
        assert.strictEqual(yield* run(both, answers, asked), "7 Window")
        assert.deepStrictEqual(
          asked.map((round) =>
            Object.keys(round)
          ),
          [["seat"], ["advice"]]
        )
      }))

    it.effect("that are none ask nobody", () =>
      Effect.gen(function*() {
        const asked: Array<object> = []
        assert.deepStrictEqual(yield* run(Ask.all({}), {}, asked), {})
        assert.deepStrictEqual(asked, [])
      }))

    it.effect("that are invalid ask nobody, not even the others of their round", () =>
      Effect.gen(function*() {
        const asked: Array<object> = []
        const visit = Elicitation.url("http://pay.example", { message: "Pay" })
        assert.deepStrictEqual(yield* reasonOf(run(Ask.all({ seat, visit }), answers, asked)), {
          _tag: "InvalidQuestion",
          key: "visit",
          text: "a page to visit must be https, not http://pay.example."
        })
        assert.deepStrictEqual(asked, [])
      }))

    it.effect("and declined or dismissed fail, or with `option` are none", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* reasonOf(run(Ask.one("no", seat), answers)), { _tag: "Declined", key: "no" })
        assert.deepStrictEqual(yield* reasonOf(run(Ask.one("away", seat), answers)), { _tag: "Dismissed", key: "away" })
        const all = Ask.all({ no: Ask.option(seat), away: Ask.option(seat), seat: Ask.option(seat) })
        assert.deepStrictEqual(yield* run(all, answers), {
          no: Option.none(),
          away: Option.none(),
          seat: Option.some({ row: 7 })
        })
      }))

    it.effect("and answered wrongly are no `option`", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* reasonOf(run(Ask.one("odd", Ask.option(seat)), answers)), {
          _tag: "InvalidAnswer",
          key: "odd",
          text: "its action is not accept, decline or cancel"
        })
        const invalid = Ask.option(Elicitation.url("nowhere", { message: "" }))
        assert.deepStrictEqual(yield* reasonOf(run(Ask.one("seat", invalid), answers)), {
          _tag: "InvalidQuestion",
          key: "seat",
          text: "\"nowhere\" is not an address."
        })
      }))
  })
}

it("A question's `option` says the same to the client", () => {
  const { decode: _, ...rest } = Ask.option(seat)
  const { decode: __, ...same } = seat
  assert.deepStrictEqual(rest, same)
})

it.effect("A handler alone has nobody to ask, and runs its steps", () =>
  Effect.gen(function*() {
    const alone = Effect.provide(RequestContext.layerNoop)
    assert.deepStrictEqual(yield* reasonOf(alone(Ask.one("seat", seat))), {
      _tag: "Unavailable",
      text: "There is no client to ask."
    })
    assert.strictEqual(yield* alone(Ask.once("step", Effect.succeed("done"))), "done")
  }))

describe("A step that must not be repeated", () => {
  it.effect("runs once, while what stands before a question runs again", () =>
    Effect.gen(function*() {
      const ran: Array<string> = []
      const handler = Effect.gen(function*() {
        ran.push("before")
        const hold = yield* Ask.once(
          "hold",
          Effect.sync(() => {
            ran.push("hold")
            return { id: "h1", until: 5 }
          })
        )
        const { row } = yield* Ask.one("seat", seat)
        ran.push("between")
        const word = yield* Ask.one("advice", advice)
        const booked = yield* Ask.once(
          "book",
          Effect.sync(() => {
            ran.push("book")
            return [hold.id, row, word] as const
          })
        )
        return booked
      })
      assert.deepStrictEqual(yield* inRounds(handler, answers), ["h1", 7, "Window"])
      assert.deepStrictEqual(ran, ["before", "hold", "before", "between", "before", "between", "book"])
      ran.length = 0
      assert.deepStrictEqual(yield* onConnection(handler, answers), ["h1", 7, "Window"])
      assert.deepStrictEqual(ran, ["before", "hold", "between", "book"])
    }))

  it.effect("that fails is not kept: it runs again, and its error is the handler's", () =>
    Effect.gen(function*() {
      const sealed = new Map<string, string>()
      let tries = 0
      const step = Ask.once(
        "step",
        Effect.suspend(() => ++tries < 2 ? Effect.fail("busy" as const) : Effect.succeed(1))
      )
      const handler = Effect.gen(function*() {
        const first = yield* Effect.exit(step)
        yield* Ask.one("seat", seat)
        return [first, yield* step] as const
      })
      assert.deepStrictEqual(yield* inRounds(handler, answers, [], sealed), [Exit.succeed(1), 1])
      assert.strictEqual(tries, 2)
      assert.strictEqual(yield* Effect.flip(inRounds(Ask.once("other", Effect.fail("full")), {})), "full")
    }))

  it.effect("may end with any JSON and with nothing", () =>
    Effect.gen(function*() {
      for (const value of [undefined, null, true, 0, -1.5, "", "a", [], [[]], [1, [null]], {}, { a: { b: [false] } }]) {
        const handler = Effect.gen(function*() {
          const first = yield* Ask.once("step", Effect.succeed(value))
          yield* Ask.one("seat", seat)
          return first
        })
        assert.deepStrictEqual(yield* inRounds(handler, answers), value)
        assert.deepStrictEqual(yield* onConnection(handler, answers), value)
      }
      assert.isUndefined(yield* onConnection(Ask.once("step", Effect.void), {}))
    }))

  it.effect("ends with the same value in the run that made it and in later ones", () =>
    Effect.gen(function*() {
      const made = { a: 1, b: undefined, c: -0 }
      const seen: Array<unknown> = []
      const handler = Effect.gen(function*() {
        seen.push(yield* Ask.once("step", Effect.succeed(made)))
        yield* Ask.one("seat", seat)
      })
      yield* inRounds(handler, answers)
      assert.deepStrictEqual(seen, [{ a: 1, c: 0 }, { a: 1, c: 0 }])
    }))

  it.effect("that ends with what JSON would lose fails and says where it is", () =>
    Effect.gen(function*() {
      class Point {
        readonly x = 1
      }
      const loop: { self?: unknown } = {}
      loop.self = { loop }
      let deep: unknown = 1
      for (let depth = 0; depth < 101; depth++) deep = [deep]
      const cases: ReadonlyArray<readonly [unknown, string]> = [
        [5n, "it is a bigint."],
        [NaN, "it is NaN."],
        [{ a: [1, Infinity] }, "a[1] is Infinity."],
        [() => 1, "it is a function."],
        [[undefined], "[0] is undefined."],
        [Object.assign([], { length: 1 }), "[0] is undefined."],
        [{ a: { at: new Date(0) } }, "a.at is an instance of Date; give it a schema."],
        [new Map(), "it is an instance of Map; give it a schema."],
        [{ point: new Point() }, "point is an instance of Point; give it a schema."],
        [{ a: { toJSON: () => 1 } }, "a has a toJSON of its own."],
        [loop, "self.loop holds itself."],
        [deep, "it nests deeper than 100."]
      ]
      for (const [value, text] of cases) {
        const sealed = new Map<string, string>()
        const step = Ask.once("step", Effect.succeed(value as string))
        assert.deepStrictEqual(yield* reasonOf(inRounds(step, {}, [], sealed)), { _tag: "NotJson", key: "step", text })
        assert.strictEqual(sealed.size, 0)
      }
      const shared = { a: 1 }
      assert.deepStrictEqual(yield* onConnection(Ask.once("step", Effect.succeed([shared, shared])), {}), [
        shared,
        shared
      ])
    }))

  it.effect("with a schema is kept encoded, and comes back decoded", () =>
    Effect.gen(function*() {
      class Hold extends Schema.Class<Hold>("Hold")({ id: Schema.String, until: Schema.Date, big: Schema.BigInt }) {}
      const hold = new Hold({ id: "h", until: new Date(0), big: 5n })
      const sealed = new Map<string, string>()
      const handler = Effect.gen(function*() {
        const kept = yield* Ask.once("hold", Effect.succeed(hold), { schema: Hold })
        const none = yield* Ask.once("none", Effect.void, { schema: Schema.Void })
        yield* Ask.one("seat", seat)
        return { kept, none }
      })
      const { kept, none } = yield* inRounds(handler, answers, [], sealed)
      assert.instanceOf(kept, Hold)
      assert.deepStrictEqual(kept, hold)
      assert.isUndefined(none)
      assert.strictEqual(sealed.get("hold"), "{\"id\":\"h\",\"until\":\"1970-01-01T00:00:00.000Z\",\"big\":\"5\"}")
      assert.deepStrictEqual((yield* onConnection(handler, answers)).kept, hold)
    }))

  it.effect("that does not fit its schema fails, and so does what was kept by another version", () =>
    Effect.gen(function*() {
      const schema = Schema.Struct({ row: Schema.Int })
      const step = Ask.once("step", Effect.succeed({ row: 1.5 }), { schema })
      assert.deepStrictEqual(yield* reasonOf(onConnection(step, {})), {
        _tag: "NotJson",
        key: "step",
        text: "row: Expected an integer"
      })
      const sealed = new Map([["step", "{\"line\":1}"], ["plain", "{\"line\":1}"]])
      assert.deepStrictEqual(yield* reasonOf(inRounds(step, {}, [], sealed)), {
        _tag: "Unreadable",
        key: "step",
        text: "row: Missing key"
      })
      assert.deepStrictEqual(yield* reasonOf(inRounds(Ask.once("plain", Effect.succeed(1)), {}, [], sealed)), {
        _tag: "Unreadable",
        key: "plain",
        text: "another kind of value is there."
      })
    }))
})

it("Each reason says what happened, and to which question", () => {
  const key = "seat"
  const messages = [
    new AskError.Unsupported({ key, capability: "elicitation.form" }),
    new AskError.InvalidQuestion({ key, text: "it is empty." }),
    new AskError.Unreadable({ key, text: "it is old." }),
    new AskError.NotJson({ key, text: "it is NaN." }),
    new AskError.Unavailable({ text: "There is no client to ask." })
  ].map((reason) => AskError.make(reason).message)
  assert.deepStrictEqual(messages, [
    "\"seat\" needs a client with elicitation.form.",
    "\"seat\" cannot be asked: it is empty.",
    "What was kept of \"seat\" cannot be read: it is old.",
    "What \"seat\" ended with cannot be kept: it is NaN.",
    "There is no client to ask."
  ])
})
