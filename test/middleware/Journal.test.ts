import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Journal from "fastmcp-effect/middleware/Journal"
import * as JournalEntry from "fastmcp-effect/middleware/JournalEntry"
import * as McpError from "fastmcp-effect/protocol/McpError"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"

const eras: ReadonlyArray<Revisions.Version> = ["2025-11-25", "2026-07-28"]

const recording = (
  options: Omit<Parameters<typeof McpServer.layer>[0], "name" | "version" | "middleware">,
  journalOptions?: Journal.Options
) => {
  const journal = Journal.makeMemory(journalOptions)
  const server: Layer.Layer<any, any> = McpServer.layer({
    name: "journal",
    version: "1.0.0",
    middleware: [Journal.make()],
    ...options
  } as any).pipe(Layer.provide(journal.layer))
  const requests = Effect.andThen(
    McpTest.settle,
    Effect.map(
      journal.entries,
      (entries) => entries.flatMap((entry) => entry._tag === "Request" && entry.method !== "initialize" ? [entry] : [])
    )
  )
  return { server, requests, journal }
}

// ----------------------------------------------------------------------------
// canaries
// ----------------------------------------------------------------------------

const secret = Schema.RedactedFromValue(Schema.String)

class Card extends Schema.Class<Card>("Card")({ number: secret, holder: Schema.String }) {}

interface Tree {
  readonly key: Redacted.Redacted<string>
  readonly leaves: ReadonlyArray<Tree>
}

interface WireTree {
  readonly key: string
  readonly leaves: ReadonlyArray<WireTree>
}

const Tree: Schema.Codec<Tree, WireTree> = Schema.Struct({
  key: secret,
  leaves: Schema.Array(Schema.suspend((): Schema.Codec<Tree, WireTree> => Tree))
})

const opened = secret.pipe(
  Schema.decodeTo(Schema.String, {
    decode: SchemaGetter.transform((value: Redacted.Redacted<string>) => Redacted.value(value)),
    encode: SchemaGetter.transform((value: string) => Redacted.make(value))
  })
)

/** Each kind of a place where a secret can be, with what a client sends of it: `next` gives a new one. */
const kinds: Record<string, readonly [Schema.Codec<any, any>, (next: () => string) => unknown]> = {
  plain: [secret, (next) => next()],
  instance: [Schema.Redacted(Schema.String), (next) => next()],
  labelled: [Schema.RedactedFromValue(Schema.String, { label: "key" }), (next) => next()],
  nested: [Schema.Struct({ a: Schema.Struct({ b: secret, open: Schema.String }) }), (next) => ({
    a: { b: next(), open: "seen" }
  })],
  array: [Schema.Array(secret), (next) => [next(), next(), next()]],
  tuple: [Schema.Tuple([Schema.String, secret]), (next) => ["seen", next()]],
  rest: [Schema.TupleWithRest(Schema.Tuple([Schema.String]), [secret]), (next) => ["seen", next(), next()]],
  structs: [Schema.Array(Schema.Struct({ id: Schema.Int, key: secret })), (next) => [
    { id: 1, key: next() },
    { id: 2, key: next() }
  ]],
  union: [Schema.Union([Schema.Struct({ name: Schema.String }), Schema.Struct({ token: secret })]), (next) => ({
    token: next()
  })],
  tagged: [
    Schema.Union([
      Schema.TaggedStruct("A", { a: Schema.String }),
      Schema.TaggedStruct("B", { a: secret })
    ]),
    (next) => ({ _tag: "B", a: next() })
  ],
  overlapping: [
    Schema.Union([Schema.Struct({ a: Schema.String }), Schema.Struct({ a: secret, b: Schema.String })]),
    (next) => ({ a: next(), b: "seen" })
  ],
  nullable: [Schema.NullOr(secret), (next) => next()],
  optional: [Schema.Struct({ a: Schema.optionalKey(secret), b: Schema.optional(secret) }), (next) => ({
    a: next(),
    b: next()
  })],
  defaulted: [
    Schema.Struct({ a: secret.pipe(Schema.withDecodingDefaultKey(Effect.succeed("none"))) }),
    (next) => ({ a: next() })
  ],
  record: [Schema.Record(Schema.String, secret), (next) => ({ one: next(), two: next() })],
  records: [Schema.Record(Schema.String, Schema.Struct({ key: secret })), (next) => ({ one: { key: next() } })],
  structure: [Schema.RedactedFromValue(Schema.Struct({ user: Schema.String, pin: Schema.String })), (next) => ({
    user: next(),
    pin: next()
  })],
  list: [Schema.RedactedFromValue(Schema.Array(Schema.String)), (next) => [next(), next()]],
  class: [Card, (next) => ({ number: next(), holder: "seen" })],
  classes: [Schema.Array(Card), (next) => [{ number: next(), holder: "seen" }]],
  renamed: [
    Schema.Struct({ key: secret, open: Schema.String }).pipe(Schema.encodeKeys({ key: "api_key" })),
    (next) => ({ api_key: next(), open: "unseen" })
  ],
  opened: [opened, (next) => next()],
  json: [Schema.fromJsonString(Schema.Struct({ key: secret })), (next) => JSON.stringify({ key: next() })],
  option: [Schema.Option(secret), (next) => ({ _tag: "Some", value: next() })],
  recursive: [Tree, (next) => ({ key: next(), leaves: [{ key: next(), leaves: [{ key: next(), leaves: [] }] }] })],
  checked: [Schema.RedactedFromValue(Schema.String.check(Schema.isMinLength(3))), (next) => next()],
  deep: [
    Schema.Struct({
      a: Schema.Array(Schema.Record(Schema.String, Schema.Union([Schema.Null, Schema.Struct({ s: secret })])))
    }),
    (next) => ({ a: [{ x: { s: next() }, y: null }, { z: { s: next() } }] })
  ]
}

