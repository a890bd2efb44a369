/**
 * The server's own log: what it writes, where, for which levels and targets, and what it keeps to itself.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import * as TestConsole from "effect/testing/TestConsole"
import * as ServerLog from "fastmcp-effect/telemetry/ServerLog"

/** What a program writes to stderr, with nothing on stdout. */
const written = <E>(program: Effect.Effect<void, E>, layer: Layer.Layer<never, E>) =>
  Effect.gen(function*() {
    yield* Effect.provide(program, layer)
    assert.deepStrictEqual(yield* TestConsole.logLines, [])
    return (yield* TestConsole.errorLines).map(String)
  }).pipe(Effect.provide(Layer.fresh(TestConsole.layer)))

const json = (program: Effect.Effect<void>, options: ServerLog.Options = {}) =>
  Effect.map(
    written(program, ServerLog.layer({ format: "json", ...options })),
    (lines) => lines.map((line) => JSON.parse(line))
  )

const messages = (program: Effect.Effect<void>, options: ServerLog.Options) =>
  Effect.map(json(program, options), (entries) => entries.map(({ message }) => message))

const environment = (env: { readonly [name: string]: string }) =>
  Layer.provide(ServerLog.layerConfig, ConfigProvider.layer(ConfigProvider.fromEnv({ env })))

/** One entry at each level. */
const everyLevel = Effect.gen(function*() {
  yield* Effect.logTrace("trace")
  yield* Effect.logDebug("debug")
  yield* Effect.logInfo("info")
  yield* Effect.logWarning("warn")
  yield* Effect.logError("error")
  yield* Effect.logFatal("fatal")
})

describe("In JSON, an entry", () => {
  it.effect("is a line, with what there is to say", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* Effect.logInfo("plain")
        yield* TestClock.adjust("5 millis")
        yield* Effect.logError("two", { parts: [2] }, Cause.fail("full")).pipe(
          Effect.annotateLogs({ user: 7, list: [1n] }),
          ServerLog.withTarget("docket"),
          Effect.withLogSpan("work")
        )
        yield* Effect.log()
      })
      const [plain, rich, empty] = yield* json(program)
      const { fiber, ...rest } = plain
      assert.deepStrictEqual(rest, { timestamp: "1970-01-01T00:00:00.000Z", level: "INFO", message: "plain" })
      assert.match(fiber, /^#\d+$/u)
      assert.match(rich.cause, /full/u)
      assert.deepStrictEqual({ ...rich, cause: "", fiber: "" }, {
        timestamp: "1970-01-01T00:00:00.005Z",
        level: "ERROR",
        target: "docket",
        message: ["two", { parts: [2] }],
        annotations: { user: 7, list: ["1n"] },
        spans: { work: 0 },
        cause: "",
        fiber: ""
      })
      assert.deepStrictEqual(Object.keys(empty), ["timestamp", "level", "fiber"])
    }))

  it.effect("is one line whatever its text holds", () =>
    Effect.gen(function*() {
      const text = "a\nb\r\u001b[31m\u009b2J\u2028\u202e\u007f\u0000c"
      const lines = yield* written(Effect.logInfo(text, { [text]: text }), ServerLog.layer({ format: "json" }))
      assert.lengthOf(lines, 1)
      assert.notMatch(lines[0]!, /[\p{Cc}\p{Zl}\u202e]/u)
      assert.deepStrictEqual(JSON.parse(lines[0]!).message, [text, { [text]: text }])
    }))
})

