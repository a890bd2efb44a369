/** Transforms on top of each other: whatever the stack, what is listed is valid, can be called, and is the right one. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as McpTest from "fastmcp-effect/testing/McpTest"
import * as AsTools from "fastmcp-effect/transform/AsTools"
import * as MapResult from "fastmcp-effect/transform/MapResult"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import * as Rename from "fastmcp-effect/transform/Rename"
import * as ReshapeArguments from "fastmcp-effect/transform/ReshapeArguments"
import * as VersionChoice from "fastmcp-effect/transform/VersionChoice"
import * as Visibility from "fastmcp-effect/transform/Visibility"
import { connect, textOf } from "./support.ts"

const letters = ["a", "b", "c"] as const

/** Says who it is, and what its neighbours say by their own names. */
const tools = letters.map((letter, index) =>
  Tool.make(letter, {
    version: "1.0.0",
    tags: [letter],
    parameters: { x: Schema.optionalKey(Schema.String) },
    success: Schema.String,
    handler: Effect.fnUntraced(function*({ x = "" }) {
      const neighbour = letters[index + 1]
      const request = yield* RequestContext.RequestContext
      if (neighbour === undefined || !request.sees("tool", neighbour)) return letter + x
      return `${letter}${x}>${textOf(yield* request.callTool({ name: neighbour }))}`
    })
  })
)

const resources = letters.map((letter) => Resource.text(`acme://${letter}`, letter, { tags: [letter] }))

const template = ResourceTemplate.make("acme://many/{id}", {
  name: "many",
  handler: ({ id }) => Effect.succeed(id)
})

const prompt = Prompt.make("p", { handler: () => Effect.succeed("p") })

const older = Tool.make("a", { version: "0.9.0", success: Schema.String, handler: () => Effect.succeed("old") })

const base = Provider.fromDefinitions(older, ...tools, ...resources, template, prompt)

/** None of them changes who is who, so that a tool's answer says whether it is the right one. */
const transforms = {
  namespace: Namespace.make("n"),
  otherNamespace: Namespace.make("m-1", { separator: "." }),
  rename: Rename.make({ tools: ({ name }) => name.length < 40 ? `${name}r` : undefined }),
  reverse: Rename.make({ prompts: ({ name }) => ({ name: `q_${name}`, title: "Q" }) }),
  newest: VersionChoice.make(),
  byName: VersionChoice.make({ others: "by name" }),
  withoutB: Visibility.exclude({ tags: ["b"] }),
  toAll: Visibility.to({ scopes: [] }),
  toNobody: Visibility.to({ identity: () => false }, { tags: ["c"] }),
  results: MapResult.make((result) => Effect.succeed({ ...result })),
  asTools: AsTools.make({ names: { list_resources: "lr", read_resource: "rr", list_prompts: "lp", get_prompt: "gp" } })
} satisfies { readonly [name: string]: Provider.Transform<any> }

type Name = keyof typeof transforms

const names = Object.keys(transforms) as ReadonlyArray<Name>

const nameOfTool = /^[A-Za-z\d_.-]{1,128}$/u

const stackOf = (stack: ReadonlyArray<Name>) =>
  stack.reduce<Provider.Provider<any, RequestContext.RequestContext>>(
    (provider, name) => (transforms[name] as Provider.Transform<any>)(provider),
    // Two of one name are only fit to be served when one is chosen.
    transforms[stack.includes("byName") ? "byName" : "newest"](base) as Provider.Provider<
      any,
      RequestContext.RequestContext
    >
  )

describe("a stack of transforms", () => {
  it.effect.prop(
    "lists valid names and URIs, and all that it lists can be used and nothing else that was there",
    [Schema.Array(Schema.Literals(names)).check(Schema.isMaxLength(6))],
    ([drawn]) =>
      Effect.scoped(Effect.gen(function*() {
        // Twice as tools would be two of one name.
        const stack = drawn.filter((name, index) => name !== "asTools" || drawn.indexOf(name) === index)
        const client = yield* connect([stackOf(stack)], { revision: "2026-07-28" })
        const listed = yield* client.listTools
        const seen = new Set(listed.map(({ name }) => name))
        assert.strictEqual(seen.size, listed.length)
        const said: Array<string> = []
        for (const { name } of listed) {
          assert.match(name, nameOfTool)
          const result = yield* client.callTool(name)
          said.push(textOf(result))
        }
        const letter = (text: string) => text[0]!
        const own = said.filter((text) => /^[abc](?:>|$)/u.test(text))
        const visible = letters.filter((letter) =>
          (letter !== "b" || !stack.includes("withoutB")) && (letter !== "c" || !stack.includes("toNobody"))
        )
        assert.deepStrictEqual(own.map(letter), [...visible])
        // Whoever is seen is reached by the name that its neighbour knows it by.
        assert.strictEqual(
          own[0],
          visible.includes("b") ? visible.includes("c") ? "a>b>c" : "a>b" : "a"
        )
        for (const name of letters) {
          if (seen.has(name)) continue
          assert.strictEqual((yield* Effect.flip(client.callTool(name))).message, `Unknown tool: ${name}`)
        }
        const uris = (yield* client.listResources).map(({ uri }) => uri)
        assert.strictEqual(new Set(uris).size, uris.length)
        for (const uri of uris) {
          assert.strictEqual(new URL(uri).protocol, "acme:")
          const { contents } = yield* client.readResource(uri)
          assert.deepStrictEqual(contents.map(({ uri }) => uri), [uri])
          assert.strictEqual("text" in contents[0]! ? contents[0].text : "", uri.slice(-1))
        }
        assert.deepStrictEqual(uris.map((uri) => uri.slice(-1)), [...visible])
        for (const { uriTemplate } of yield* client.listResourceTemplates) {
          const uri = uriTemplate.replace("{id}", "7")
          assert.deepStrictEqual((yield* client.readResource(uri)).contents, [{ uri, text: "7" }])
        }
        for (const { name } of yield* client.listPrompts) {
          assert.deepStrictEqual((yield* client.getPrompt(name)).messages, [Prompt.user("p")])
        }
      })),
    { arbitrary: { runs: 60 } }
  )

  it.effect.prop(
    "passes an argument through any number of reshapings, and takes it by its last name alone",
    [Schema.Array(Schema.Literals(["y", "z", "x", "w"])).check(Schema.isMinLength(1), Schema.isMaxLength(5))],
    ([path]) =>
      Effect.scoped(Effect.gen(function*() {
        let current = "x"
        let provider: Provider.Provider<any, RequestContext.RequestContext> = Provider.fromDefinitions(tools[2]!)
        for (const name of path) {
          provider = ReshapeArguments.make({ c: { [current]: { name } } })(provider)
          current = name
        }
        const client: McpTest.Client = yield* connect([provider])
        assert.deepStrictEqual(Object.keys((yield* client.listTools)[0]!.inputSchema.properties as object), [current])
        const args = Object.fromEntries(["x", "y", "z", "w"].map((name) => [name, name]))
        assert.strictEqual(textOf(yield* client.callTool("c", args)), `c${current}`)
      })),
    { arbitrary: { runs: 30 } }
  )
})
