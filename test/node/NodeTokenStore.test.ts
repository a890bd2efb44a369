import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as NodeTokenStore from "fastmcp-effect/node/NodeTokenStore"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll } from "vitest"
import { suite } from "../oauth/client/contract/TokenStore.ts"

const root = fs.mkdtempSync(path.join(os.tmpdir(), "tokens-"))
afterAll(() => fs.rmSync(root, { recursive: true }))

let directories = 0
const fresh = () => path.join(root, String(++directories), "deeper")

suite("in files", () => Layer.fresh(NodeTokenStore.layer({ directory: fresh() })))

const within = <A, E>(
  directory: string,
  body: (store: TokenStore.TokenStore["Service"]) => Effect.Effect<A, E>
) =>
  Effect.flatMap(TokenStore.TokenStore, body).pipe(Effect.provide(NodeTokenStore.layer({ directory }), { local: true }))

const filesOf = (directory: string) => fs.readdirSync(directory).filter((name) => name.endsWith(".json"))

const set = (text: string) => (store: TokenStore.TokenStore["Service"]) => store.set("key", Redacted.make(text))

const get = (store: TokenStore.TokenStore["Service"]) =>
  Effect.map(store.get("key"), (found) => found && Redacted.value(found))

it.effect("nobody but their owner reads the files, whatever the umask", () =>
  Effect.gen(function*() {
    const directory = fresh()
    const before = process.umask(0)
    yield* within(directory, (store) => Effect.scoped(Effect.andThen(store.lock("key"), set("s3cret")(store)))).pipe(
      Effect.ensuring(Effect.sync(() => process.umask(before)))
    )
    assert.strictEqual(fs.statSync(directory).mode & 0o777, 0o700)
    for (const file of fs.readdirSync(directory)) {
      assert.strictEqual(fs.statSync(path.join(directory, file)).mode & 0o777, 0o600, file)
    }
  }))

it.effect("a file that others may read is closed to them", () =>
  Effect.gen(function*() {
    const directory = fresh()
    yield* within(directory, set("s3cret"))
    const file = path.join(directory, filesOf(directory)[0]!)
    fs.chmodSync(file, 0o644)
    assert.strictEqual(yield* within(directory, get), "s3cret")
    assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
  }))

it.effect("a link in place of a file is not followed, and is replaced by a file", () =>
  Effect.gen(function*() {
    const directory = fresh()
    yield* within(directory, set("s3cret"))
    const file = path.join(directory, filesOf(directory)[0]!)
    const elsewhere = path.join(root, `elsewhere-${directories}`)
    fs.renameSync(file, elsewhere)
    fs.symlinkSync(elsewhere, file)
    assert.deepInclude((yield* Effect.flip(within(directory, get))).reason, { _tag: "StoreFailed" })
    yield* within(directory, set("next"))
    assert.include(fs.readFileSync(elsewhere, "utf8"), "s3cret")
    assert.isFalse(fs.lstatSync(file).isSymbolicLink())
  }))

it.effect("a file that is torn or of another key is not there", () =>
  Effect.gen(function*() {
    const directory = fresh()
    yield* within(directory, set("s3cret"))
    const file = path.join(directory, filesOf(directory)[0]!)
    for (
      const text of [
        "",
        "{\"key\":\"key\",\"va",
        "null",
        "{\"key\":\"other\",\"value\":\"x\"}",
        "{\"key\":\"key\",\"value\":1}"
      ]
    ) {
      fs.writeFileSync(file, text)
      assert.isUndefined(yield* within(directory, get))
    }
  }))

it.effect("what is written leaves nothing else behind, also where it fails", () =>
  Effect.gen(function*() {
    const directory = fresh()
    yield* within(directory, set("s3cret"))
    const [name] = filesOf(directory)
    fs.rmSync(path.join(directory, name!))
    fs.mkdirSync(path.join(directory, name!))
    assert.deepInclude((yield* Effect.flip(within(directory, set("s3cret")))).reason, { _tag: "StoreFailed" })
    assert.deepStrictEqual(fs.readdirSync(directory), [name])
  }))