const canaries = () => {
  const made: Array<string> = []
  const next = () => {
    const canary = `canary-${made.length + 1}-of-many`
    made.push(canary)
    return canary
  }
  return { made, next }
}

describe("Journal", () => {
  for (const revision of eras) {
    it.effect(`no secret of a schema is in it, in arguments, results, errors and what repeats them (${revision})`, () =>
      Effect.gen(function*() {
        const { made, next } = canaries()
        const tools = Object.entries(kinds).flatMap(([name, [schema]]) => [
          Tool.make(`${name}_in`, {
            parameters: { it: schema },
            success: Schema.String,
            handler: (input) =>
              Effect.gen(function*() {
                // The author repeats it, which no schema can know of.
                const said = JSON.stringify(Schema.encodeSync(Schema.toCodecJson(schema))(input.it as any))
                yield* ClientLog.info(said)
                yield* Progress.report(1, { message: said })
                return said
              })
          }),
          Tool.make(`${name}_out`, {
            parameters: { it: Schema.RedactedFromValue(Schema.Unknown) },
            success: Schema.Struct({ it: schema, open: Schema.String }),
            handler: ({ it }) =>
              Effect.succeed({
                it: Schema.decodeUnknownSync(Schema.toCodecJson(schema))(Redacted.value(it)),
                open: "open"
              })
          }),
          Tool.make(`${name}_fails`, {
            parameters: { it: Schema.RedactedFromValue(Schema.Unknown) },
            failure: Schema.TaggedStruct("Refusal", { it: schema }),
            handler: ({ it }) =>
              Effect.fail({
                _tag: "Refusal" as const,
                it: Schema.decodeUnknownSync(Schema.toCodecJson(schema))(Redacted.value(it))
              })
          })
        ])
        const { requests, server } = recording({ tools })
        const client = yield* McpTest.client(server, { revision, logLevel: "debug" })
        for (const [name, [, value]] of Object.entries(kinds)) {
          for (const way of ["in", "out", "fails"]) {
            const result = yield* client.callTool(`${name}_${way}`, { it: value(next) as any }, { progressToken: 1 })
            assert.strictEqual(result.isError === true, way === "fails", `${name}_${way}: ${JSON.stringify(result)}`)
          }
          // What does not fit its schema is a secret all the same.
          yield* client.callTool(`${name}_in`, { it: { wrong: [next()] }, [next()]: next() } as any)
        }
        const entries = yield* requests
        assert.isAbove(made.length, 150)
        assert.lengthOf(entries.filter(({ method }) => method === "tools/call"), Object.keys(kinds).length * 4)
        assert.deepStrictEqual(
          entries.filter((entry) => made.some((canary) => JSON.stringify(entry).includes(canary))),
          []
        )
        // What is no secret is there.
        const one = entries.find(({ name }) => name === "nested_in")!
        assert.deepStrictEqual(one.params, {
          name: "nested_in",
          arguments: { it: { a: { b: { "~redacted": "string" }, open: "seen" } } }
        })
        const card = entries.find(({ name }) => name === "class_in")!
        assert.deepStrictEqual(card.params, {
          name: "class_in",
          arguments: { it: { number: { "~redacted": "string" }, holder: "seen" } }
        })
      }))
  }

  for (const revision of eras) {
    it.effect(`each request is one entry, with what it asked, said and ended with (${revision})`, () =>
      Effect.gen(function*() {
        const helper = Tool.make("helper", { success: Schema.Int, handler: () => Effect.succeed(7) })
        const { requests, server } = recording({
          tools: [
            helper,
            Tool.make("book", {
              parameters: { to: Schema.String },
              success: Schema.Struct({ seat: Schema.String }),
              handler: ({ to }) =>
                Effect.gen(function*() {
                  yield* Progress.report(1)
                  const seven = yield* Tool.call(helper, {})
                  const { seat } = yield* Elicitation.ask("seat", { seat: Schema.String }, { message: `To ${to}` })
                  return { seat: `${seat}${seven}` }
                })
            }),
            Tool.make("fails", {
              failure: Schema.TaggedStruct("Full", { left: Schema.Int }),
              handler: () => Effect.fail({ _tag: "Full" as const, left: 0 })
            }),
            Tool.make("refuses", { handler: () => Effect.fail(McpError.invalidRequest("no")) }),
            Tool.make("stops", { handler: () => Outcome.interruptSelf("CostBudget") }),
            Tool.make("dies", { handler: () => Effect.die("a bug") }),
            Tool.make("strict", { parameters: { n: Schema.Int }, handler: () => Effect.void })
          ],
          prompts: [Prompt.make("hi", { handler: () => Effect.succeed("words of somebody") })],
          resources: [
            Resource.make("note://1", { handler: Effect.succeed("a note of somebody") }),
            ResourceTemplate.make("door://{pin}", {
              name: "door",
              parameters: { pin: Schema.RedactedFromValue(Schema.String) },
              handler: () => Effect.succeed("open")
            })
          ]
        })
        const shared = Layer.succeedContext(yield* Layer.build(server))
        const client = yield* McpTest.client(shared, {
          revision,
          identity: Identity.make({
            subject: "ada@example.com",
            scopes: ["fly"],
            claims: { email: "ada@example.com" }
          }),
          answers: { elicit: () => Effect.succeed({ action: "accept", content: { seat: "4A" } }) }
        })
        const booked = yield* client.callTool("book", { to: "Bern" }, { progressToken: "p" })
        assert.deepStrictEqual(booked.structuredContent, { seat: "4A7" })
        for (const name of ["fails", "refuses", "stops", "dies", "strict", "nobody"]) {
          yield* Effect.exit(client.callTool(name))
        }
        yield* client.getPrompt("hi")
        yield* client.readResource("note://1")
        yield* client.readResource("door://4711-4711")
        const entries = yield* requests
        const rounds = entries.slice(0, -9)
        assert.lengthOf(rounds, revision === "2026-07-28" ? 2 : 1)
        const last = rounds.at(-1)!
        assert.deepInclude(last, {
          method: "tools/call",
          name: "book",
          caller: "caller 1",
          scopes: ["fly"],
          params: { name: "book", arguments: { to: "Bern" } },
          end: { _tag: "Result", result: { structuredContent: { seat: "4A7" } } }
        })
        assert.deepStrictEqual(last.said.map(({ params }) => params), [{ progress: 1 }])
        const [asked] = last.asked
        assert.strictEqual(asked?.key, "seat")
        assert.deepStrictEqual(asked?.answer, { action: "accept", content: { seat: "4A" } })
        if (rounds.length === 2) {
          assert.strictEqual(rounds[0]!.end._tag, "Asked")
          assert.deepStrictEqual(rounds[0]!.end, { _tag: "Asked", round: last.continues! })
        }
        assert.deepStrictEqual(entries.slice(-9).map(({ end }) => end), [
          { _tag: "Failure", error: { _tag: "Full", left: 0 } },
          { _tag: "Refused", reason: "InvalidRequest", code: -32600 },
          { _tag: "Cancelled", reason: "CostBudget" },
          { _tag: "Panicked" },
          { _tag: "InvalidInput", paths: ["/n"] },
          { _tag: "Refused", reason: "ToolNotFound", code: -32602 },
          entries.at(-3)!.end,
          entries.at(-2)!.end,
          entries.at(-1)!.end
        ])
        const text = JournalEntry.encode(entries)
        for (const word of ["ada@", "somebody", "4711", "nobody", "To Bern", "a bug"]) assert.notInclude(text, word)
        assert.include(text, "note://1")
        assert.deepStrictEqual(JournalEntry.decode(text), Result.succeed(entries))
        assert.isTrue(Result.isFailure(JournalEntry.decode("{}\n")))
      }))
  }

  it.effect("no request waits for a slow journal: what finds no place is dropped and counted, and the journal says so", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const written: Array<JournalEntry.Entry> = []
      const slow = Journal.layer(
        (entries) => Effect.andThen(Deferred.await(gate), Effect.sync(() => void written.push(...entries))),
        { capacity: 4 }
      )
      const server = McpServer.layer({
        name: "journal",
        version: "1.0.0",
        middleware: [Journal.make()],
        tools: [Tool.make("go", { success: Schema.String, handler: () => Effect.succeed("gone") })]
      }).pipe(Layer.provideMerge(slow))
      const context = yield* Layer.build(server)
      const client = yield* McpTest.client(Layer.succeedContext(context))
      yield* client.callTool("go")
      yield* McpTest.settle
      for (let call = 0; call < 20; call++) assert.isUndefined((yield* client.callTool("go")).isError)
      const { dropped } = yield* Effect.provideContext(Journal.Journal, context)
      assert.strictEqual(yield* dropped, 16)
      yield* Deferred.succeed(gate, undefined)
      yield* McpTest.settle
      assert.deepStrictEqual(written.map((entry) => entry._tag === "Dropped" ? entry.count : entry.method), [
        "tools/call",
        16,
        "tools/call",
        "tools/call",
        "tools/call",
        "tools/call"
      ])
    }))

  it.effect("what waits is written when the server ends", () =>
    Effect.gen(function*() {
      const { journal, server } = recording({
        tools: [Tool.make("go", { success: Schema.String, handler: () => Effect.succeed("gone") })]
      })
      yield* Effect.scoped(Effect.flatMap(McpTest.client(server), (client) => client.callTool("go")))
      assert.lengthOf(yield* journal.entries, 1)
    }))

  it.effect("`keep` keeps what no schema describes, and still no secret", () =>
    Effect.gen(function*() {
      const { requests, server } = recording({
        tools: [
          Tool.make("say", {
            parameters: { key: Schema.RedactedFromValue(Schema.String), open: Schema.Unknown },
            success: Tool.Result,
            handler: ({ key, open }) =>
              Effect.succeed({
                content: [{ type: "text" as const, text: String(open) }, {
                  type: "text" as const,
                  text: Redacted.value(key)
                }]
              })
          })
        ]
      }, { withoutSchema: "keep" })
      const client = yield* McpTest.client(server)
      yield* client.callTool("say", { key: "canary-1", open: "words" })
      const [entry] = yield* requests
      assert.deepStrictEqual(entry!.params, {
        name: "say",
        arguments: { key: { "~redacted": "string" }, open: "words" }
      })
      assert.deepStrictEqual(entry!.end, {
        _tag: "Result",
        result: { content: [{ type: "text", text: "words" }, { type: "text", text: { "~redacted": "string" } }] }
      })
    }))
})
