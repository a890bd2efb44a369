/**
 * Writes down the requests of a running server, one entry each when it has ended, for `testing/Replay` to make them again
 * of another version. What a schema declares as `Schema.Redacted` is in no entry, nor what else in it repeats that; what
 * no schema describes is reduced to its type. Credentials, `_meta`, claims, states and the names of callers are left out.
 *
 * No request waits for it: entries that find no place are dropped and counted. It belongs outermost, and behind what
 * supplies an identity.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as PlatformError from "effect/PlatformError"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Identity from "../context/Identity.ts"
import * as RequestContext from "../context/RequestContext.ts"
import * as journaling from "./internal/journaling.ts"
import { callerOf } from "./internal/key.ts"
import * as JournalEntry from "./JournalEntry.ts"
import * as Middleware from "./Middleware.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** How many entries wait to be written, at most; what comes when so many do is dropped. 4096. */
  readonly capacity?: number
  /** The longest entry, in characters; a longer one is dropped. 262,144. */
  readonly maxLength?: number
  /**
   * What becomes of what no schema describes: the texts of prompts and resources, results that a tool makes by itself,
   * answers of models. `type` leaves its type alone; `keep` is for servers whose traffic holds nothing of anybody.
   * `type`.
   */
  readonly withoutSchema?: "type" | "keep"
}

/** Where entries go: in the order in which requests ended, several at a time. @category models @since 0.1.0 */
export type Write<E = never> = (entries: ReadonlyArray<JournalEntry.Entry>) => Effect.Effect<void, E>

/** Takes what has ended, and never waits. @category services @since 0.1.0 */
export class Journal extends Context.Service<Journal, {
  /** @internal */
  readonly offer: (seen: journaling.Seen) => void
  /** How many entries have been dropped so far. */
  readonly dropped: Effect.Effect<number>
}>()("fastmcp-effect/middleware/Journal") {}

/**
 * The middleware: requests of authors' code and lists, each once. What a handler calls of its own server, and the runs of
 * a task, are part of the request that began them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Middleware.Middleware<never, Journal> =>
  Middleware.make((request, next) =>
    Effect.withFiber((fiber) => {
      if (request.isTaskRun === true || fiber.getRef(Within) || request.method === "ping") return next
      const { offer } = Context.getUnsafe(fiber.context as Context.Context<Journal>, Journal)
      const clock = fiber.getRef(Clock.Clock)
      const identity = callerOf(fiber)
      const seen = journaling.see(request, identity, Identity.principal(identity), clock.currentTimeMillisUnsafe())
      const answer = Effect.updateContext(
        next,
        (context: Context.Context<never>) =>
          Context.add(
            Context.add(context, Within, true),
            RequestContext.RequestContext,
            journaling.listening(request.context, seen)
          ) as Context.Context<never>
      )
      return Effect.onExit(answer, (exit) =>
        Effect.sync(() => {
          seen.exit = exit
          seen.paused = request.context.paused
          seen.millis = clock.currentTimeMillisUnsafe() - seen.at
          offer(seen)
        }))
    })
  )

/** Whether the request is part of one that is written down. */
class Within extends Context.Reference<boolean>("fastmcp-effect/middleware/Journal/Within", {
  defaultValue: () => false
}) {}

/**
 * Entries go to `write`, one call after the other. When it fails they are dropped, and a warning in the log says so.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <E>(write: Write<E>, options?: Options): Layer.Layer<Journal> =>
  Layer.effect(Journal, writing(write, options))

/**
 * Entries go to the end of a file, one JSON object a line, which only its owner can read where it is made.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFile = (
  path: string,
  options?: Options
): Layer.Layer<Journal, PlatformError.PlatformError, FileSystem.FileSystem> =>
  Layer.effect(
    Journal,
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const file = yield* files.open(path, { flag: "a", mode: 0o600 })
      const encoder = new TextEncoder()
      return yield* writing((_, text) => file.writeAll(encoder.encode(text)), options, "20 millis")
    })
  )

/**
 * Entries stay in memory, for tests: all that were written so far are in `entries`.
 *
 * @category layers
 * @since 0.1.0
 */
export const makeMemory = (
  options?: Options
): { readonly layer: Layer.Layer<Journal>; readonly entries: Effect.Effect<ReadonlyArray<JournalEntry.Entry>> } => {
  const kept: Array<JournalEntry.Entry> = []
  return {
    layer: layer((entries) => Effect.sync(() => void kept.push(...entries)), options),
    entries: Effect.sync(() => [...kept])
  }
}

const writing = <E>(
  write: (entries: ReadonlyArray<JournalEntry.Entry>, text: string) => Effect.Effect<void, E>,
  { capacity = 4096, maxLength = 262_144, withoutSchema = "type" }: Options = {},
  linger?: Duration.Input
): Effect.Effect<Journal["Service"], never, Scope.Scope> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const waiting = yield* Queue.dropping<journaling.Seen>(Math.max(1, capacity))
    const writer = journaling.make(withoutSchema === "keep")
    let dropped = 0
    let untold = 0
    const drop = (count: number) => {
      dropped += count
      untold += count
    }

    const lineOf = (seen: journaling.Seen): ReadonlyArray<readonly [JournalEntry.Entry, string]> => {
      try {
        const entry = writer.entry(seen)
        const line = JournalEntry.encode([entry])
        if (line.length <= maxLength) return [[entry, line]]
      } catch {
        // A schema of the author's that throws: nobody can say what of it is secret.
      }
      drop(1)
      return []
    }

    const put = (batch: ReadonlyArray<journaling.Seen>): Effect.Effect<void> =>
      Effect.suspend(() => {
        const lines = batch.flatMap(lineOf)
        const told = untold
        const entries = lines.map(([entry]) => entry)
        let text = lines.map(([, line]) => line).join("")
        if (told > 0) {
          const missing: JournalEntry.Entry = { _tag: "Dropped", at: clock.currentTimeMillisUnsafe(), count: told }
          entries.unshift(missing)
          text = JournalEntry.encode([missing]) + text
        }
        untold = 0
        return entries.length === 0 ? Effect.void : Effect.catchCause(write(entries, text), (cause) => {
          drop(lines.length)
          untold += told
          return Effect.logWarning("The journal cannot be written; its entries are dropped.", cause)
        })
      })

    // What waits when the server ends is written all the same, once the fiber below has stopped.
    yield* Effect.addFinalizer(() =>
      Effect.flatMap(Effect.exit(Queue.clear(waiting)), (left) => Exit.isSuccess(left) ? put(left.value) : Effect.void)
    )
    yield* Effect.forkScoped(
      Effect.forever(Effect.flatMap(Queue.takeBetween(waiting, 1, batchSize), (batch) =>
        Effect.andThen(
          Effect.uninterruptible(put(batch)),
          linger === undefined || batch.length === batchSize ? Effect.yieldNow : Effect.sleep(linger)
        )))
    )
    return {
      offer: (seen) => {
        if (!Queue.offerUnsafe(waiting, seen)) {
          drop(1)
        }
      },
      dropped: Effect.sync(() => dropped)
    }
  })

/** Entries made and written in one go: requests go on between two. */
const batchSize = 256