describe("For people, an entry", () => {
  it.effect("is a line, and a cause stands below it", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* Effect.logInfo("plain")
        yield* Effect.logWarning("two", { parts: [2] }, "more").pipe(
          Effect.annotateLogs({ user: 7, name: "Ada" }),
          ServerLog.withTarget("http"),
          Effect.withLogSpan("work")
        )
        yield* Effect.logError("failed", Cause.fail("a\nb"))
      })
      const lines = yield* written(program, ServerLog.layer())
      const at = "1970-01-01T00:00:00.000Z"
      assert.strictEqual(lines[0], `${at} INFO  plain`)
      assert.strictEqual(lines[1], `${at} WARN  http: two {"parts":[2]} more user=7 name=Ada work=0ms`)
      const [head, ...cause] = lines[2]!.split("\n")
      assert.strictEqual(head, `${at} ERROR failed`)
      assert.isAbove(cause.length, 1)
      assert.isTrue(cause.every((line) => line.startsWith("  ")))
      assert.include(cause[0], "a")
      assert.include(cause[1], "b")
    }))

  it.effect("cannot pass for two, nor reach the terminal", () =>
    Effect.gen(function*() {
      const text = "a\n1970 INFO  forged\r\u001b]0;title\u0007\u009b2J\tb\u2029\u2066"
      const program = Effect.gen(function*() {
        yield* Effect.logInfo(text).pipe(Effect.annotateLogs({ [text]: text }), ServerLog.withTarget(text))
        yield* Effect.logInfo(Cause.fail("\u001b[2J"))
      })
      const [line, cause] = yield* written(program, ServerLog.layer())
      const escaped = "a\\n1970 INFO  forged\\u000d\\u001b]0;title\\u0007\\u009b2J\\tb\\u2029\\u2066"
      assert.strictEqual(line, `1970-01-01T00:00:00.000Z INFO  ${escaped}: ${escaped} ${escaped}=${escaped}`)
      assert.include(cause, "\\u001b[2J")
      assert.notMatch(cause!.replaceAll("\n", ""), /\p{Cc}/u)
    }))
})

describe("Of the levels", () => {
  it.effect("the ones from info upwards are written, or from the one that was chosen", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* messages(everyLevel, {}), ["info", "warn", "error", "fatal"])
      assert.deepStrictEqual(yield* messages(everyLevel, { level: "Error" }), ["error", "fatal"])
      assert.lengthOf(yield* messages(everyLevel, { level: "All" }), 6)
      assert.deepStrictEqual(yield* messages(everyLevel, { level: "None" }), [])
    }))

  it.effect("a target and what is below it has its own, the nearest one", () =>
    Effect.gen(function*() {
      const targets = { docket: "Debug", "docket.worker": "Error", http: "Warn" } as const
      const at = (target: string) => messages(ServerLog.withTarget(target)(everyLevel), { targets, level: "Fatal" })
      const debug = ["debug", "info", "warn", "error", "fatal"]
      assert.deepStrictEqual(yield* at("docket"), debug)
      assert.deepStrictEqual(yield* at("docket.store"), debug)
      assert.deepStrictEqual(yield* at("docket/store"), debug)
      assert.deepStrictEqual(yield* at("docket.worker"), ["error", "fatal"])
      assert.deepStrictEqual(yield* at("docket.worker.1"), ["error", "fatal"])
      assert.deepStrictEqual(yield* at("http"), ["warn", "error", "fatal"])
      assert.deepStrictEqual(yield* at("dockets"), ["fatal"])
      assert.deepStrictEqual(yield* messages(everyLevel, { targets, level: "Fatal" }), ["fatal"])
    }))
})

