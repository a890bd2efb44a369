/**
 * The server's own log, for whoever runs it: a line for each entry on stderr, never on stdout, where stdio servers
 * speak to their client. It takes the place of Effect's default logger, so whatever the program logs with `Effect.log`
 * and its relatives comes out here. What goes to the client is `context/ClientLog`.
 *
 * An entry may have a target, the part of the program it is about, which has a level of its own if need be:
 * `withTarget("docket")` sets it. What stands under a key like `password` or `authorization`, wherever in the entry, is
 * not written, nor are control characters.
 */
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import * as RegEx from "effect/RegExp"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"

/** `pretty` is for people: one line too, and a cause below it. @category models @since 0.1.0 */
export type Format = "json" | "pretty"

/** @category models @since 0.1.0 */
export interface Options {
  /** The least severe level that is written: `Info` when left out. */
  readonly level?: LogLevel.LogLevel
  /** `pretty` when left out. */
  readonly format?: Format
  /** Levels of single targets and of what is below them: `docket` also counts for `docket.worker`. */
  readonly targets?: { readonly [target: string]: LogLevel.LogLevel }
  /** More keys whose values are secret. Case, `-` and `_` do not count. */
  readonly redact?: ReadonlyArray<string>
}

/**
 * Marks what `effect` logs as being about a part of the program.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withTarget = (target: string) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.annotateLogs(effect, "target", target)

/**
 * A logger that writes to the standard error of the program's `Console`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeLogger = (options: Options = {}): Logger.Logger<unknown, void> => {
  const { format = "pretty", level = "Info", targets = {} } = options
  const scrub = makeRedactor(options)
  const write = format === "json" ? json : pretty
  const byTarget = Object.entries(targets).sort(([a], [b]) => b.length - a.length)

  const levelOf = (target: unknown) =>
    byTarget.find(([name]) =>
      typeof target === "string" &&
      (target === name || target.startsWith(name) && /^[./:]/u.test(target.slice(name.length)))
    )?.[1] ?? level

  return Logger.make((entry) => {
    const { fiber, logLevel } = entry
    const { target } = fiber.getRef(References.CurrentLogAnnotations)
    if (LogLevel.isLessThan(logLevel, levelOf(target))) return
    fiber.getRef(Console.Console).error(write(scrub(record(entry))))
  })
}

/**
 * The log with these options.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never> => {
  const levels = [options.level ?? "Info", ...Object.values(options.targets ?? {})]
  const lowest = levels.reduce((low, level) => LogLevel.isLessThan(level, low) ? level : low)
  return Layer.merge(
    Layer.effect(
      Logger.CurrentLoggers,
      Effect.map(
        Logger.CurrentLoggers,
        (others) => new Set([...others, makeLogger(options)].filter((logger) => logger !== Logger.defaultLogger))
      )
    ),
    Layer.succeed(References.MinimumLogLevel, lowest)
  )
}

/**
 * What the log does to what it writes, for what is written elsewhere: a copy with nothing under a secret key, or that
 * looks like one, in it. Of JSON.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeRedactor = ({ redact = [] }: Pick<Options, "redact"> = {}): <A>(value: A) => A =>
  makeScrub([...secretKeys, ...redact])

// ----------------------------------------------------------------------------
// configuration
// ----------------------------------------------------------------------------

const levelNames = {
  all: "All",
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  warning: "Warn",
  error: "Error",
  fatal: "Fatal",
  critical: "Fatal",
  none: "None",
  off: "None"
} as const

const formats = { json: "json", pretty: "pretty" } as const

const listed = (names: object) => Object.keys(names).join(", ")

const byName = <A>(names: { readonly [name: string]: A }, text: string): A | undefined => {
  const name = text.trim().toLowerCase()
  return Object.hasOwn(names, name) ? names[name] : undefined
}

/** Reads a text, or says what it should have been. */
const reads = <A>(expected: string, read: (text: string) => A | undefined) =>
  Schema.String.pipe(Schema.decodeTo(
    Schema.Any as Schema.Codec<A>,
    {
      decode: SchemaGetter.transformEffect((text: string, options) => {
        const value = read(text)
        return value === undefined
          ? Effect.fail(new SchemaIssue.InvalidValue({ expected }, text, options))
          : Effect.succeed(value as NoInfer<A>)
      }),
      encode: SchemaGetter.forbidden(() => "Options are only read")
    }
  ))

const levelText = reads(`one of ${listed(levelNames)}`, (text) => byName(levelNames, text))

const formatText = reads(`one of ${listed(formats)}`, (text) => byName(formats, text))

const items = (text: string) => text.split(",").map((item) => item.trim()).filter((item) => item !== "")

const targetsText = reads(
  `target=level, as in docket=debug,http=warn, each level one of ${listed(levelNames)}`,
  (text) => {
    const targets: Array<[string, LogLevel.LogLevel]> = []
    for (const item of items(text)) {
      const [, name, levelName] = /^([^=]+)=([^=]+)$/u.exec(item) ?? []
      const level = levelName === undefined ? undefined : byName(levelNames, levelName)
      if (level === undefined) return undefined
      targets.push([name!.trim(), level])
    }
    return Object.fromEntries(targets)
  }
)

const keysText = reads<ReadonlyArray<string>>("keys with commas between them", items)

/**
 * The options as the environment has them: `FASTMCP_LOG_LEVEL` (`debug`, `info`, `warn`, ...), `FASTMCP_LOG_FORMAT`
 * (`json` or `pretty`), `FASTMCP_LOG_TARGETS` (`docket=debug,http=warn`) and `FASTMCP_LOG_REDACT` (more secret keys,
 * with commas between them).
 *
 * @category configuration
 * @since 0.1.0
 */
