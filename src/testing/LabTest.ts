/**
 * A test's `it` with a lab in it: `it.lab(name, system)`. Any runner's will do that takes a name, a function that gives
 * a promise, and a time limit.
 */
import * as Effect from "effect/Effect"
import * as exploring from "./exploring.ts"
import type * as Lab from "./Lab.ts"
import type * as system from "./system.ts"

/** What is asked of a test runner. @category models @since 0.1.0 */
export type Runner = (name: string, body: () => Promise<void>, timeout?: number) => void

/** @category models @since 0.1.0 */
export interface TestOptions extends Lab.ExploreOptions {
  /** How long the test may take, in milliseconds of the machine. The runner's own limit when left out. */
  readonly timeout?: number
}

/** @category models @since 0.1.0 */
export interface LabTester {
  /** Runs the system from some seeds, 20 when left out, and fails with the story of the smallest failure it finds. */
  readonly lab: <A, E>(
    name: string,
    system: () => Effect.Effect<A, E, Lab.Services>,
    options?: TestOptions
  ) => void
}

/**
 * Adds `lab` to the `it` of a test runner. With a `token`, as a failure names it, every test makes that run and no
 * other: give it what is in the environment.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <It extends Runner>(
  it: It,
  { token }: { readonly token?: string | undefined } = {}
): It & LabTester =>
  new Proxy(it, {
    get: (target, key, receiver): unknown => key === "lab" ? labTester(it, token) : Reflect.get(target, key, receiver)
  }) as It & LabTester

const labTester = (it: Runner, token: string | undefined): LabTester["lab"] => (name, system, options = {}) => {
  const { timeout, ...rest } = options
  it(name, () => Effect.runPromise(holds(Effect.suspend(system), rest, token)), timeout)
}

const holds = <A, E>(
  tested: Effect.Effect<A, E, system.Services>,
  options: Lab.ExploreOptions,
  token: string | undefined
): Effect.Effect<void, exploring.LabFailure> =>
  Effect.gen(function*() {
    const { failure } = token === undefined
      ? yield* exploring.explore(tested, { seeds: 20, ...options })
      : yield* again(tested, options, token)
    if (failure !== undefined) return yield* exploring.toError(failure)
  })

const again = <A, E>(
  tested: Effect.Effect<A, E, system.Services>,
  options: Lab.ExploreOptions,
  token: string
): Effect.Effect<{ readonly failure: Lab.Failure<A, E> | undefined }> =>
  Effect.map(exploring.replay(token, tested, options), (report) => ({
    failure: report.exit._tag === "Success" ? undefined : { found: report, report, shrinks: 0 }
  }))
