import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as NodeSigningKeys from "fastmcp-effect/node/NodeSigningKeys"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll } from "vitest"
import { run } from "../examples/program.ts"

const root = fs.mkdtempSync(path.join(os.tmpdir(), "signing-keys-"))
afterAll(() => fs.rmSync(root, { recursive: true }))

let files = 0
const fresh = () => path.join(root, `${++files}.json`)

const ringOf = (file: string) => JSON.parse(fs.readFileSync(file, "utf8")) as SigningKeys.Ring

const message = <A>(effect: Effect.Effect<A, SigningKeys.SigningKeysError>) =>
  Effect.map(Effect.flip(effect), ({ message }) => message)

const opened = (file: string) => Effect.provide(Effect.void, NodeSigningKeys.layerFile(file), { local: true })

describe("a file of signing keys", () => {
  it.effect("is made with one key, for its owner alone, and never over another", () =>
    Effect.gen(function*() {
      const file = fresh()
      const before = process.umask(0)
      yield* NodeSigningKeys.make(file).pipe(Effect.ensuring(Effect.sync(() => process.umask(before))))
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
      assert.deepStrictEqual(ringOf(file).map(({ algorithm, signsFrom }) => [algorithm, signsFrom]), [["ES256", 0]])
      const text = fs.readFileSync(file, "utf8")
      assert.include(yield* message(NodeSigningKeys.make(file)), "it is there already")
      assert.strictEqual(fs.readFileSync(file, "utf8"), text)
      assert.deepStrictEqual(fs.readdirSync(root).filter((name) => name.endsWith(".tmp")), [])
    }))

  it.effect("gets the next key of an algorithm, and loses what is withdrawn", () =>
    Effect.gen(function*() {
      const file = fresh()
      yield* NodeSigningKeys.make(file)
      yield* NodeSigningKeys.rotate(file, { algorithm: "EdDSA" })
      yield* NodeSigningKeys.rotate(file, { lead: "2 hours", overlap: "1 hour" })
      const hour = 3_600_000
      const shown = () =>
        ringOf(file).map(({ algorithm, publishedUntil, signsFrom }) => [algorithm, signsFrom, publishedUntil])
      assert.deepStrictEqual(shown(), [
        ["ES256", 0, 3 * hour],
        ["ES256", 2 * hour, undefined],
        ["EdDSA", hour, undefined]
      ])
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
      yield* TestClock.adjust("3 hours")
      yield* NodeSigningKeys.rotate(file, { algorithm: "EdDSA" })
      assert.deepStrictEqual(shown(), [
        ["ES256", 2 * hour, undefined],
        ["EdDSA", hour, (3 + 1 + 24) * hour],
        ["EdDSA", 4 * hour, undefined]
      ])
    }))

  it.effect("is refused when something is wrong with it, in words, and is left as it is", () =>
    Effect.gen(function*() {
      const file = fresh()
      for (const effect of [opened(file), NodeSigningKeys.rotate(file)]) {
        assert.include(yield* message(effect), "there is no such file; NodeSigningKeys.make makes one")
      }
      yield* NodeSigningKeys.make(file)
      const good = fs.readFileSync(file, "utf8")
      const [key] = ringOf(file)
      const { d, ...publicJwk } = key!.jwk
      for (
        const [text, expected] of [
          ["", "it is no key ring"],
          [good.slice(0, -20), "it is no key ring"],
          ["{}", "it is no key ring"],
          ["[]", "No key of the ring signs now"],
          [JSON.stringify([{ ...key, algorithm: "HS256" }]), "it is no key ring"],
          [JSON.stringify([{ ...key, jwk: publicJwk }]), "it has to be a private JWK for ES256"],
          [JSON.stringify([{ ...key, signsFrom: 1 }]), "No key of the ring signs now"]
        ] as const
      ) {
        fs.writeFileSync(file, text)
        for (const effect of [opened(file), NodeSigningKeys.rotate(file)]) {
          const said = yield* message(effect)
          assert.include(said, file)
          assert.include(said, expected)
          assert.notInclude(said, String(d))
        }
        assert.strictEqual(fs.readFileSync(file, "utf8"), text)
      }
      fs.writeFileSync(file, good)
      fs.chmodSync(file, 0o640)
      for (const effect of [opened(file), NodeSigningKeys.rotate(file)]) {
        assert.include(yield* message(effect), `chmod 600 ${file}`)
      }
    }))

  it.effect("is looked at again while it is in use, and a broken one changes nothing", () =>
    Effect.gen(function*() {
      const file = fresh()
      yield* NodeSigningKeys.make(file)
      yield* Effect.gen(function*() {
        const { published, sign } = yield* SigningKeys.SigningKeys
        const count = Effect.map(published, (keys) => keys.length)
        /** Importing a key takes a moment that no clock of a test knows. */
        const becomes = (expected: number): Effect.Effect<void> =>
          Effect.flatMap(count, (now) =>
            now === expected
              ? Effect.void
              : TestClock.withLive(Effect.sleep(5)).pipe(Effect.andThen(becomes(expected))))
        yield* NodeSigningKeys.rotate(file)
        assert.strictEqual(yield* count, 1)
        yield* TestClock.adjust("1 minute")
        yield* becomes(2)
        const good = fs.readFileSync(file)
        fs.writeFileSync(file, "[")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* count, 2)
        yield* sign({ typ: "JWT" }, {})
        fs.writeFileSync(file, good)
        yield* NodeSigningKeys.rotate(file)
        yield* TestClock.adjust("1 minute")
        yield* becomes(3)
      }).pipe(Effect.provide(NodeSigningKeys.layerFile(file)))
    }))

  it("npm run keys makes one, and the next key, and says no", async () => {
    const file = fresh()
    const keys = (...args: ReadonlyArray<string>) => run("examples/oidc/keys.ts", { args: [file, ...args] })
    const made = await keys("--algorithm", "RS256")
    assert.deepStrictEqual([made.code, made.stdout], [0, `made ${file} with an RS256 key\n`], made.stderr)
    assert.strictEqual((await keys()).code, 0)
    assert.deepStrictEqual(ringOf(file).map(({ algorithm }) => algorithm), ["RS256", "ES256"])
    assert.strictEqual((await keys("--algorithm", "HS256")).code, 2)
    fs.writeFileSync(file, "{")
    const refused = await keys()
    assert.strictEqual(refused.code, 1)
    assert.include(refused.stderr, "it is no key ring")
    assert.strictEqual(fs.readFileSync(file, "utf8"), "{")
  }, 60_000)
})
