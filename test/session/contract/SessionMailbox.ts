/** The laws of a `SessionMailbox`. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as SessionMailbox from "fastmcp-effect/session/SessionMailbox"
import type { Backend } from "../places.ts"

type Mailbox = SessionMailbox.SessionMailbox["Service"]

export const connect = (process: Layer.Layer<SessionMailbox.SessionMailbox, unknown>) =>
  Effect.map(Layer.build(process), Context.get(SessionMailbox.SessionMailbox))

/** What arrives at somebody who listens, as texts. */
export const collect = (mailbox: Mailbox) =>
  Effect.gen(function*() {
    const texts: Array<string> = []
    yield* mailbox.listen(({ text }) => {
      texts.push(text)
    })
    return texts
  })

/** Until they have come, or for a while in vain. */
export const arrived = (texts: ReadonlyArray<unknown>, count: number, turns = 500): Effect.Effect<void> =>
  texts.length >= count || turns === 0
    ? Effect.void
    : Effect.andThen(Effect.sleep("10 millis"), Effect.suspend(() => arrived(texts, count, turns - 1)))

const letter = (text: string): SessionMailbox.Letter => ({ session: "one", text })

const postAll = (mailbox: Mailbox, texts: ReadonlyArray<string>) =>
  Effect.forEach(texts, (text) => mailbox.post(letter(text)), { discard: true })

const numbered = (label: string, count: number) => Array.from({ length: count }, (_, index) => `${label}${index}`)

export const suite = (name: string, { isShared, place }: Backend<SessionMailbox.SessionMailbox>): void => {
  const law = (
    title: string,
    body: (one: Mailbox, other: Mailbox, logged: ReadonlyArray<string>) => Effect.Effect<void, unknown, Scope.Scope>
  ) =>
    it.live(title, () => {
      const logged: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
      return Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        const one = yield* connect(process())
        yield* body(one, isShared ? yield* connect(process()) : one, logged)
      })).pipe(Effect.provide(logger))
    })

  describe(`SessionMailbox, ${name}`, () => {
    law(
      "brings each letter once, in the order of posting, to everybody, the poster too",
      (one, other) =>
        Effect.gen(function*() {
          const all = yield* Effect.all([collect(one), collect(one), collect(other), collect(other)])
          const posted: Array<string> = []
          for (const text of numbered("", 30)) {
            yield* (Number(text) % 2 === 0 ? one : other).post(letter(text))
            posted.push(text)
          }
          yield* Effect.forEach(all, (texts) => arrived(texts, 30), { concurrency: "unbounded" })
          yield* Effect.sleep("50 millis")
          for (const texts of all) assert.deepStrictEqual(texts, posted)
        })
    )

    law("keeps a letter as it is", (one, other) =>
      Effect.gen(function*() {
        const letters: Array<SessionMailbox.Letter> = []
        yield* other.listen((letter) => {
          letters.push(letter)
        })
        const posted = [
          { session: "one", text: JSON.stringify({ text: "\u0000 \ud83d\ude00 \n %s $1 ' \" \\" }) },
          { session: "", text: "" },
          { session: "s p:a'c\"e", text: "x".repeat(300_000) }
        ]
        yield* Effect.forEach(posted, one.post)
        yield* arrived(letters, 3)
        assert.deepStrictEqual(letters, posted)
      }))

    law("brings nothing from before", (one, other) =>
      Effect.gen(function*() {
        yield* one.post(letter("before all"))
        const first = yield* collect(other)
        yield* postAll(one, numbered("a", 20))
        // While the first may still be reading.
        const second = yield* collect(other)
        yield* postAll(one, numbered("b", 20))
        yield* arrived(first, 40)
        yield* arrived(second, 20)
        yield* Effect.sleep("50 millis")
        assert.deepStrictEqual(first, [...numbered("a", 20), ...numbered("b", 20)])
        assert.deepStrictEqual(second, numbered("b", 20))
      }))

    law("brings nothing once the scope is closed, and to others all the same", (one, other) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const leaving = yield* Scope.provide(collect(other), scope)
        const staying = yield* collect(other)
        yield* one.post(letter("1"))
        yield* arrived(leaving, 1)
        yield* Scope.close(scope, Exit.void)
        yield* one.post(letter("2"))
        yield* arrived(staying, 2)
        assert.deepStrictEqual([leaving, staying], [["1"], ["1", "2"]])
      }))

    law("goes on after a time in which nobody listened", (one, other) =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const texts = yield* collect(other)
          yield* one.post(letter("1"))
          yield* arrived(texts, 1)
        }))
        yield* one.post(letter("2"))
        const texts = yield* collect(other)
        yield* one.post(letter("3"))
        yield* arrived(texts, 1)
        assert.deepStrictEqual(texts, ["3"])
      }))

    law("has one order for everybody, and in it each poster's own", (one, other) =>
      Effect.gen(function*() {
        const all = yield* Effect.all([collect(one), collect(other)])
        const posters = Array.from({ length: 6 }, (_, index) => numbered(`${index}:`, 40))
        yield* Effect.forEach(posters, (texts, index) => postAll(index % 2 === 0 ? one : other, texts), {
          concurrency: "unbounded"
        })
        yield* Effect.forEach(all, (texts) => arrived(texts, 240), { concurrency: "unbounded" })
        assert.deepStrictEqual(all[0], all[1])
        for (const texts of posters) {
          assert.deepStrictEqual(all[0]!.filter((text) => text.startsWith(texts[0]!.slice(0, 2))), texts)
        }
        assert.strictEqual(all[0]!.length, 240)
      }))

    law(
      "goes on, for everybody, after a listener that throws, and logs it",
      (one, other, logged) =>
        Effect.gen(function*() {
          const texts: Array<string> = []
          yield* other.listen(({ text }) => {
            texts.push(`thrown ${text}`)
            throw new Error("Not today.")
          })
          const others = yield* collect(other)
          yield* postAll(one, ["1", "2"])
          yield* arrived(texts, 2)
          yield* arrived(others, 2)
          assert.deepStrictEqual([texts, others], [["thrown 1", "thrown 2"], ["1", "2"]])
          assert.strictEqual(logged.filter((line) => line.includes("listener of the session mailbox threw")).length, 2)
        })
    )

    law("brings what a listener posts in its turn after what it answers", (one, other) =>
      Effect.gen(function*() {
        const post = Effect.runForkWith(yield* Effect.context<never>())
        yield* one.listen(({ text }) => {
          if (text === "question") post(one.post(letter("answer")))
        })
        const all = yield* Effect.all([collect(one), collect(other)])
        yield* other.post(letter("question"))
        yield* Effect.forEach(all, (texts) => arrived(texts, 2))
        for (const texts of all) assert.deepStrictEqual(texts, ["question", "answer"])
      }))
  })
}
