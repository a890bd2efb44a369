/** Runs from many seeds, the first failure among them made as small as it goes, and told as a story. */
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as LabJournal from "./LabJournal.ts"
import * as system from "./system.ts"
import * as Token from "./token.ts"

/** @category models @since 0.1.0 */
export interface ExploreOptions extends Omit<system.Options, "seed" | "token"> {
  /** How many seeds, from 1 on; or which. 100. */
  readonly seeds?: number | ReadonlyArray<number>
  /** How long it may take by the machine's clock; no new run begins after that. Unlimited. */
  readonly budget?: Duration.Input
  /** How many runs may be spent on making a failure smaller. 500. */
  readonly maxShrinks?: number
  /** Hears of each run that has ended. */
  readonly onProgress?: (progress: Progress) => Effect.Effect<void>
}

/** @category models @since 0.1.0 */
export interface Progress {
  readonly seed: number
  /** Runs that have ended, this one too. */
  readonly runs: number
  readonly seeds: number
  readonly hasFailed: boolean
}

/** @category models @since 0.1.0 */
export interface Exploration<out A, out E> {
  /** Seeds that were run. */
  readonly runs: number
  readonly failure: Failure<A, E> | undefined
}

/** @category models @since 0.1.0 */
export interface Failure<out A, out E> {
  /** As it was found. */
  readonly found: system.Report<A, E>
  /** The same failure with as little as it takes. */
  readonly report: system.Report<A, E>
  /** Runs it took to make it that small. */
  readonly shrinks: number
}

/** A property of a system does not hold. The message is the story of it. @category errors @since 0.1.0 */
export class LabFailure extends Schema.TaggedError<LabFailure>("fastmcp-effect/testing/exploring/LabFailure")(
  "LabFailure",
  {
    /** Makes the run again. */
    token: Schema.String,
    story: Schema.String,
    cause: Schema.Defect()
  }
) {
  override get message(): string {
    return this.story
  }
}

/**
 * Runs the system from one seed after the other until it fails, and then finds out how little of what was left to
 * chance it takes to fail like that: fewer faults, fewer steps, and whether the order matters.
 *
 * @category exploring
 * @since 0.1.0
 */
export const explore = <A, E, R>(
  tested: Effect.Effect<A, E, R>,
  options: ExploreOptions = {}
): Effect.Effect<Exploration<A, E>, never, Exclude<R, system.Services>> =>
  Effect.gen(function*() {
    const { budget, maxShrinks = 500, onProgress, seeds: wanted = 100, ...rest } = options
    const seeds = typeof wanted === "number" ? Array.from({ length: wanted }, (_, index) => index + 1) : wanted
    const clock = yield* Clock.Clock
    const until = budget === undefined
      ? Infinity
      : clock.currentTimeMillisUnsafe() + Duration.toMillis(Duration.fromInputUnsafe(budget))
    let runs = 0
    for (const seed of seeds) {
      if (clock.currentTimeMillisUnsafe() >= until) break
      const report = yield* system.report(tested, { ...rest, seed })
      runs++
      const hasFailed = Exit.isFailure(report.exit)
      if (onProgress !== undefined) yield* onProgress({ seed, runs, seeds: seeds.length, hasFailed })
      if (hasFailed) return { runs, failure: yield* shrink(tested, report, rest, maxShrinks) }
    }
    return { runs, failure: undefined }
  })

/**
 * The same run again, from the token of its report. The options but for the seed must be those it was made with.
 *
 * @category exploring
 * @since 0.1.0
 */
export const replay = <A, E, R>(
  token: string,
  tested: Effect.Effect<A, E, R>,
  options: Omit<system.Options, "seed" | "token"> = {}
): Effect.Effect<system.Report<A, E>, never, Exclude<R, system.Services>> =>
  system.report(tested, { ...options, token })

/**
 * Leaves out ever smaller parts of what took part, for as long as the run fails in the same way: delta debugging, after
 * Zeller.
 */
