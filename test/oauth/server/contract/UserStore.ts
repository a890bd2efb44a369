/** The laws of a `UserStore` and its `UserEditor`. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as OAuthStoreError from "fastmcp-effect/oauth/server/OAuthStoreError"
import * as UserStore from "fastmcp-effect/oauth/server/UserStore"
import type { Backend } from "../../../session/places.ts"

type Both = UserStore.UserStore | UserStore.UserEditor

interface Users {
  readonly store: UserStore.UserStore["Service"]
  readonly editor: UserStore.UserEditor["Service"]
}

const anna: UserStore.User = {
  subject: "1",
  username: "Anna.Müller",
  passwordHash: "$argon2id$1",
  name: "Anna Müller",
  claims: { email: "anna@acme.example", groups: ["a", "b"], "": null }
}

const ben: UserStore.User = { subject: "2", username: "ben", passwordHash: "$argon2id$2" }

const connect = (process: Layer.Layer<Both, unknown>): Effect.Effect<Users, unknown, any> =>
  Effect.map(Layer.build(process), (services) => ({
    store: Context.get(services, UserStore.UserStore),
    editor: Context.get(services, UserStore.UserEditor)
  }))

export const suite = (name: string, { isShared, place }: Backend<Both>): void => {
  const law = (title: string, body: (users: Users) => Effect.Effect<void, OAuthStoreError.OAuthStoreError>) =>
    it.effect(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        yield* body(yield* connect(process()))
      })))

  describe(`UserStore: ${name}`, () => {
    law("finds a user by name and by subject, whole", ({ editor, store }) =>
      Effect.gen(function*() {
        assert.isUndefined(yield* store.find("ben"))
        assert.isTrue(yield* editor.add(anna))
        assert.isTrue(yield* editor.add(ben))
        assert.deepStrictEqual(yield* store.find("Anna.Müller"), anna)
        assert.deepStrictEqual(yield* store.get("1"), anna)
        assert.deepStrictEqual(yield* store.get("2"), ben)
        assert.isUndefined(yield* store.get("3"))
      }))

    law("takes names for the same that differ in how they are written", ({ editor, store }) =>
      Effect.gen(function*() {
        yield* editor.add(anna)
        for (const name of ["anna.müller", " ANNA.MÜLLER ", "anna.mu\u0308ller", "ａnna.müller"]) {
          assert.strictEqual((yield* store.find(name))?.subject, "1", name)
          assert.isFalse(yield* editor.add({ ...ben, username: name }), name)
        }
        assert.isUndefined(yield* store.find("anna.muller"))
      }))

    law("gives nobody a subject or a name that is taken", ({ editor, store }) =>
      Effect.gen(function*() {
        yield* editor.add(anna)
        assert.isFalse(yield* editor.add({ ...ben, subject: "1" }))
        assert.isFalse(yield* editor.add({ ...ben, username: "ANNA.müller" }))
        assert.deepStrictEqual(yield* store.get("1"), anna)
        assert.isUndefined(yield* store.find("ben"))
      }))

    law("replaces a user, also the name", ({ editor, store }) =>
      Effect.gen(function*() {
        yield* editor.add(anna)
        yield* editor.add(ben)
        assert.isFalse(yield* editor.replace({ ...ben, username: "anna.müller" }))
        assert.isFalse(yield* editor.replace({ ...ben, subject: "3", username: "carl" }))
        assert.isTrue(yield* editor.replace({ ...anna, username: "ANNA.MÜLLER" }))
        const renamed = { subject: "1", username: "anne", passwordHash: "$argon2id$3" }
        assert.isTrue(yield* editor.replace(renamed))
        assert.isUndefined(yield* store.find("anna.müller"))
        assert.deepStrictEqual(yield* store.find("anne"), renamed)
      }))

    law("removes a user once, and their name is free", ({ editor, store }) =>
      Effect.gen(function*() {
        yield* editor.add(anna)
        assert.isTrue(yield* editor.remove("1"))
        assert.isFalse(yield* editor.remove("1"))
        assert.isUndefined(yield* store.find("anna.müller"))
        assert.isTrue(yield* editor.add({ ...ben, username: "anna.müller" }))
      }))

    law(
      "keeps another hash of a password, but not in place of another password",
      ({ editor, store }) =>
        Effect.gen(function*() {
          yield* editor.add(anna)
          yield* store.rehash(anna, "$argon2id$new")
          assert.deepStrictEqual(yield* store.find("anna.müller"), { ...anna, passwordHash: "$argon2id$new" })
          yield* store.rehash(anna, "$argon2id$late")
          assert.strictEqual((yield* store.get("1"))?.passwordHash, "$argon2id$new")
          yield* store.rehash(ben, "$argon2id$nobody")
          assert.isUndefined(yield* store.get("2"))
        })
    )

    law(
      "knows nobody by a name that is no text, or looks like a statement",
      ({ editor, store }) =>
        Effect.gen(function*() {
          yield* editor.add(ben)
          for (const name of ["", "\0", "ben\0", "\ud800", "ben'; DROP TABLE users; --", "%", "b_n"]) {
            assert.isUndefined(yield* store.find(name), JSON.stringify(name))
            assert.isUndefined(yield* store.get(name), JSON.stringify(name))
          }
          assert.deepStrictEqual(yield* store.find("ben"), ben)
        })
    )

    if (isShared) {
      it.effect("is one store for several processes, which give a name to one of those who want it", () =>
        Effect.scoped(Effect.gen(function*() {
          const process = yield* place
          const [one, other] = yield* Effect.all([connect(process()), connect(process())], { concurrency: 2 })
          yield* one.editor.add(anna)
          assert.deepStrictEqual(yield* other.store.find("anna.müller"), anna)
          yield* Effect.forEach(
            [10, 11, 12, 13],
            (n) => one.editor.add({ ...ben, subject: `${n}`, username: `user ${n}` })
          )
          const changes = [one, other, one, other].flatMap(({ editor }, n) => [
            editor.replace({ ...ben, subject: `${10 + n}`, username: "wanted" }),
            editor.add({ ...ben, subject: `${20 + n}`, username: "Wanted" })
          ])
          const done = yield* Effect.all(changes, { concurrency: "unbounded" })
          assert.strictEqual(done.filter(Boolean).length, 1)
        })))
    }
  })
}
