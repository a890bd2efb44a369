import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Journal from "fastmcp-effect/middleware/Journal"
import type * as JournalEntry from "fastmcp-effect/middleware/JournalEntry"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Replay from "fastmcp-effect/testing/Replay"

/** What a version of the shop may do otherwise. */
interface Version {
  readonly price?: (n: number) => unknown
  readonly full?: string
  readonly question?: string
  readonly progress?: number
  readonly steps?: number
  readonly refuses?: boolean
}

const Full = Schema.TaggedStruct("Full", { left: Schema.Int })
const Gone = Schema.TaggedStruct("Gone", { left: Schema.Int })

const tools = (
  { full = "Full", price = (n) => n * 2, progress = 2, question = "seat", refuses, steps = 0 }: Version
) => [
  Tool.make("price", {
    parameters: { n: Schema.Int },
    success: Schema.Struct({
      items: Schema.Array(Schema.Struct({ n: Schema.Int, price: Schema.Union([Schema.Int, Schema.String]) })),
      at: Schema.String
    }),
    handler: ({ n }) =>
      Effect.gen(function*() {
        for (let step = 0; step < steps; step++) yield* Effect.sleep(1)
        if (refuses === true) return yield* McpError.invalidRequest("no")
        return { items: [{ n, price: price(n) as number }], at: new Date(n).toISOString() }
      })
  }),
  Tool.make("order", {
    parameters: { n: Schema.Int },
    success: Schema.String,
    failure: Schema.Union([Full, Gone]),
    handler: ({ n }) => n > 3 ? Effect.fail({ _tag: full, left: n } as typeof Full.Type) : Effect.succeed(`order ${n}`)
  }),
  Tool.make("book", {
    parameters: { to: Schema.String },
    success: Schema.String,
    handler: ({ to }) =>
      Effect.gen(function*() {
        for (let step = 1; step <= progress; step++) yield* Progress.report(step)
        yield* ClientLog.info("booking")
        const answer = yield* Elicitation.ask("seat", { [question]: Schema.String }, { message: "Where?" })
        return `${to} ${JSON.stringify(Object.values(answer))}`
      })
  }),
  Tool.make("login", {
    parameters: {
      user: Schema.String,
      password: Schema.RedactedFromValue(Schema.String.check(Schema.isMinLength(12)))
    },
    success: Schema.Struct({ token: Schema.RedactedFromValue(Schema.String), size: Schema.Int }),
    failure: Schema.TaggedStruct("Wrong", {}),
    handler: ({ password, user }) =>
      user === "eve" && Redacted.value(password) !== "correct horse"
        ? Effect.fail({ _tag: "Wrong" as const })
        : Effect.succeed({
          token: Redacted.make(`t-${Redacted.value(password)}`),
          size: Redacted.value(password).length
        })
  })
]

const shop = (version: Version = {}) =>
  McpServer.layer({
    name: "shop",
    version: "1.0.0",
    middleware: [Journal.make()],
    tools: tools(version),
    prompts: [
      Prompt.make("hi", { arguments: { name: Schema.String }, handler: ({ name }) => Effect.succeed(`Hi ${name}`) })
    ],
    resources: [Resource.make("note://1", { handler: Effect.succeed("a note") })]
  })

const silent = Layer.provide(Journal.layer(() => Effect.void))

const options = (revision: Revisions.Version): McpTest.Options => ({
  revision,
  identity: Identity.make({ subject: "ada", scopes: ["shop"] }),
  logLevel: "debug",
  answers: {
    elicit: (params) =>
      Effect.succeed({
        action: "accept",
        content: Object.fromEntries(
          Object.keys(
            (params as { readonly requestedSchema: { readonly properties: object } }).requestedSchema.properties
          )
            .map((key) => [key, "4A"])
        )
      })
  }
})

