/** What changes of a server break whom, and a server that is nothing but its contract. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as ToolSchema from "fastmcp-effect/definition/ToolSchema"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Contract from "fastmcp-effect/testing/Contract"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Memory from "fastmcp-effect/transport/Memory"

const newest = "2026-07-28"

const contract = (listing: Partial<Contract.Listing>, revision: string = newest): Contract.Contract => ({
  server: { name: "acme", version: "1.0.0" },
  revisions: {
    [revision]: { capabilities: {}, tools: [], resources: [], resourceTemplates: [], prompts: [], ...listing }
  }
})

const tool = (changes: Partial<McpSchema.Tool> = {}): Contract.Contract =>
  contract({ tools: [{ name: "t", inputSchema: { type: "object" }, ...changes }] })

const takes = (properties: JsonObject, required: ReadonlyArray<string> = [], rest: JsonObject = {}) =>
  tool({ inputSchema: { type: "object", properties, required, ...rest } })

const gives = (properties: JsonObject, required: ReadonlyArray<string> = [], rest: JsonObject = {}) =>
  tool({ outputSchema: { type: "object", properties, required, ...rest } })

const resource = (changes: Partial<McpSchema.Resource> = {}) =>
  contract({ resources: [{ uri: "a:///", name: "a", ...changes }] })

const prompt = (changes: Partial<McpSchema.Prompt> = {}) => contract({ prompts: [{ name: "p", ...changes }] })

const text = { type: "string" }

const nullable = { anyOf: [text, { type: "null" }] }

const recursive = (leaf: JsonObject): Contract.Contract =>
  tool({
    inputSchema: {
      type: "object",
      properties: { tree: { $ref: "#/$defs/Tree" } },
      $defs: { Tree: { type: "object", properties: { leaf, next: { $ref: "#/$defs/Tree" } } } }
    }
  })

type Case = readonly [
  what: string,
  before: Contract.Contract,
  after: Contract.Contract,
  /** `!` before a path that breaks. */
  expected: ReadonlyArray<string>
]

