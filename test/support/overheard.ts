/**
 * All that a program gives away of itself, as text, and what may not be in it. Pages, dumps and answers that a test
 * collects itself can be looked through along with it.
 */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Formatter from "effect/Formatter"
import * as Inspectable from "effect/Inspectable"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import * as util from "node:util"

export interface Overheard<A, E> {
  readonly said: ReadonlyArray<string>
  /** Where it is a failure, `said` has it too; a success is nobody else's. */
  readonly exit: Exit.Exit<A, E>
}

/** What it logs, at any level, its spans, its errors, the metrics, and what it writes to stdout and stderr. */
export const overheard = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Overheard<A, E>, never, R> =>
  Effect.gen(function*() {
    const said: Array<string> = []
    const spans: Array<Tracer.NativeSpan> = []
    const metrics: typeof Metric.MetricRegistry.Service = new Map()
    const logger = Logger.make((log: Logger.Options<unknown>) => {
      said.push(
        ...writings(log.message),
        ...writings(log.cause),
        ...writings(log.fiber.getRef(References.CurrentLogAnnotations)),
        ...writings(log.fiber.getRef(References.CurrentLogSpans)),
        Logger.formatLogFmt.log(log),
        Logger.formatJson.log(log)
      )
    })
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    const exit = yield* effect.pipe(
      Effect.exit,
      Effect.provideService(Logger.CurrentLoggers, new Set([logger])),
      Effect.provideService(References.MinimumLogLevel, "All"),
      Effect.provideService(Tracer.Tracer, tracer),
      Effect.provideService(Metric.MetricRegistry, metrics),
      Effect.scoped,
      (effect) => Effect.acquireUseRelease(Effect.sync(() => listen(said)), () => effect, (stop) => Effect.sync(stop))
    )
    for (const { attributes, events, links, name, status } of spans) {
      said.push(name, ...[attributes, events, links.map(({ attributes }) => attributes)].flatMap(writings))
      if (status._tag === "Ended" && Exit.isFailure(status.exit)) said.push(...exported(status.exit.cause))
    }
    if (Exit.isFailure(exit)) said.push(...writings(exit.cause))
    said.push(...writings(yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, metrics)))
    return { said, exit }
  })

/** Of the failure of a span exporters write down the words, and look no further. */
const exported = (cause: Cause.Cause<unknown>): ReadonlyArray<string> => [
  Cause.pretty(cause),
  ...Cause.prettyErrors(cause).flatMap(({ message, name, stack }) => [name, message, String(stack)])
]

/** A value in all the ways that a program writes one down, also those that look behind what it says of itself. */
export const writings = (value: unknown): ReadonlyArray<string> =>
  within(value).flatMap((part) => [...ownOf(part), inspect(part, { customInspect: false })])

const within = (value: unknown): ReadonlyArray<unknown> =>
  Cause.isCause(value)
    ? [
      value,
      ...value.reasons.flatMap((reason) =>
        reason._tag === "Fail" ? [reason.error] : reason._tag === "Die" ? [reason.defect] : []
      ),
      ...Cause.prettyErrors(value)
    ]
    : [value]

const ownOf = (value: unknown): ReadonlyArray<string> => [
  inspect(value),
  Formatter.format(value),
  Inspectable.toStringUnknown(value),
  String(value),
  json(value),
  ...(Cause.isCause(value) ? [Cause.pretty(value)] : [])
]

/** None of the secrets is in any of the texts: not as it is, and not in an encoding that leads back to it. */
export const assertUnheard = (texts: Iterable<string>, secrets: Iterable<string>): void => {
  const heard = [...new Set(texts)].join("\n")
  // Where bytes are printed, they stand in columns.
  const flat = heard.replaceAll(/\s+/gu, " ")
  for (const secret of new Set(secrets)) {
    assert.isAbove(secret.length, 5, "a secret so short is found anywhere")
    for (const form of new Set(formsOf(secret))) {
      const text = form.includes(" ") ? flat : heard
      if (text.includes(form)) assert.fail(`${secret} is in\n${near(text, form)}`)
    }
  }
}

export const formsOf = (secret: string): ReadonlyArray<string> => {
  const bytes = Buffer.from(secret)
  const pairs = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"))
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    new URLSearchParams([["", secret]]).toString().slice(1),
    pairs.join(""),
    pairs.join(" "),
    [...bytes].join(", "),
    [...bytes].join(","),
    // Where it is in the middle of something that is encoded, what is before it decides how it looks.
    ...[0, 1, 2].flatMap((before) => {
      const whole = Buffer.concat([Buffer.alloc(before), bytes])
      const middle = (text: string) => text.slice(before === 0 ? 0 : 4, Math.floor(whole.length / 3) * 4)
      return [middle(whole.toString("base64")), middle(whole.toString("base64url"))]
    })
  ]
}

const near = (text: string, part: string): string => {
  const at = text.indexOf(part)
  return text.slice(Math.max(at - 300, 0), at + 100)
}

const inspect = (value: unknown, options: util.InspectOptions = {}): string =>
  util.inspect(value, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null, ...options })

const json = (value: unknown): string => {
  try {
    return String(JSON.stringify(value))
  } catch {
    // It goes in circles, or has a bigint: whoever writes it down so writes nothing.
    return ""
  }
}

/** What goes past the loggers. */
const listen = (said: Array<string>): () => void => {
  const restores: Array<() => void> = []
  const tap = (object: any, name: string) => {
    const original = object[name]
    object[name] = (...args: Array<unknown>) => {
      said.push(...args.map((arg) => arg instanceof Uint8Array ? Buffer.from(arg).toString() : inspect(arg)))
      return Reflect.apply(original, object, args)
    }
    restores.push(() => object[name] = original)
  }
  for (const stream of [process.stdout, process.stderr]) tap(stream, "write")
  for (const name of ["trace", "debug", "log", "info", "warn", "error"]) tap(console, name)
  return () => restores.forEach((restore) => restore())
}