export const config: Config.Config<Options> = Config.all({
  level: Config.withDefault(Config.schema(levelText, "FASTMCP_LOG_LEVEL"), "Info" as const),
  format: Config.withDefault(Config.schema(formatText, "FASTMCP_LOG_FORMAT"), "pretty" as const),
  targets: Config.withDefault(Config.schema(targetsText, "FASTMCP_LOG_TARGETS"), {}),
  redact: Config.withDefault(Config.schema(keysText, "FASTMCP_LOG_REDACT"), [])
})

/**
 * The log with what the environment says; a value it cannot read fails the program's start.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<never, Config.ConfigError> = Layer.unwrap(
  Effect.gen(function*() {
    return layer(yield* config)
  })
)

// ----------------------------------------------------------------------------
// entries
// ----------------------------------------------------------------------------

interface Entry {
  readonly timestamp: string
  readonly level: string
  readonly target?: unknown
  readonly message?: unknown
  readonly annotations?: { readonly [key: string]: unknown }
  readonly spans?: { readonly [label: string]: number }
  readonly cause?: string
  readonly fiber: string
}

/** As JSON would have it. A log entry must not be what a program dies of. */
const record = (entry: Logger.Options<unknown>): Entry => {
  try {
    const { annotations, cause, fiberId, level, message, spans, timestamp } = Logger.formatStructured.log(entry)
    const { target, ...rest } = annotations
    return JSON.parse(Formatter.formatJson({
      timestamp,
      level,
      target,
      message: Array.isArray(message) && message.length === 0 ? undefined : message,
      annotations: Object.keys(rest).length === 0 ? undefined : rest,
      spans: Object.keys(spans).length === 0 ? undefined : spans,
      cause,
      fiber: fiberId
    }))
  } catch {
    return {
      timestamp: entry.date.toISOString(),
      level: entry.logLevel.toUpperCase(),
      message: "An entry could not be written: a value in it cannot be read.",
      fiber: `#${entry.fiber.id}`
    }
  }
}

/** What is a control character still is none of JSON's own. */
const json = (entry: Entry): string => withoutControls(JSON.stringify(entry))

const pretty = ({ annotations = {}, cause, level, message, spans = {}, target, timestamp }: Entry): string => {
  const parts = message === undefined ? [] : Array.isArray(message) ? message : [message]
  const head = [
    timestamp,
    level.padEnd(5),
    ...target === undefined ? [] : [`${text(target)}:`],
    ...parts.map(text),
    ...Object.entries(annotations).map(([key, value]) => `${key}=${text(value)}`),
    ...Object.entries(spans).map(([label, millis]) => `${label}=${millis}ms`)
  ].map(withoutControls).join(" ")
  return cause === undefined
    ? head
    : [head, ...cause.split("\n").map((line) => `  ${withoutControls(line)}`)].join("\n")
}

const text = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value)

/** Terminals act on these, and a line of a message could pass for an entry of its own. */
const withoutControls = (line: string): string =>
  line.replaceAll("\n", "\\n").replaceAll("\t", "\\t").replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu,
    (control) => `\\u${control.codePointAt(0)!.toString(16).padStart(4, "0")}`
  )

// ----------------------------------------------------------------------------
// secrets
// ----------------------------------------------------------------------------

const secretKeys = [
  "apikey",
  "assertion",
  "authorization",
  "codeverifier",
  "cookie",
  "credentials",
  "passphrase",
  "passwd",
  "password",
  "privatekey",
  "requeststate",
  "secret",
  "accesstoken",
  "authtoken",
  "bearertoken",
  "idtoken",
  "refreshtoken",
  "token"
]

const redacted = "<redacted>"

const normal = (key: string) => key.toLowerCase().replace(/[-_]/gu, "")

/** Takes secrets out: by the key they stand under, and in texts behind `key=`, in JSON and in headers. */
const makeScrub = (keys: ReadonlyArray<string>): <A>(value: A) => A => {
  const secret = keys.map(normal).filter((key) => key !== "")
  // Tokens of progress and of pages end so too, and are none.
  const isSecret = (key: string) => {
    const name = normal(key)
    return secret.some((word) => name === word || word !== "token" && name.endsWith(word))
  }
  const named = `(?:\\w+[-_])?(?:${
    secret.map((key) => Array.from(key, (letter) => RegEx.escape(letter)).join("[-_]?")).join("|")
  })`
  const assignments = new RegExp(`\\b(${named}=)[^\\s&;,"']+`, "giu")
  const members = new RegExp(`("${named}"\\s*:\\s*)(?:"(?:[^"\\\\]|\\\\.)*"|[^\\s,}\\]]+)`, "giu")
  const headers = /\b((?:proxy-)?authorization|(?:set-)?cookie)(\s*:\s*)[^\r\n]+/giu
  const bearer = /\b(bearer\s+)(?:(?=\S*\d)[\w.~+/-]+|[\w.~+/-]{16,})=*/giu

  const scrubText = (text: string) =>
    text.replace(headers, `$1$2${redacted}`)
      .replace(assignments, `$1${redacted}`)
      .replace(members, `$1"${redacted}"`)
      .replace(bearer, `$1${redacted}`)

  const scrub = (value: unknown): unknown =>
    typeof value === "string"
      ? scrubText(value)
      : Array.isArray(value)
      ? value.map(scrub)
      : typeof value === "object" && value !== null
      ? Object.fromEntries(
        Object.entries(value).map(([key, member]) => [key, isSecret(key) ? redacted : scrub(member)])
      )
      : value
  return (value) => scrub(value) as typeof value
}