const corpus: ReadonlyArray<Case> = [
  ["nothing", takes({ a: text }, ["a"]), takes({ a: text }, ["a"]), []],
  ["the order of keys", takes({ a: text, b: text }), takes({ b: text, a: text }), []],
  ["a tool that is gone", tool(), contract({}), ["!tool t"]],
  ["a tool that is new", contract({}), tool(), ["tool t"]],
  ["another description", tool({ description: "a" }), tool({ description: "b" }), ["tool t description"]],
  ["a new required argument", takes({}), takes({ a: text }, ["a"]), ["!tool t arguments.a"]],
  ["a new optional argument", takes({}), takes({ a: text }), ["tool t arguments.a"]],
  ["an argument that becomes required", takes({ a: text }), takes({ a: text }, ["a"]), ["!tool t arguments.a"]],
  ["an argument that becomes optional", takes({ a: text }, ["a"]), takes({ a: text }), ["tool t arguments.a"]],
  ["an argument that is gone", takes({ a: text }), takes({}), ["!tool t arguments.a"]],
  [
    "an argument that is gone where others are refused",
    takes({ a: text, b: text }),
    takes({ b: text }, [], { additionalProperties: false }),
    ["!tool t arguments.a"]
  ],
  ["an argument of another type", takes({ a: text }), takes({ a: { type: "number" } }), ["!tool t arguments.a"]],
  [
    "an argument of a wider type",
    takes({ a: { type: "integer" } }),
    takes({ a: { type: "number" } }),
    ["tool t arguments.a"]
  ],
  [
    "an argument of a narrower type",
    takes({ a: { type: "number" } }),
    takes({ a: { type: "integer" } }),
    ["!tool t arguments.a"]
  ],
  ["an argument that may be null", takes({ a: text }), takes({ a: nullable }), ["tool t arguments.a"]],
  ["an argument that may not be null", takes({ a: nullable }), takes({ a: text }), ["!tool t arguments.a"]],
  [
    "a value that is not taken any more",
    takes({ a: { enum: ["x", "y"] } }),
    takes({ a: { enum: ["x"] } }),
    ["!tool t arguments.a"]
  ],
  ["a value more that is taken", takes({ a: { enum: ["x"] } }), takes({ a: { enum: ["x", "y"] } }), [
    "tool t arguments.a"
  ]],
  ["a text that has to be longer", takes({ a: text }), takes({ a: { ...text, minLength: 3 } }), [
    "!tool t arguments.a"
  ]],
  ["a text that may be shorter", takes({ a: { ...text, minLength: 3 } }), takes({ a: text }), ["tool t arguments.a"]],
  [
    "a limit that is lower",
    takes({ n: { type: "integer", maximum: 10 } }),
    takes({ n: { type: "integer", maximum: 9 } }),
    ["!tool t arguments.n"]
  ],
  ["another pattern", takes({ a: { ...text, pattern: "^a" } }), takes({ a: { ...text, pattern: "^b" } }), [
    "!tool t arguments.a"
  ]],
  [
    "members of items that become required",
    takes({ l: { type: "array", items: { type: "object", properties: { a: text } } } }),
    takes({ l: { type: "array", items: { type: "object", properties: { a: text }, required: ["a"] } } }),
    ["!tool t arguments.l[].a"]
  ],
  ["another default", takes({ a: { ...text, default: "x" } }), takes({ a: { ...text, default: "y" } }), [
    "!tool t arguments.a"
  ]],
  ["a header", takes({ a: text }), takes({ a: { ...text, "x-mcp-header": "A" } }), ["!tool t arguments.a"]],
  ["a schema that holds itself, narrower", recursive(nullable), recursive(text), ["!tool t arguments.tree.leaf"]],
  ["a schema that holds itself, wider", recursive(text), recursive(nullable), ["tool t arguments.tree.leaf"]],
  ["a result with a schema", tool(), gives({ a: text }), ["tool t result"]],
  ["a result without its schema", gives({ a: text }), tool(), ["!tool t result"]],
  ["a member more in a result", gives({}), gives({ a: text }), ["tool t result.a"]],
  ["a member that is gone from a result", gives({ a: text }, ["a"]), gives({}), ["!tool t result.a"]],
  ["a member that may be missing", gives({ a: text }, ["a"]), gives({ a: text }), ["!tool t result.a"]],
  ["a member that is always there", gives({ a: text }), gives({ a: text }, ["a"]), ["tool t result.a"]],
  ["a result that may be null", gives({ a: text }), gives({ a: nullable }), ["!tool t result.a"]],
  ["a result that is never null", gives({ a: nullable }), gives({ a: text }), ["tool t result.a"]],
  ["a value more in a result", gives({ a: { enum: ["x"] } }), gives({ a: { enum: ["x", "y"] } }), ["!tool t result.a"]],
  ["no promise of the largest", gives({ n: { type: "integer", maximum: 9 } }), gives({ n: { type: "integer" } }), [
    "!tool t result.n"
  ]],
  ["a tool that writes", tool({ annotations: { readOnlyHint: true } }), tool(), [
    "!tool t annotations.readOnlyHint"
  ]],
  ["a tool that only reads", tool(), tool({ annotations: { readOnlyHint: true } }), [
    "tool t annotations.readOnlyHint"
  ]],
  ["a tool that destroys", tool({ annotations: { destructiveHint: false } }), tool(), [
    "!tool t annotations.destructiveHint"
  ]],
  ["a tool that may not be repeated", tool({ annotations: { idempotentHint: true } }), tool(), [
    "!tool t annotations.idempotentHint"
  ]],
  ["a hint that says its default", tool(), tool({ annotations: { openWorldHint: true } }), []],
  [
    "calls that have to be tasks",
    tool({ execution: { taskSupport: "optional" } }),
    tool({
      execution: { taskSupport: "required" }
    }),
    ["!tool t execution.taskSupport"]
  ],
  ["calls that may be tasks", tool(), tool({ execution: { taskSupport: "optional" } }), [
    "tool t execution.taskSupport"
  ]],
  ["a resource that is gone", resource(), contract({}), ["!resource a:///"]],
  ["a resource of another type", resource({ mimeType: "text/plain" }), resource({ mimeType: "text/html" }), [
    "!resource a:/// mimeType"
  ]],
  ["a resource of another size", resource({ size: 1 }), resource({ size: 2 }), ["resource a:/// size"]],
  [
    "a template with another variable",
    contract({ resourceTemplates: [{ uriTemplate: "a:///{a}", name: "a" }] }),
    contract({ resourceTemplates: [{ uriTemplate: "a:///{b}", name: "a" }] }),
    ["!resource template a:///{a}", "resource template a:///{b}"]
  ],
  ["a prompt that is gone", prompt(), contract({}), ["!prompt p"]],
  ["a prompt that wants more", prompt(), prompt({ arguments: [{ name: "a", required: true }] }), [
    "!prompt p arguments.a"
  ]],
  ["a prompt that takes more", prompt(), prompt({ arguments: [{ name: "a" }] }), ["prompt p arguments.a"]],
  ["a prompt that reads less", prompt({ arguments: [{ name: "a" }] }), prompt(), ["!prompt p arguments.a"]],
  [
    "a prompt that may have less",
    prompt({ arguments: [{ name: "a", required: true }] }),
    prompt({ arguments: [{ name: "a" }] }),
    ["prompt p arguments.a"]
  ],
  [
    "a server that cannot be listened to",
    contract({ capabilities: { resources: { subscribe: true } } }),
    contract({ capabilities: { resources: {} } }),
    ["!server acme capabilities.resources.subscribe"]
  ],
  ["a server that can complete", contract({}), contract({ capabilities: { completions: {} } }), [
    "server acme capabilities.completions"
  ]],
  ["other instructions", contract({ instructions: "a" }), contract({ instructions: "b" }), [
    "server acme instructions"
  ]],
  ["a revision that is gone", contract({}, "2024-11-05"), contract({}), [
    "!server acme revisions",
    "server acme revisions"
  ]]
]

