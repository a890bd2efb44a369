import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redis from "effect/persistence/Redis"
import * as SessionMailbox from "fastmcp-effect/session/SessionMailbox"
import * as SessionMailboxRedis from "fastmcp-effect/session/SessionMailboxRedis"
import { proxy } from "../support/proxy.ts"
import { needing, redis } from "../support/services.ts"
import { arrived, collect, connect, suite } from "./contract/SessionMailbox.ts"
import { keys, onRedis } from "./places.ts"

const letter = (text: string): SessionMailbox.Letter => ({ session: "one", text })

const numbered = (count: number) => Array.from({ length: count }, (_, index) => String(index))

needing(redis, () => {
  suite("on Redis", onRedis((prefix) => SessionMailboxRedis.layer({ prefix })))

  describe("SessionMailboxRedis", () => {
    it.live("brings everything once though its connections are cut again and again", () =>
      Effect.scoped(
        Effect.gen(function*() {
          const { client, prefix } = yield* keys
          const { send } = Context.get(yield* Layer.build(client()), Redis.Redis)
          const posting = yield* connect(Layer.provide(SessionMailboxRedis.layer({ prefix }), client()))
          const name = `${prefix}listening`
          const listening = yield* connect(Layer.provide(SessionMailboxRedis.layer({ prefix }), client({ name })))
          const texts = yield* collect(listening)
          let cut = 0
          /** The shared server has other clients as well. */
          const cutAll = Effect.gen(function*() {
            const all = (yield* send<string>("CLIENT", "LIST")).split("\n").filter((line) =>
              line.includes(` name=${name} `)
            )
            for (const line of all) {
              yield* send("CLIENT", "KILL", "ID", /id=(\d+)/.exec(line)![1]!)
              cut++
            }
          })
          for (const text of numbered(90)) {
            yield* posting.post(letter(text))
            if (Number(text) % 30 === 10) yield* cutAll
          }
          yield* arrived(texts, 90)
          assert.deepStrictEqual(texts, numbered(90))
          // The shared connection and the reserved one, each time that there was one.
          assert.isAtLeast(cut, 4)
        }).pipe(Effect.provide(Logger.layer([])))
      ))

    it.live("holds one connection however many listen, and none when nobody does", () =>
      Effect.scoped(Effect.gen(function*() {
        const { client, prefix } = yield* keys
        const { send } = Context.get(yield* Layer.build(client()), Redis.Redis)
        const name = `${prefix}listening`
        const mailbox = yield* connect(
          Layer.provide(SessionMailboxRedis.layer({ prefix }), client({ name, idleTimeout: "10 millis" }))
        )
        const connections = Effect.map(
          send<string>("CLIENT", "LIST"),
          (list) => list.split("\n").filter((line) => line.includes(` name=${name} `)).length
        )
        assert.strictEqual(yield* connections, 1)
        yield* Effect.scoped(Effect.gen(function*() {
          const all = yield* Effect.all(Array.from({ length: 20 }, () => collect(mailbox)))
          yield* mailbox.post(letter("1"))
          yield* Effect.forEach(all, (texts) => arrived(texts, 1))
          assert.deepStrictEqual(all.flat(), Array(20).fill("1"))
          assert.strictEqual(yield* connections, 2)
        }))
        while ((yield* connections) > 1) yield* Effect.sleep("20 millis")
      })))

    it.live("drops old letters when new ones come, and all of them after a while without any", () =>
      Effect.scoped(Effect.gen(function*() {
        const { client, prefix } = yield* keys
        const { send } = Context.get(yield* Layer.build(client()), Redis.Redis)
        const mailbox = yield* connect(
          Layer.provide(SessionMailboxRedis.layer({ prefix, retention: "1 second" }), client())
        )
        const key = `${prefix}letters`
        const [seconds] = yield* send<[string, string]>("TIME")
        const at = (ago: number, index: number) => `${(Number(seconds) - ago) * 1000}-${index}`
        for (const index of Array(150).keys()) yield* send("XADD", key, at(70, index), "session", "one", "text", "old")
        yield* send("XADD", key, at(50, 0), "session", "one", "text", "young")
        yield* mailbox.post(letter("new"))
        const kept = yield* send<Array<[string, Array<string>]>>("XRANGE", key, "-", "+")
        const texts = kept.map(([, fields]) => fields[3])
        assert.deepStrictEqual(texts.slice(-2), ["young", "new"])
        // Redis takes away whole nodes of a hundred.
        assert.isBelow(texts.length, 102)
        assert.isAtMost(yield* send<number>("PTTL", key), 120_000)
        assert.isAbove(yield* send<number>("PTTL", key), 60_000)
      })))

    it.live(
      "does not wait for ever for a server that is gone without a word, and reads on elsewhere",
      () =>
        Effect.scoped(
          Effect.gen(function*() {
            const { client, prefix } = yield* keys
            const { hostname, port } = new URL(redis.url)
            const way = yield* proxy({ host: hostname, port: Number(port) })
            const posting = yield* connect(Layer.provide(SessionMailboxRedis.layer({ prefix }), client()))
            const url = new URL(redis.url)
            url.host = `127.0.0.1:${way.port}`
            const services = yield* Layer.build(
              SessionMailboxRedis.layer({ prefix }).pipe(Layer.provideMerge(client({ url: url.href })))
            )
            const listening = Context.get(services, SessionMailbox.SessionMailbox)
            const texts = yield* collect(listening)
            yield* posting.post(letter("1"))
            yield* arrived(texts, 1)
            way.freeze()
            yield* posting.post(letter("2"))
            const { reason } = yield* Effect.flip(listening.post(letter("nowhere")))
            assert.deepInclude(reason, { _tag: "Unavailable", store: "session mailbox" } as const)
            yield* posting.post(letter("3"))
            yield* arrived(texts, 3, 1500)
            assert.deepStrictEqual(texts, ["1", "2", "3"])
            // Or closing it would wait for answers.
            Context.get(services, NodeRedis.NodeRedis).client.destroy()
          }).pipe(Effect.provide(Logger.layer([])))
        ),
      60_000
    )

    it.live("is unavailable when Redis refuses", () =>
      Effect.scoped(Effect.gen(function*() {
        const { client, prefix } = yield* keys
        const { send } = Context.get(yield* Layer.build(client()), Redis.Redis)
        yield* send("SET", `${prefix}letters`, "not a stream")
        const mailbox = yield* connect(Layer.provide(SessionMailboxRedis.layer({ prefix }), client()))
        for (const call of [mailbox.post(letter("1")), mailbox.listen(() => {})]) {
          const { reason } = yield* Effect.flip(call)
          assert.deepInclude(reason, { _tag: "Unavailable", store: "session mailbox" } as const)
        }
      })))
  })
})
