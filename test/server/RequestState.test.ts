import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { Json } from "../../src/protocol/JsonRpc.ts"
import * as McpError from "../../src/protocol/McpError.ts"
import * as RequestState from "../../src/server/RequestState.ts"
import { withoutEscapedKeys } from "../support/json.ts"
import * as random from "./random.ts"

const secret = Redacted.make("a secret for the tests, 32 bytes+")
const other = Redacted.make("another one, which no other test has")

/** A process of its own: nothing is shared with what was built before. */
const start = <E>(layer: Layer.Layer<RequestState.RequestState, E>) =>
  Effect.map(Layer.build(Layer.fresh(layer)), (context) => Context.get(context, RequestState.RequestState))

const startWith = (options?: Partial<RequestState.Options>) => start(RequestState.layer({ key: secret, ...options }))

const json: Arbitrary.Arbitrary<Json> = Arbitrary.map(Arbitrary.schema(Schema.Json), withoutEscapedKeys)

const text = Arbitrary.schema(Schema.String)

/** What JSON keeps of a value. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

const unusable =
  "This requestState cannot be used: it is damaged or no longer known, or it belongs to another request " +
  "or another caller. Start the request again, without requestState and inputResponses."

const expired = "This requestState has expired. Start the request again, without requestState and inputResponses."

type Service = RequestState.RequestState["Service"]

const refusal = Effect.fnUntraced(function*(service: Service, token: string, binding: string) {
  const error = yield* Effect.flip(service.open(token, binding))
  return McpError.toObject(error, "Stateless")
})

const refuses = Effect.fnUntraced(function*(service: Service, token: string, binding: string) {
  assert.deepStrictEqual(yield* refusal(service, token, binding), { code: -32602, message: unusable }, token)
})

/** Randomness that counts, for a lab. */
const counting = (from: number) => {
  let next = from
  const getRandomValues = (bytes: Uint8Array) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = next++
    return bytes
  }
  return { subtle: globalThis.crypto.subtle, getRandomValues } as unknown as Parameters<typeof WebCrypto.layer>[0]
}

const warnings = () => {
  const messages: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    messages.push(`${logLevel}: ${[message].flat().join(" ")}`)
  })
  return { messages, layer: Logger.layer([logger]) }
}