const shrink = <A, E, R>(
  tested: Effect.Effect<A, E, R>,
  found: system.Report<A, E>,
  options: system.Options,
  maxShrinks: number
): Effect.Effect<Failure<A, E>, never, Exclude<R, system.Services>> =>
  Effect.gen(function*() {
    const wanted = signature(found.exit)
    let best = found
    let shrinks = 0
    const attempt = (keys: ReadonlyArray<string>) =>
      Effect.map(
        system.report(tested, { ...options, token: Token.encode({ seed: found.seed, only: keys }) }),
        (report) => {
          shrinks++
          const isSame = signature(report.exit) === wanted
          if (isSame) best = report
          return isSame
        }
      )

    // What remains is in the report: leaving something out may leave out more.
    let parts = 1
    while (best.taken.length > 0 && shrinks < maxShrinks) {
      const { taken } = best
      const size = Math.ceil(taken.length / parts)
      let hasShrunk = false
      for (let from = 0; from < taken.length && shrinks < maxShrinks; from += size) {
        hasShrunk = yield* attempt([...taken.slice(0, from), ...taken.slice(from + size)])
        if (hasShrunk) break
      }
      if (hasShrunk) parts = Math.max(parts - 1, 1)
      else if (size === 1) break
      else parts = Math.min(parts * 2, taken.length)
    }
    return { found, report: best, shrinks }
  })

/** What two runs must have in common to have failed in the same way: not ids, and not numbers. */
const signature = (exit: Exit.Exit<unknown, unknown>): string | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  return exit.cause.reasons.map((reason) => {
    if (reason._tag === "Interrupt") return "Interrupt"
    const error = reason._tag === "Fail" ? reason.error : reason.defect
    return `${reason._tag} ${wordsOf(error)}`
  }).join(", ")
}

const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return JSON.stringify(error)?.replace(/\d+/g, "#") ?? String(error)
  const reason = "reason" in error ? error.reason as { readonly _tag?: string } : undefined
  // A reason of the lab's lists fibers, which are others in every run.
  return reason?._tag !== undefined
    ? `${error.name} ${reason._tag}`
    : `${error.name} ${error.message.split("\n")[0]!.replace(/\d+/g, "#")}`
}

/**
 * The failure as an error, whose message says what fails, what it takes, and what happened.
 *
 * @category exploring
 * @since 0.1.0
 */
export const toError = <A, E>({ found, report, shrinks }: Failure<A, E>): LabFailure => {
  const cause = Exit.isFailure(report.exit) ? Cause.squash(report.exit.cause) : undefined
  const of = found.taken.length === report.taken.length ? "" : `, of ${found.taken.length} in the run it was found in`
  const story = [
    `Seed ${report.seed} fails after ${report.time} ms of its own time: ${
      cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    }`,
    "",
    report.taken.length === 0
      ? `It takes nothing but the system itself${of}.`
      : `It takes (${report.taken.length}${of}; found in ${shrinks} runs):`,
    ...report.taken.map((key) =>
      `  ${key === system.orderKey ? "order: fibers that are ready in an order drawn from the seed" : key}`
    ),
    "",
    "What happened:",
    LabJournal.story(report.journal.entries),
    "",
    `Again: token ${JSON.stringify(report.token)}`
  ].join("\n")
  return new LabFailure({ token: report.token, story, cause })
}

/**
 * Values for a workload, drawn from the seed by their name. Each is a step of its own in what a failure is shrunk to: a
 * run again may do without some.
 *
 * @category systems
 * @since 0.1.0
 */
export const steps = <A>(
  name: string,
  arbitrary: Arbitrary.Arbitrary<A>,
  count: number
): Effect.Effect<ReadonlyArray<A>, Arbitrary.SampleError, system.Lab> =>
  Effect.flatMap(system.Lab, ({ plan, world }) =>
    Effect.map(
      Arbitrary.sampleEffect(arbitrary, { count, seed: `${world.seed} ${name}` }),
      (values) => values.filter((_, index) => plan.takes(`${name}.${index + 1}`))
    ))

/**
 * One value drawn from the seed by its name.
 *
 * @category systems
 * @since 0.1.0
 */
export const draw = <A>(
  name: string,
  arbitrary: Arbitrary.Arbitrary<A>
): Effect.Effect<A, Arbitrary.SampleError, system.Lab> =>
  Effect.flatMap(system.Lab, ({ world }) =>
    Effect.map(
      Arbitrary.sampleEffect(arbitrary, { count: 1, seed: `${world.seed} ${name}` }),
      (values) => values[0]!
    ))