describe("From the environment", () => {
  it.effect("come level, format, targets and secret keys, in any case", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* everyLevel
        yield* Effect.logDebug("queue", { pin: "1234" }).pipe(ServerLog.withTarget("docket"))
        yield* Effect.logInfo("request").pipe(ServerLog.withTarget("http"))
      })
      const lines = yield* written(
        program,
        environment({
          FASTMCP_LOG_LEVEL: "ERROR",
          FASTMCP_LOG_FORMAT: "Json",
          FASTMCP_LOG_TARGETS: "docket=debug, http=warning",
          FASTMCP_LOG_REDACT: "pin, puk"
        })
      )
      assert.deepStrictEqual(lines.map((line) => JSON.parse(line).message), [
        "error",
        "fatal",
        ["queue", { pin: "<redacted>" }]
      ])
    }))

  it.effect("comes nothing where nothing is set: info, for people", () =>
    Effect.gen(function*() {
      const lines = yield* written(everyLevel, environment({}))
      assert.deepStrictEqual(lines.map((line) => line.slice("1970-01-01T00:00:00.000Z ".length)), [
        "INFO  info",
        "WARN  warn",
        "ERROR error",
        "FATAL fatal"
      ])
    }))

  it.effect("each name of a level is understood", () =>
    Effect.gen(function*() {
      const counts: Array<readonly [string, number]> = []
      for (
        const name of [
          "all",
          "trace",
          "debug",
          "info",
          "warn",
          "warning",
          "error",
          "fatal",
          "critical",
          "none",
          "off"
        ]
      ) counts.push([name, (yield* written(everyLevel, environment({ FASTMCP_LOG_LEVEL: name }))).length])
      assert.deepStrictEqual(Object.fromEntries(counts), {
        all: 6,
        trace: 6,
        debug: 5,
        info: 4,
        warn: 3,
        warning: 3,
        error: 2,
        fatal: 1,
        critical: 1,
        none: 0,
        off: 0
      })
    }))

  it.effect("what cannot be read is refused, with what may stand there", () =>
    Effect.gen(function*() {
      const levels = "all, trace, debug, info, warn, warning, error, fatal, critical, none, off"
      const refused: ReadonlyArray<readonly [name: string, value: string, expected: string]> = [
        ["FASTMCP_LOG_LEVEL", "loud", `one of ${levels}`],
        ["FASTMCP_LOG_LEVEL", "toString", `one of ${levels}`],
        ["FASTMCP_LOG_FORMAT", "xml", "one of json, pretty"],
        ["FASTMCP_LOG_TARGETS", "docket", "target=level, as in docket=debug,http=warn"],
        ["FASTMCP_LOG_TARGETS", "docket=loud", "target=level, as in docket=debug,http=warn"],
        ["FASTMCP_LOG_TARGETS", "=debug", "target=level, as in docket=debug,http=warn"]
      ]
      for (const [name, value, expected] of refused) {
        const error = yield* Effect.flip(written(Effect.void, environment({ [name]: value })))
        assert.include(error.message, expected)
        assert.include(error.message, name)
      }
    }))
})

describe("A secret is not written", () => {
  const cases: ReadonlyArray<readonly [what: string, entry: ReadonlyArray<unknown>, wanted: unknown]> = [
    ["under its key, however it is spelled and however deep", [{
      a: [{ Password: "hunter2", db_password: "hunter2", "x-api-key": "hunter2", clientSecret: ["hunter2"] }],
      Authorization: { scheme: "hunter2" },
      refresh_token: "hunter2",
      token: "hunter2"
    }], {
      a: [{
        Password: "<redacted>",
        db_password: "<redacted>",
        "x-api-key": "<redacted>",
        clientSecret: "<redacted>"
      }],
      Authorization: "<redacted>",
      refresh_token: "<redacted>",
      token: "<redacted>"
    }],
    ["in a header, a query or a form", [
      "Authorization: Basic hunter2 x\nhost: a; Set-Cookie: id=hunter2",
      "https://a/b?access_token=hunter2&x=1",
      "client_secret=hunter2"
    ], [
      "Authorization: <redacted>\nhost: a; Set-Cookie: <redacted>",
      "https://a/b?access_token=<redacted>&x=1",
      "client_secret=<redacted>"
    ]],
    ["in JSON within a text", [
      "got {\"password\": \"hunter\\\"hunter2\", \"api_key\":5hunter2, \"x\":1}"
    ], "got {\"password\": \"<redacted>\", \"api_key\":\"<redacted>\", \"x\":1}"],
    [
      "as a bearer token",
      ["sent Bearer hunter2.a-b_c~d/e==, then bearer abcdefghijklmnophunter"],
      [
        "sent Bearer <redacted>, then bearer <redacted>"
      ][0]
    ],
    ["when it is redacted", [Redacted.make("hunter2"), { deep: Redacted.make("hunter2") }], [
      "<redacted>",
      { deep: "<redacted>" }
    ]]
  ]

  for (const [what, entry, wanted] of cases) {
    it.effect(what, () =>
      Effect.gen(function*() {
        const [logged] = yield* json(Effect.logInfo(...entry))
        assert.deepStrictEqual(logged.message, wanted)
        const [line] = yield* written(Effect.logInfo(...entry), ServerLog.layer())
        assert.notInclude(line, "hunter")
      }))
  }

  it.effect("in annotations and causes", () =>
    Effect.gen(function*() {
      const program = Effect.logError(Cause.fail("no login with password=hunter2")).pipe(
        Effect.annotateLogs({ cookie: "hunter2", headers: { authorization: "hunter2" } })
      )
      const [entry] = yield* json(program)
      assert.deepStrictEqual(entry.annotations, { cookie: "<redacted>", headers: { authorization: "<redacted>" } })
      assert.include(entry.cause, "no login with password=<redacted>")
      assert.notInclude((yield* written(program, ServerLog.layer()))[0], "hunter2")
    }))

  it.effect("under a key of your own", () =>
    Effect.gen(function*() {
      const [entry] = yield* json(Effect.logInfo({ cardPin: "1", card_number: "2", name: "Ada" }), {
        redact: ["pin", "Card-Number", ""]
      })
      assert.deepStrictEqual(entry.message, { cardPin: "<redacted>", card_number: "<redacted>", name: "Ada" })
    }))

  it.effect("while what only sounds like one is", () =>
    Effect.gen(function*() {
      const value = { progressToken: "7", nextPageToken: "p", maxTokens: 5, secretary: "Ada", tokens: 3 }
      const texts = ["bearer authentication failed", "Unexpected token: }", "the password is wrong", "cookies=2"]
      const [entry] = yield* json(Effect.logInfo(value, ...texts))
      assert.deepStrictEqual(entry.message, [value, ...texts])
    }))
})