const shown = ({ isBreaking, kind, name, path }: Contract.Change) =>
  `${isBreaking ? "!" : ""}${kind} ${name}${path === "" ? "" : ` ${path}`}`

describe("between two contracts", () => {
  it("the corpus has more than forty cases, each with a name of its own", () => {
    assert.isAbove(corpus.length, 40)
    assert.lengthOf(new Set(corpus.map(([what]) => what)), corpus.length)
  })

  for (const [what, before, after, expected] of corpus) {
    it(`${what}: ${expected.length === 0 ? "is no change" : expected.join(", ")}`, () => {
      assert.deepStrictEqual(Contract.diff(before, after).map(shown), [...expected])
    })
  }

  it("a change is reported in a line, with what it breaks", () => {
    const report = Contract.report(Contract.diff(takes({ a: nullable }), takes({ a: text, b: text })))
    assert.strictEqual(
      report,
      `breaks  tool "t", arguments.a: was of type string or null and is of type string: what callers may send is refused (2026-07-28)\n`
        + `fits    tool "t", arguments.b: is new, and may be left out (2026-07-28)\n`
    )
  })
})

const Note = Schema.Struct({ id: Schema.Int, text: Schema.String, at: Schema.Date, tags: Schema.Array(Schema.String) })

const find = Tool.make("find", {
  description: "Finds a note",
  parameters: { id: Schema.Int },
  success: Note,
  annotations: { readOnlyHint: true }
})

const count = Tool.make("count", { success: Schema.Int })

const acme = (changes: { readonly title?: string } = {}) =>
  McpServer.layer({
    name: "acme",
    version: "2.1.0",
    instructions: "Take notes.",
    tools: [
      Tool.handle(find, () => Effect.never),
      Tool.handle(count, () => Effect.never),
      Tool.make("secret", { scopes: ["admin"], handler: () => Effect.void }),
      Tool.make("say", { parameters: { what: Schema.String }, ...changes, handler: () => Effect.void })
    ],
    resources: [
      Resource.text("acme:///motto", "ora et labora"),
      Resource.bytes("acme:///logo", new Uint8Array(3), { mimeType: "image/png" }),
      ResourceTemplate.make("acme:///notes/{id}", { name: "note", handler: ({ id }) => Effect.succeed(id) })
    ],
    prompts: [Prompt.make("sum", { arguments: { of: Schema.String }, handler: ({ of }) => Effect.succeed(of) })]
  })

describe("a contract", () => {
  it.effect("has what each revision is shown, and survives its file", () =>
    Effect.gen(function*() {
      const contract = yield* Contract.of(acme())
      assert.deepStrictEqual(Object.keys(contract.revisions).toSorted(), [
        "2024-11-05",
        "2025-03-26",
        "2025-06-18",
        "2025-11-25",
        "2026-07-28"
      ])
      assert.deepStrictEqual(contract.server, { name: "acme", version: "2.1.0" })
      const [oldest, newest] = ["2024-11-05", "2026-07-28"].map((revision) => contract.revisions[revision]!)
      assert.strictEqual(newest!.instructions, "Take notes.")
      assert.deepStrictEqual(newest!.tools.map(({ name }) => name), ["find", "count", "say"])
      assert.isUndefined(oldest!.tools[0]!.outputSchema)
      assert.isDefined(newest!.tools[0]!.outputSchema)
      assert.deepStrictEqual(newest!.resourceTemplates.map(({ uriTemplate }) => uriTemplate), ["acme:///notes/{id}"])
      assert.deepStrictEqual(Contract.diff(contract, yield* Contract.decode(Contract.encode(contract))), [])
    }))

  it.effect("is that of a caller", () =>
    Effect.gen(function*() {
      const identity = Identity.make({ subject: "ada", scopes: ["admin"] })
      const changes = Contract.diff(yield* Contract.of(acme()), yield* Contract.of(acme(), { identity }))
      assert.deepStrictEqual(changes.map(shown), ["tool secret"])
      assert.lengthOf(changes[0]!.revisions, 5)
    }))

  it.effect("shows a change in the revisions that can see it", () =>
    Effect.gen(function*() {
      const changes = Contract.diff(yield* Contract.of(acme()), yield* Contract.of(acme({ title: "Say" })))
      assert.deepStrictEqual(changes.map((change) => [shown(change), change.revisions]), [
        ["tool say title", ["2026-07-28", "2025-11-25", "2025-06-18"]],
        // Where there were no titles they are said in other ways.
        ["tool say description", ["2025-03-26", "2024-11-05"]],
        ["tool say annotations.title", ["2025-03-26"]]
      ])
      assert.isFalse(Contract.isBreaking(changes))
    }))

  it.effect("is read through a client of any server", () =>
    Effect.gen(function*() {
      const client = yield* McpClient.McpClient
      const read = yield* Contract.ofClient(client)
      const own = yield* Contract.of(acme(), { revisions: ["2026-07-28"] })
      assert.deepStrictEqual(Contract.diff(own, read), [])
      assert.deepStrictEqual(read.server, own.server)
    }).pipe(
      Effect.provide(
        McpClient.layer().pipe(
          Layer.provide(Memory.layer),
          Layer.provide(acme())
        )
      )
    ))
})