/** The journal of what is done with a version of the shop. */
const recorded = (
  revision: Revisions.Version,
  use: (client: McpTest.Client) => Effect.Effect<unknown, unknown>,
  version?: Version
) =>
  Effect.gen(function*() {
    const journal = Journal.makeMemory()
    yield* Effect.scoped(
      Effect.flatMap(McpTest.client(Layer.provide(shop(version), journal.layer), options(revision)), use)
    )
    return yield* journal.entries
  })

const everything = (client: McpTest.Client) =>
  Effect.gen(function*() {
    yield* client.listTools
    for (const n of [1, 2, 3]) yield* client.callTool("price", { n })
    yield* client.callTool("price", { n: "no" })
    for (const n of [1, 5]) yield* client.callTool("order", { n })
    yield* client.callTool("book", { to: "Bern" }, { progressToken: 1 })
    yield* client.callTool("login", { user: "ada", password: "canary canary" })
    yield* Effect.exit(client.callTool("nothing"))
    yield* client.getPrompt("hi", { name: "Ada" })
    yield* client.readResource("note://1")
    yield* Effect.exit(client.readResource("note://2"))
  })

const whats = ({ groups }: Replay.Report) => groups.map(({ count, name, what }) => `${name}: ${what} (${count})`)

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    const canAsk = revision >= "2025-06-18"
    const use = (client: McpTest.Client) => canAsk ? everything(client) : Effect.exit(everything(client))

    it.effect("a server does what its journal tells", () =>
      Effect.gen(function*() {
        const journal = yield* recorded(revision, use)
        const report = yield* Replay.same(journal, silent(shop()))
        assert.deepStrictEqual(whats(report), [])
        assert.isAtLeast(report.replayed, 11)
      }))
  })
}