describe("RequestState", () => {
  it.effect.prop(
    "opens what it sealed",
    [json, text],
    ([state, binding]) =>
      Effect.scoped(Effect.gen(function*() {
        const service = yield* startWith()
        const token = yield* service.seal(state, binding)
        assert.match(token, /^[\w-]+$/u)
        assert.deepStrictEqual(yield* service.open(token, binding), plain(state))
      })),
    { arbitrary: { runs: 200 } }
  )

  it.effect("keeps odd names, odd text and odd numbers", () =>
    Effect.gen(function*() {
      const service = yield* startWith()
      const states: ReadonlyArray<Json> = [
        null,
        false,
        "",
        "\ud800 \udc00 \ufeff \u0000 😀",
        [1e308, 5e-324, 2 ** 53, -1.5],
        JSON.parse(`{"__proto__":{"constructor":1},"":{"toString":[[[{}]]]}}`) as Json
      ]
      for (const state of states) {
        const opened = yield* service.open(yield* service.seal(state, ""), "")
        assert.strictEqual(JSON.stringify(opened), JSON.stringify(state))
      }
    }))

  it.effect("shows nothing of the state, and never the same token twice", () =>
    Effect.gen(function*() {
      const service = yield* startWith()
      const state = { password: "swordfish swordfish swordfish" }
      const tokens = yield* Effect.replicateEffect(service.seal(state, "binding"), 50)
      assert.strictEqual(new Set(tokens).size, 50)
      for (const token of tokens) {
        const bytes = Buffer.from(token, "base64url").toString("latin1")
        assert.notInclude(bytes, "sword")
        assert.notInclude(bytes, "binding")
      }
    }))

  describe("refuses, with one message that says what to do,", () => {
    it.effect("a token with any character changed", () =>
      Effect.gen(function*() {
        const service = yield* startWith()
        // Of each length modulo 3, so that the last character has 6, 4 and 2 bits that are used.
        for (const state of ["a", "ab", "abc"]) {
          const token = yield* service.seal(state, "binding")
          for (let at = 0; at < token.length; at++) {
            const others = at === token.length - 1
              ? `${alphabet}=+/ \n`
              : alphabet[(alphabet.indexOf(token[at]!) + 1 + (at * 7) % 63) % 64]! +
                alphabet[alphabet.indexOf(token[at]!) ^ 1]! + "="
            for (const character of others) {
              if (character === token[at]) continue
              yield* refuses(service, token.slice(0, at) + character + token.slice(at + 1), "binding")
            }
          }
          assert.strictEqual(yield* service.open(token, "binding"), state)
        }
      }))

    it.effect("a token cut short, drawn out, mixed with another, or in other text for the same bytes", () =>
      Effect.gen(function*() {
        const service = yield* startWith()
        for (const state of ["a", "ab", "abc"]) {
          const token = yield* service.seal(state, "binding")
          const second = yield* service.seal(state, "binding")
          const bytes = Buffer.from(token, "base64url")
          for (let at = 0; at < token.length; at++) {
            yield* refuses(service, token.slice(0, at), "binding")
            yield* refuses(service, token.slice(at + 1), "binding")
            yield* refuses(service, `${token.slice(0, at)}A${token.slice(at)}`, "binding")
            yield* refuses(service, `${token.slice(0, at)}\n${token.slice(at)}`, "binding")
            const mixed = token.slice(0, at) + second.slice(at)
            if (mixed !== token && mixed !== second) yield* refuses(service, mixed, "binding")
          }
          const spellings = [
            `${token}=`,
            `${token}==`,
            ` ${token}`,
            `${token}\r\n`,
            token + token,
            bytes.toString("hex")
          ]
          for (const spelling of spellings) yield* refuses(service, spelling, "binding")
        }
        for (const garbage of ["", "A", "{}", "null", "é", "\ud800", "A".repeat(64), "A".repeat(65_536)]) {
          yield* refuses(service, garbage, "binding")
        }
      }))

    it.effect("tokens mutated at random, hundreds of them", () =>
      Effect.gen(function*() {
        const service = yield* startWith()
        const token = yield* service.seal({ answers: { name: "Ada" }, step: 3 }, "binding")
        const bytes = Buffer.from(token, "base64url")
        const { below, chance } = random.make(random.seed())
        for (let i = 0; i < 600; i++) {
          const mutated = Buffer.from(bytes)
          mutated[below(bytes.length)]! ^= 1 << below(8)
          const kept = chance(0.2) ? mutated.subarray(0, below(bytes.length)) : mutated
          yield* refuses(service, kept.toString("base64url"), "binding")
        }
        assert.deepStrictEqual(yield* service.open(token, "binding"), { answers: { name: "Ada" }, step: 3 })
      }))

    it.effect.prop(
      "another binding than it was sealed with",
      [Arbitrary.array(text, { minLength: 2, maxLength: 6 })],
      ([bindings]) =>
        Effect.scoped(Effect.gen(function*() {
          const service = yield* startWith()
          for (const one of bindings) {
            const token = yield* service.seal(1, one)
            for (const binding of [...bindings, `${one} `, `"${one}"`, one.slice(1), ""]) {
              if (binding === one) assert.strictEqual(yield* service.open(token, binding), 1)
              else yield* refuses(service, token, binding)
            }
          }
        })),
      { arbitrary: { runs: 60 } }
    )

    it.effect("bindings that are the same once they are UTF-8", () =>
      Effect.gen(function*() {
        const service = yield* startWith()
        const token = yield* service.seal(1, "\ud800")
        assert.strictEqual(yield* service.open(token, "\ud800"), 1)
        yield* refuses(service, token, "\ud801")
        yield* refuses(service, token, "\ufffd")
      }))

    it.effect("what another key sealed, even where its key id was forged", () =>
      Effect.gen(function*() {
        const service = yield* startWith()
        const stranger = yield* startWith({ key: other })
        const token = yield* stranger.seal(1, "binding")
        yield* refuses(service, token, "binding")
        const own = Buffer.from(yield* service.seal(1, "binding"), "base64url")
        const forged = Buffer.concat([own.subarray(0, 9), Buffer.from(token, "base64url").subarray(9)])
        yield* refuses(service, forged.toString("base64url"), "binding")
      }))

    it.effect("a token of another version", () =>
      Effect.gen(function*() {
        const service = yield* startWith()
        const bytes = Buffer.from(yield* service.seal(1, "binding"), "base64url")
        assert.strictEqual(bytes[0], 1)
        bytes[0] = 2
        yield* refuses(service, bytes.toString("base64url"), "binding")
      }))
  })

  describe("time", () => {
    it.effect("opens for ten minutes and then says that the state has expired", () =>
      Effect.gen(function*() {
        const service = yield* startWith()
        const token = yield* service.seal("state", "binding")
        yield* TestClock.adjust(10 * 60_000 - 1)
        assert.strictEqual(yield* service.open(token, "binding"), "state")
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* refusal(service, token, "binding"), { code: -32602, message: expired })
      }))

    it.effect("counts from each sealing, by the ttl of whoever sealed", () =>
      Effect.gen(function*() {
        const short = yield* startWith({ ttl: "1 second" })
        const endless = yield* startWith({ ttl: "Infinity" })
        const first = yield* short.seal(1, "")
        const forever = yield* endless.seal(3, "")
        yield* TestClock.adjust(999)
        const second = yield* short.seal(2, "")
        yield* TestClock.adjust(1)
        assert.strictEqual((yield* refusal(endless, first, "")).message, expired)
        assert.strictEqual(yield* short.open(second, ""), 2)
        yield* TestClock.adjust("10000 days")
        assert.strictEqual(yield* short.open(forever, ""), 3)
      }))

    it.effect("does not say of what it cannot authenticate that it has expired", () =>
      Effect.gen(function*() {
        const service = yield* startWith({ ttl: "1 second" })
        const token = yield* service.seal("state", "binding")
        yield* TestClock.adjust("1 hour")
        assert.strictEqual((yield* refusal(service, token, "binding")).message, expired)
        yield* refuses(service, token, "another binding")
        yield* refuses(service, `${token.slice(0, -8)}AAAAAAAA`, "binding")
        yield* refuses(yield* startWith({ key: other }), token, "binding")
      }))
  })

  describe("keys", () => {
    it.effect("a restarted server with the same key continues, whether the key is text or bytes", () =>
      Effect.gen(function*() {
        const token = yield* Effect.scoped(
          Effect.flatMap(startWith(), (service) => service.seal({ step: 2 }, "binding"))
        )
        assert.deepStrictEqual(yield* (yield* startWith()).open(token, "binding"), { step: 2 })
        const bytes = Redacted.make(new TextEncoder().encode(Redacted.value(secret)))
        assert.deepStrictEqual(yield* (yield* startWith({ key: bytes })).open(token, "binding"), { step: 2 })
      }))

    it.effect("a previous key opens and does not seal", () =>
      Effect.gen(function*() {
        const before = yield* startWith()
        const between = yield* startWith({ key: other, previousKeys: [Redacted.make("x".repeat(32)), secret] })
        const after = yield* startWith({ key: other })
        const old = yield* before.seal("old", "binding")
        assert.strictEqual(yield* between.open(old, "binding"), "old")
        yield* refuses(between, old, "another binding")
        yield* refuses(after, old, "binding")
        const fresh = yield* between.seal("fresh", "binding")
        assert.strictEqual(yield* after.open(fresh, "binding"), "fresh")
        assert.strictEqual(yield* between.open(fresh, "binding"), "fresh")
        yield* refuses(before, fresh, "binding")
      }))

    it.effect("keys that differ in one bit do not open each other's tokens", () =>
      Effect.gen(function*() {
        const bytes = new Uint8Array(64).fill(7)
        const token = yield* (yield* startWith({ key: Redacted.make(bytes) })).seal(1, "")
        const changed = Uint8Array.from(bytes, (byte, index) => index === 63 ? byte ^ 1 : byte)
        yield* refuses(yield* startWith({ key: Redacted.make(changed) }), token, "")
      }))

    it.effect("refuses a key of fewer than 32 bytes, and does not show it", () =>
      Effect.gen(function*() {
        const short = [
          [{ key: Redacted.make("s3cret".padEnd(31, "!")) }, "key", 31],
          [{ key: Redacted.make(new Uint8Array(31)) }, "key", 31],
          [{ key: Redacted.make("") }, "key", 0],
          [{ key: secret, previousKeys: [other, Redacted.make("s3cret")] }, "previousKeys[1]", 6]
        ] as const
        for (const [options, option, bytes] of short) {
          const error = yield* Effect.flip(start(RequestState.layer(options)))
          assert.instanceOf(error, RequestState.RequestStateError)
          assert.deepStrictEqual(error.reason, new RequestState.KeyTooShort({ option, bytes }))
          assert.strictEqual(
            error.message,
            `${option} of the request state has ${bytes} bytes and needs at least 32; ` +
              `"openssl rand -base64 32" makes one.`
          )
        }
        yield* startWith({ key: Redacted.make("é".repeat(16)) })
      }))

    it.effect("opens a token of release 0.1.0", () =>
      Effect.gen(function*() {
        const service = yield* startWith()
        assert.deepStrictEqual(yield* service.open(released, "binding"), { step: 1 })
        const lab = yield* start(Layer.provide(RequestState.layer({ key: secret }), WebCrypto.layer(counting(0))))
        assert.strictEqual(yield* lab.seal({ step: 1 }, "binding"), released)
      }))
  })

  describe("limits", () => {
    it.effect("seals up to maxBytes as they are sent, and fails with the limit beyond", () =>
      Effect.gen(function*() {
        for (const state of ["a", "ab", "abc", "é😀"]) {
          const { length } = yield* (yield* startWith()).seal(state, "binding")
          const exact = yield* startWith({ maxBytes: length })
          assert.strictEqual(yield* exact.open(yield* exact.seal(state, "binding"), "binding"), state)
          const less = yield* startWith({ maxBytes: length - 1 })
          const { reason } = yield* Effect.flip(less.seal(state, "binding"))
          assert.strictEqual(reason._tag, "LimitReached")
          assert.deepInclude(reason, { limit: "state size", maximum: length - 1 })
        }
      }))

    it.effect("has room for 64 KiB unless told otherwise", () =>
      Effect.gen(function*() {
        const service = yield* startWith()
        // 57 bytes of its own and two quotes.
        const fits = "x".repeat(49_152 - 59)
        const token = yield* service.seal(fits, "")
        assert.strictEqual(token.length, 65_536)
        assert.strictEqual(yield* service.open(token, ""), fits)
        assert.strictEqual((yield* Effect.flip(service.seal(`${fits}x`, ""))).reason._tag, "LimitReached")
      }))

    it.effect("refuses a token longer than maxBytes, though it is genuine", () =>
      Effect.gen(function*() {
        const token = yield* (yield* startWith()).seal("state", "binding")
        yield* refuses(yield* startWith({ maxBytes: token.length - 1 }), token, "binding")
        assert.strictEqual(yield* (yield* startWith({ maxBytes: token.length })).open(token, "binding"), "state")
      }))

    it.effect("does not count the binding", () =>
      Effect.gen(function*() {
        const service = yield* startWith({ maxBytes: 200 })
        const binding = "x".repeat(100_000)
        assert.strictEqual(yield* service.open(yield* service.seal(1, binding), binding), 1)
      }))

    it.effect("says how many rounds a request has: 16 unless told otherwise", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* startWith()).maxRounds, 16)
        assert.strictEqual((yield* startWith({ maxRounds: 3 })).maxRounds, 3)
        assert.strictEqual((yield* start(RequestState.layerRandom)).maxRounds, 16)
        assert.strictEqual((yield* start(RequestState.layerRandomWith({ maxRounds: 4 }))).maxRounds, 4)
      }))

    it.effect("refuses a limit nothing fits into", () =>
      Effect.gen(function*() {
        const wrong = [
          [{ ttl: 0 }, "ttl"],
          [{ ttl: "-1 seconds" }, "ttl"],
          [{ maxBytes: 0 }, "maxBytes"],
          [{ maxBytes: NaN }, "maxBytes"],
          [{ maxRounds: -1 }, "maxRounds"]
        ] as const
        for (const [limits, option] of wrong) {
          const errors = [
            yield* Effect.flip(startWith(limits)),
            yield* Effect.flip(start(RequestState.layerRandomWith(limits)))
          ]
          for (const error of errors) {
            assert.deepStrictEqual(error.reason, new RequestState.InvalidLimit({ option }))
            assert.strictEqual(error.message, `${option} of the request state must be greater than 0.`)
          }
        }
      }))
  })

  describe("layerConfig", () => {
    const fromEnvironment = RequestState.layerConfig({
      key: Config.Redacted("STATE_KEY"),
      previousKeys: Config.Redacted("OLD_STATE_KEY").pipe(Config.map((key) => [key]), Config.withDefault(undefined)),
      ttl: Config.Duration("STATE_TTL").pipe(Config.withDefault(undefined)),
      maxRounds: Config.Int("STATE_ROUNDS").pipe(Config.withDefault(undefined))
    })

    const configured = (values: { readonly [name: string]: string }) =>
      start(Layer.provide(fromEnvironment, ConfigProvider.layer(ConfigProvider.fromUnknown(values))))

    it.effect("takes the options from configuration", () =>
      Effect.gen(function*() {
        const STATE_KEY = Redacted.value(other)
        const service = yield* configured({
          STATE_KEY,
          OLD_STATE_KEY: Redacted.value(secret),
          STATE_TTL: "5 seconds",
          STATE_ROUNDS: "2"
        })
        assert.strictEqual(service.maxRounds, 2)
        assert.strictEqual(yield* service.open(yield* (yield* startWith()).seal(1, ""), ""), 1)
        const token = yield* service.seal(2, "")
        assert.strictEqual(yield* (yield* startWith({ key: other })).open(token, ""), 2)
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* refusal(service, token, "")).message, expired)
        assert.strictEqual((yield* configured({ STATE_KEY })).maxRounds, 16)
      }))

    it.effect("fails where the key is missing or too short", () =>
      Effect.gen(function*() {
        const missing = yield* Effect.flip(configured({}))
        assert.strictEqual(missing._tag, "ConfigError")
        assert.match(missing.message, /STATE_KEY/u)
        const short = yield* Effect.flip(configured({ STATE_KEY: "short" }))
        assert.strictEqual(short._tag, "RequestStateError")
      }))
  })

  describe("layerRandom", () => {
    it.effect("opens its own states and nobody else's", () =>
      Effect.gen(function*() {
        const one = yield* start(RequestState.layerRandom)
        const two = yield* start(RequestState.layerRandom)
        const three = yield* start(RequestState.layerRandomWith({}))
        const token = yield* one.seal({ step: 1 }, "binding")
        assert.deepStrictEqual(yield* one.open(token, "binding"), { step: 1 })
        yield* refuses(one, token, "another binding")
        yield* refuses(two, token, "binding")
        yield* refuses(three, token, "binding")
      }).pipe(Effect.provide(Logger.layer([]))))

    it.effect("warns at the first state it seals, once, and says how to set a key", () =>
      Effect.gen(function*() {
        for (const layer of [RequestState.layerRandom, RequestState.layerRandomWith({ ttl: "1 hour" })]) {
          const log = warnings()
          yield* Effect.gen(function*() {
            const service = yield* start(layer)
            yield* refuses(service, "x", "")
            assert.deepStrictEqual(log.messages, [])
            yield* Effect.all([service.seal(1, ""), service.seal(2, "")], { concurrency: "unbounded" })
            yield* service.seal(3, "")
          }).pipe(Effect.provide(log.layer))
          assert.lengthOf(log.messages, 1)
          assert.match(log.messages[0]!, /^Warn: .*restart.*another process.*RequestState\.layer\(\{ key \}\)/u)
        }
      }))

    it.effect("a layer with a key does not warn", () =>
      Effect.gen(function*() {
        const log = warnings()
        yield* Effect.provide(Effect.flatMap(startWith(), (service) => service.seal(1, "")), log.layer)
        assert.deepStrictEqual(log.messages, [])
      }))

    it.effect("takes its key and its nonces from the WebCrypto of the lab, also where another was in use before", () =>
      Effect.gen(function*() {
        const memo = yield* Layer.makeMemoMap
        const scope = yield* Effect.scope
        const inLab = (from: number) =>
          Effect.map(
            Layer.buildWithMemoMap(
              Layer.provide(RequestState.layerRandomWith({}), WebCrypto.layer(counting(from))),
              memo,
              scope
            ),
            (context) => Context.get(context, RequestState.RequestState)
          )
        const one = yield* inLab(0)
        const same = yield* inLab(0)
        const different = yield* inLab(100)
        const token = yield* one.seal(1, "")
        assert.strictEqual(yield* same.seal(1, ""), token)
        assert.strictEqual(yield* same.open(token, ""), 1)
        yield* refuses(different, token, "")
      }).pipe(Effect.provide(Logger.layer([]))))
  })
})

// Key `secret`, sealed at the epoch with a nonce of 0, 1, 2, ... If this changes, `version` must too.
const released = "AWi6-ibAAufmAAECAwQFBgcICQoLDA0ODxAREhMUFRYXlLV3WsgJ74UoxVbMsfFIHg3nTqQ7nHJ89g7-s-aqZ6QYlA"
