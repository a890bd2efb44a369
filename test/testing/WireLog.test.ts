/** What goes over the wire, kept in a file. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as WireLog from "fastmcp-effect/testing/WireLog"
import * as Memory from "fastmcp-effect/transport/Memory"

const secret = Schema.RedactedFromValue(Schema.String)

const signIn = Tool.make("sign_in", {
  parameters: { user: Schema.String, password: secret },
  success: Schema.Struct({ session: secret, until: Schema.Date })
})

const work = Tool.make("work", {
  handler: () =>
    Effect.gen(function*() {
      yield* Progress.report(1, { total: 2 })
      yield* Ask.one("go", Elicitation.form({ on: Schema.Boolean }, { message: "Go on?" }))
    })
})

const acme = (session = "the session of ada", until = new Date(0)) =>
  McpServer.layer({
    name: "acme",
    version: "1.0.0",
    tools: [
      Tool.handle(signIn, () => Effect.succeed({ session: Redacted.make(session), until })),
      Tool.make("echo", {
        parameters: { text: Schema.String },
        success: Schema.String,
        handler: ({ text }) => Effect.succeed(text)
      }),
      work
    ]
  })

const logged = (options: {
  readonly revision: "2025-11-25" | "2026-07-28"
  readonly password?: string
  readonly session?: string
  readonly until?: Date
}) =>
  Effect.gen(function*() {
    const log = WireLog.make({ tools: [signIn] })
    const client = yield* McpTest.client(log.server(acme(options.session, options.until)), {
      revision: options.revision,
      answers: { elicit: () => Effect.succeed({ action: "accept", content: { on: true } }) }
    })
    const password = options.password ?? "open sesame"
    yield* client.call(signIn, { user: "ada", password: Redacted.make(password) })
    yield* client.callTool("echo", { text: `my password is ${password}` })
    yield* client.callTool("work", {}, { progressToken: "p-17" })
    return yield* log.text
  }).pipe(Effect.scoped)

describe("a wire log", () => {
  it.effect("has each message of both sides, in a line or below one", () =>
    Effect.gen(function*() {
      const log = WireLog.make()
      const client = yield* McpTest.client(log.server(acme()), { revision: "2025-11-25" })
      yield* client.callTool("echo", { text: "hi" })
      yield* Effect.flip(client.request("no/such"))
      assert.strictEqual(
        yield* log.text,
        `client -> initialize (client id 1) {"capabilities":{},"clientInfo":{"name":"McpTest","version":"1.0.0"},"protocolVersion":"2025-11-25"}
server <- answer (client id 1)
  {
    "capabilities": {
      "completions": {},
      "logging": {},
      "prompts": {
        "listChanged": true
      },
      "resources": {
        "listChanged": true,
        "subscribe": true
      },
      "tools": {
        "listChanged": true
      }
    },
    "protocolVersion": "2025-11-25",
    "serverInfo": {
      "name": "acme",
      "version": "1.0.0"
    }
  }
client -> notifications/initialized
client -> tools/call (client id 2) {"arguments":{"text":"hi"},"name":"echo"}
server <- answer (client id 2) {"content":[{"text":"hi","type":"text"}]}
client -> no/such (client id 3)
server <- error (client id 3) {"code":-32601,"message":"Method not found: no/such"}
`
      )
    }))

  for (const revision of ["2025-11-25", "2026-07-28"] as const) {
    it.effect(`is the same whatever the ids, times and secrets of a run are (${revision})`, () =>
      Effect.gen(function*() {
        const one = yield* logged({ revision })
        const other = yield* logged({ revision, password: "ab\"c", session: "another", until: new Date(86_400_000) })
        assert.strictEqual(WireLog.diff(one, other), undefined)
        assert.include(one, `"until": "<time 1>"`)
        assert.include(one, "notifications/progress")
        assert.include(one, "<token 1>")
        assert.include(one, "elicitation/create")
      }))

    it.effect(`has no secret, also where another message repeats it (${revision})`, () =>
      Effect.gen(function*() {
        const text = yield* logged({ revision })
        assert.notInclude(text, "sesame")
        assert.notInclude(text, "session of ada")
        assert.include(text, "my password is <redacted>")
      }))
  }

  it.effect("hides all of a call that is not what its contract says", () =>
    Effect.gen(function*() {
      const log = WireLog.make({ tools: [signIn] })
      const client = yield* McpTest.client(log.server(acme()), { revision: "2025-11-25" })
      yield* client.callTool("sign_in", { user: 1, passwort: "open sesame" })
      const text = yield* log.text
      assert.notInclude(text, "sesame")
      assert.include(text, `"passwort":"<redacted>"`)
    }))

  it.effect("listens to a client, whatever its transport", () =>
    Effect.gen(function*() {
      const log = WireLog.make()
      const server = WireLog.make()
      const transport = log.client(Memory.layer.pipe(Layer.provide(server.server(acme()))))
      yield* Effect.gen(function*() {
        const client = yield* McpClient.McpClient
        yield* client.callTool("echo", { text: "hi" })
      }).pipe(Effect.provide(Layer.provide(McpClient.layer(), transport)), Effect.scoped)
      assert.include(yield* log.text, "client -> tools/call")
      assert.strictEqual(yield* log.text, yield* server.text)
    }))
})

const files = (initial?: string) => {
  const kept = new Map(initial === undefined ? [] : [["wire.txt", initial]])
  return {
    kept,
    layer: FileSystem.layerNoop({
      exists: (path) => Effect.succeed(kept.has(path)),
      readFileString: (path) => Effect.sync(() => kept.get(path)!),
      writeFileString: (path, text) => Effect.sync(() => void kept.set(path, text))
    })
  }
}

describe("a log in a file", () => {
  const echoed = (text: string) =>
    Effect.gen(function*() {
      const log = WireLog.make()
      const client = yield* McpTest.client(log.server(acme()), { revision: "2025-11-25" })
      yield* client.callTool("echo", { text })
      return log
    })

  it.effect("is compared with what is heard, and written where that is wanted", () =>
    Effect.gen(function*() {
      const { kept, layer } = files()
      const log = yield* echoed("hi")
      const missing = yield* Effect.flip(Effect.provide(WireLog.isKept(log, "wire.txt"), layer))
      assert.include(missing.message, "There is no wire.txt")
      assert.strictEqual(kept.size, 0)
      yield* Effect.provide(WireLog.isKept(log, "wire.txt", { update: true }), layer)
      yield* Effect.provide(WireLog.isKept(log, "wire.txt"), layer)
      const other = yield* Effect.flip(Effect.provide(WireLog.isKept(yield* echoed("ho"), "wire.txt"), layer))
      assert.include(
        other.message,
        `
  client -> notifications/initialized
- client -> tools/call (client id 2) {"arguments":{"text":"hi"},"name":"echo"}
- server <- answer (client id 2) {"content":[{"text":"hi","type":"text"}]}
+ client -> tools/call (client id 2) {"arguments":{"text":"ho"},"name":"echo"}
+ server <- answer (client id 2) {"content":[{"text":"ho","type":"text"}]}`
      )
    }))

  it.effect("may have the line ends of another system", () =>
    Effect.gen(function*() {
      const log = yield* echoed("hi")
      const { layer } = files((yield* log.text).replaceAll("\n", "\r\n"))
      yield* Effect.provide(WireLog.isKept(log, "wire.txt"), layer)
    }))
})