describe("Replay", () => {
  const calls = Arbitrary.schema(Schema.Array(Schema.Union([
    Schema.Struct({
      name: Schema.Literals(["price", "order"]),
      n: Schema.Int.check(Schema.isBetween({ minimum: -9, maximum: 9 }))
    }),
    Schema.Struct({ name: Schema.Literal("book"), to: Schema.String }),
    Schema.Struct({
      name: Schema.Literal("login"),
      user: Schema.Literals(["ada", "bob"]),
      password: Schema.String.check(Schema.isMinLength(12))
    })
  ])))

  it.effect.prop(
    "whatever it was asked, a server replayed against itself has no difference",
    { calls, revision: Arbitrary.schema(Schema.Literals(["2025-11-25", "2026-07-28"])) },
    ({ calls, revision }) =>
      Effect.gen(function*() {
        const journal = yield* recorded(revision, (client) =>
          Effect.forEach(calls, ({ name, ...args }) => client.callTool(name, args)))
        const report = yield* Replay.run(journal, silent(shop()), { baseline: silent(shop()) })
        assert.deepStrictEqual([
          ...whats(report),
          ...report.notReplayable.map(({ reason }) =>
            reason
          )
        ], [])
        assert.strictEqual(report.replayed, calls.length)
      }),
    { arbitrary: { runs: 60 } }
  )

  const cases: ReadonlyArray<readonly [string, Version, ReadonlyArray<string>]> = [
    ["a value", { price: (n) => n * 3 }, [
      "price: /structuredContent/items/*/price of its result has another value (3)"
    ]],
    ["a type", { price: (n) => `${n}` }, [
      "price: /structuredContent/items/*/price of its result is of type string, no longer number (3)"
    ]],
    ["the class of an error", { full: "Gone" }, ["order: the error Full has become the error Gone (1)"]],
    ["a refusal", { refuses: true }, ["price: a result has become a refusal with -32600 (3)"]],
    ["a question", { question: "row" }, [
      "book: another question, at /*/params/requestedSchema/properties/seat"
    ]],
    ["a notification", { progress: 3 }, ["book: one more notification"]]
  ]
  for (const [what, version, expected] of cases) {
    for (const revision of ["2025-11-25", "2026-07-28"] as const) {
      it.effect(`${what} that has changed is told by what it means (${revision})`, () =>
        Effect.gen(function*() {
          const journal = yield* recorded(revision, everything)
          const report = yield* Replay.run(journal, silent(shop(version)))
          const found = whats(report)
          assert.isNotEmpty(found)
          for (const one of expected) {
            assert.isTrue(found.some((line) => line.startsWith(one) || line === one), found.join("\n"))
          }
          const touched = new Set(report.differences.map(({ name }) => name))
          assert.deepStrictEqual([...touched], [expected[0]!.split(":")[0]!])
          const error = yield* Effect.flip(Replay.same(journal, silent(shop(version))))
          assert.include(error.message, found[0]!.split(": ")[1]!.replace(/ \(\d+\)$/u, ""))
        }))
    }
  }

  it.effect("more steps than the version before are told as slower", () =>
    Effect.gen(function*() {
      const journal = yield* recorded("2026-07-28", everything)
      const report = yield* Replay.run(journal, silent(shop({ steps: 200 })), { baseline: silent(shop()) })
      assert.deepStrictEqual(whats(report), ["price: it takes more steps (3)"])
    }))

  it.effect("what follows from a secret is not replayable, and is with a value for it", () =>
    Effect.gen(function*() {
      const journal = yield* recorded("2026-07-28", (client) =>
        client.callTool("login", { user: "eve", password: "correct horse" }))
      const report = yield* Replay.run(journal, silent(shop()))
      assert.strictEqual(report.replayed, 0)
      assert.include(report.notReplayable[0]!.reason, "a placeholder at /password")
      assert.instanceOf(yield* Effect.flip(Replay.same(journal, silent(shop()))), Replay.ReplayError)
      const given = yield* Replay.same(journal, silent(shop()), {
        placeholder: (tool, path) =>
          tool === "login" && path === "/password" ? "correct horse" : undefined
      })
      assert.strictEqual(given.replayed, 1)
    }))

  it.effect("what may differ is passed over", () =>
    Effect.gen(function*() {
      const journal = yield* recorded("2026-07-28", everything)
      yield* Replay.same(journal, silent(shop({ price: () => 7 })), { ignore: ["/structuredContent/items/*/price"] })
    }))

  it.effect("a mock answers what was recorded as it was, and refuses what was not", () =>
    Effect.gen(function*() {
      const journal = yield* recorded("2026-07-28", everything)
      const client = yield* McpTest.client(Replay.mock(journal))
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name).sort(), [
        "book",
        "login",
        "order",
        "price"
      ])
      assert.deepStrictEqual((yield* client.callTool("price", { n: 2 })).structuredContent, {
        items: [{ n: 2, price: 4 }],
        at: new Date(2).toISOString()
      })
      assert.strictEqual((yield* client.callTool("order", { n: 5 })).isError, true)
      assert.strictEqual((yield* client.callTool("book", { to: "Bern" })).isError, undefined)
      const { size, token } = (yield* client.callTool("login", { user: "ada", password: "anything at all" }))
        .structuredContent as { readonly token: unknown; readonly size: unknown }
      assert.deepStrictEqual([typeof token, size], ["string", 13])
      const refused = yield* Effect.flip(client.callTool("price", { n: 99 }))
      assert.strictEqual(refused.reason._tag, "InvalidParams")
    }))

  it.effect("a mock of a journal does what the journal tells", () =>
    Effect.gen(function*() {
      const journal = (yield* recorded("2026-07-28", everything)).filter((entry: JournalEntry.Entry) =>
        entry._tag === "Request" && entry.method === "tools/call" && ["price", "order"].includes(entry.name ?? "")
        && entry.end._tag !== "InvalidInput"
      )
      const report = yield* Replay.same(journal, Replay.mock(journal))
      assert.strictEqual(report.replayed, 5)
    }))
})