describe("The log", () => {
  it.effect("never is what a program dies of", () =>
    Effect.gen(function*() {
      const cycle: { self?: unknown } = {}
      cycle.self = cycle
      const trap = {
        get value(): never {
          throw new Error("no")
        }
      }
      const entries = yield* json(
        Effect.gen(function*() {
          yield* Effect.logInfo(cycle)
          yield* Effect.logInfo(trap)
          yield* Effect.logInfo(5n, undefined, Symbol.for("s"), new Error("oh"))
        })
      )
      assert.deepStrictEqual(entries[0].message, {})
      assert.strictEqual(entries[1].message, "An entry could not be written: a value in it cannot be read.")
      assert.strictEqual(entries[1].level, "INFO")
      assert.deepStrictEqual(entries[2].message.slice(0, 3), ["5n", null, "Symbol(s)"])
      assert.strictEqual(entries[2].message[3].message, "oh")
    }))

  it.effect("takes the default logger's place and leaves the others", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const other = Logger.layer([Logger.make(({ message }) => void seen.push(message))], { mergeWithExisting: true })
      const lines = yield* written(Effect.logInfo("hello"), Layer.provideMerge(ServerLog.layer(), other))
      assert.lengthOf(lines, 1)
      assert.deepStrictEqual(seen, [["hello"]])
      const [loggers, level] = yield* Effect.provide(
        Effect.all([Logger.CurrentLoggers, References.MinimumLogLevel]),
        ServerLog.layer({ level: "Warn", targets: { a: "Trace", b: "Error" } })
      )
      assert.isFalse(loggers.has(Logger.defaultLogger))
      assert.isTrue(loggers.has(Logger.tracerLogger))
      assert.strictEqual<LogLevel.LogLevel>(level, "Trace")
    }))

  it.effect("goes to the standard error of the console that is there", () =>
    Effect.gen(function*() {
      const calls: Array<unknown> = []
      const console = yield* Console.Console
      const exit = yield* Effect.exit(
        Effect.logInfo("%s %d", "a").pipe(
          Effect.provide(ServerLog.layer()),
          Effect.provideService(Console.Console, {
            ...console,
            error: (...args: ReadonlyArray<unknown>) => void calls.push(args)
          })
        )
      )
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(calls, [["1970-01-01T00:00:00.000Z INFO  %s %d a"]])
    }))
})