describe("the mock of a contract", () => {
  it.effect("lists what the contract does", () =>
    Effect.gen(function*() {
      const contract = yield* Contract.of(acme())
      const mocked = yield* Contract.of(Contract.mock(contract))
      assert.deepStrictEqual(Contract.diff(contract, mocked), [])
    }))

  it.effect("answers as the output schema says, the same to the same question", () =>
    Effect.gen(function*() {
      const contract = yield* Contract.of(acme())
      const calls = (seed: number) =>
        Effect.gen(function*() {
          const client = yield* McpTest.client(Contract.mock(contract, { seed }))
          return yield* Effect.forEach(Array.from({ length: 30 }, (_, id) => id), (id) => client.call(find, { id }))
        })
      const [one, again, other] = yield* Effect.all([calls(1), calls(1), calls(2)])
      assert.deepStrictEqual(one, again)
      assert.notDeepEqual(one, other)
      assert.isAbove(new Set(one.map(({ id }) => id)).size, 5)
    }))

  it.effect("refuses arguments that the contract does not take", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(Contract.mock(yield* Contract.of(acme())))
      const refused = yield* client.callTool("find", { id: "one" })
      assert.isTrue(refused.isError)
      const said = yield* client.callTool("say", { what: "x" })
      assert.deepStrictEqual(said.content as unknown, [{ type: "text", text: `say {"what":"x"}` }])
    }))

  it.effect("reads resources and templates of them, and gets prompts", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(Contract.mock(yield* Contract.of(acme())))
      const read = (uri: string) => Effect.map(client.readResource(uri), ({ contents }) => contents[0]!)
      assert.deepInclude(yield* read("acme:///motto"), { text: "text of acme:///motto", mimeType: "text/plain" })
      assert.deepInclude(yield* read("acme:///notes/7"), { text: "text of acme:///notes/7" })
      assert.property(yield* read("acme:///logo"), "blob")
      const { messages } = yield* client.getPrompt("sum", { of: "all" })
      assert.deepStrictEqual(messages[0]!.content as unknown, { type: "text", text: `sum {"of":"all"}` })
    }))

  it.effect("gives the answers of a test, where it has some", () =>
    Effect.gen(function*() {
      const answers = { count: () => 7 }
      const client = yield* McpTest.client(Contract.mock(yield* Contract.of(acme()), { answers }))
      assert.strictEqual(yield* client.call(count, {}), 7)
    }))

  it.effect("is refused where nothing can be made of an output schema, and the answer of a test helps", () =>
    Effect.gen(function*() {
      const odd = Tool.make("odd", { success: ToolSchema.fromJsonSchema({ type: "object", not: { type: "object" } }) })
      const server = McpServer.layer({
        name: "odd",
        version: "1.0.0",
        tools: [Tool.handle(odd, () => Effect.never)]
      })
      const contract = yield* Contract.of(server)
      const error = yield* Effect.flip(McpTest.client(Contract.mock(contract)))
      assert.include(error.message, `No result of "odd" can be made of its output schema`)
      yield* McpTest.client(Contract.mock(contract, { answers: { odd: () => ({}) } }))
      const none = yield* Effect.flip(McpTest.client(Contract.mock({ ...contract, revisions: {} })))
      assert.include(none.message, "says nothing of any revision")
    }))
})
