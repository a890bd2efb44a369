import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { getStaticTOMLValue, parseTOML } from "toml-eslint-parser"
import * as configTree from "../../../src/client/internal/configTree.ts"
import * as tomlText from "../../../src/client/internal/tomlText.ts"
import * as written from "./written.ts"

const toml = tomlText.make(parseTOML)
const seed = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 })))

const read = (text: string) => configTree.plain(Result.getOrThrow(toml.read(text))!)

/** As another reader has it, which knows no more than TOML 1.0. */
const strict = (text: string) => getStaticTOMLValue(parseTOML(`${text}\n`, { tomlVersion: "1.0" })) as any

const documentOf = (seed: number) => {
  const choice = written.choiceOf(seed)
  const servers = written.object(choice, 2)
  const text = written.asToml(choice, written.object(choice, 1), "mcp_servers", servers)
  const all = strict(text)
  return { all, choice, servers: (all.mcp_servers ?? {}) as object, text, value: written.object(choice, 2) }
}

const prop = (name: string, run: (document: ReturnType<typeof documentOf>) => void) =>
  it.effect.prop(name, { seed }, ({ seed }) => Effect.sync(() => run(documentOf(seed))), { arbitrary: { runs: 200 } })

describe("a table in TOML", () => {
  prop("is read, however it is written", ({ all, text }) => assert.deepStrictEqual(read(text), all))

  prop("is there once it is put under a new name, and gone without a trace when it is removed", (document) => {
    const { all, servers, text, value } = document
    const put = toml.put(text, ["mcp_servers", "a new one"], value)
    assert.deepStrictEqual(strict(put), { ...all, mcp_servers: { ...servers, "a new one": value } })
    assert.strictEqual(toml.remove(put, ["mcp_servers", "a new one"]), text)
    assert.deepStrictEqual(written.tomlComments(put), written.tomlComments(text))
  })

  prop("is another one once that is put in its place, and no other has changed", (document) => {
    const { all, servers, text, value } = document
    for (const name of Object.keys(servers)) {
      const put = toml.put(text, ["mcp_servers", name], value)
      assert.deepStrictEqual(strict(put), { ...all, mcp_servers: { ...servers, [name]: value } })
      assert.strictEqual(toml.put(put, ["mcp_servers", name], value), put)
    }
  })

  prop("leaves the others when it is removed or renamed", ({ all, servers, text }) => {
    for (const [name, value] of Object.entries(servers)) {
      const others = Object.fromEntries(Object.entries(servers).filter(([other]) => other !== name))
      const { mcp_servers = {}, ...rest } = strict(toml.remove(text, ["mcp_servers", name]))
      assert.deepStrictEqual({ ...rest, mcp_servers }, { ...all, mcp_servers: others })
      const renamed = toml.rename(text, ["mcp_servers", name], "a \"new\" one")
      assert.deepStrictEqual(strict(renamed), { ...all, mcp_servers: { ...others, "a \"new\" one": value } })
    }
  })

  it("gets a header of its own, behind those beside it, and its keys stay together", () => {
    const text = `model = "m" # the model\n\n[mcp_servers.a]\ncommand = "x"\n# of a\n\n# about p\n[p]\nx = 1.0\n`
    const put = toml.put(text, ["mcp_servers", "b.c"], { command: "y", args: ["1"], env: { K: "v" } })
    const block = `[mcp_servers."b.c"]\ncommand = "y"\nargs = ["1"]\nenv = { K = "v" }`
    assert.strictEqual(put, text.replace("# of a\n", `# of a\n\n${block}\n`))
    assert.strictEqual(
      toml.put(put, ["mcp_servers", "a", "cwd"], "/x"),
      put.replace(`command = "x"\n`, `command = "x"\ncwd = "/x"\n`)
    )
    assert.strictEqual(
      toml.put(`a = 1`, ["mcp_servers", "b"], { command: "y" }),
      `a = 1\n\n[mcp_servers.b]\ncommand = "y"`
    )
    assert.strictEqual(toml.put("", ["mcp_servers", "b"], { command: "y" }), `[mcp_servers.b]\ncommand = "y"\n`)
  })

  it("has a new key where its like is: in a table of its own, behind dots, in braces", () => {
    const put = (text: string) => toml.put(text, ["mcp_servers", "a", "env", "B"], "2")
    assert.strictEqual(
      put(`[mcp_servers.a.env]\r\nA = "1" # a\r\n`),
      `[mcp_servers.a.env]\r\nA = "1" # a\r\nB = "2"\r\n`
    )
    assert.strictEqual(
      put(`[mcp_servers.a]\nenv.A = "1"\nx = 1\n`),
      `[mcp_servers.a]\nenv.A = "1"\nenv.B = "2"\nx = 1\n`
    )
    assert.strictEqual(put(`[mcp_servers.a]\nenv = {A = "1"}\n`), `[mcp_servers.a]\nenv = {A = "1", B = "2"}\n`)
    assert.strictEqual(put(`[mcp_servers.a]\nenv = {}\n`), `[mcp_servers.a]\nenv = { B = "2" }\n`)
    assert.strictEqual(
      put(`mcp_servers.a.env.A = "1"\n[t]\n`),
      `mcp_servers.a.env.A = "1"\nmcp_servers.a.env.B = "2"\n[t]\n`
    )
    assert.strictEqual(put(`[mcp_servers.a]\n`), `[mcp_servers.a]\nenv = { B = "2" }\n`)
    assert.strictEqual(
      toml.put(`[mcp_servers.a.env]\nA = "1"\n`, ["mcp_servers", "a", "command"], "x"),
      `[mcp_servers.a]\ncommand = "x"\n\n[mcp_servers.a.env]\nA = "1"\n`
    )
  })

  it("keeps the comments in a list whose items change", () => {
    const text = `[mcp_servers.a]\nargs = [\n  "-y", # yes\n  "x",\n]\n`
    assert.strictEqual(
      toml.put(text, ["mcp_servers", "a", "args"], ["-y", "z", "q"]),
      text.replace(`"x",\n`, `"z",\n  "q",\n`)
    )
  })

  it("keeps dates, large numbers and inf as they are written", () => {
    const text = `[mcp_servers.a]\nwhen = 2024-01-01T00:00:00Z\nbig = 9007199254740993\nlimit = +inf\n`
    assert.strictEqual(
      toml.remove(toml.put(text, ["mcp_servers", "a", "x"], "\u007f"), ["mcp_servers", "a", "x"]),
      text
    )
    assert.include(toml.put(text, ["mcp_servers", "a", "x"], "\u007f"), `x = "\\u007f"`)
  })

  it("that is wrong says where", () => {
    const faultOf = (text: string) => {
      const result = toml.read(text)
      return Result.isFailure(result) ? result.failure : undefined
    }
    assert.strictEqual(faultOf(`a = 1\na = 2\n`)?.offset, 6)
    assert.strictEqual(faultOf(`[a]\nb = \n`)?.text, "this is no TOML: Unspecified values are invalid")
  })
})
