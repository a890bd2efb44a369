/**
 * Where the middleware `Idempotency` keeps what became of calls that have a key. In memory it is forgotten with the
 * process; in Redis or a database (`ReceiptStoreRedis`, `ReceiptStoreSql`) it outlives it, and all that share it run a
 * call once together. Nothing makes room for anything else: what has no room is refused before it begins.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as receipts from "./internal/receipts.ts"

/** A call, or the next round of one that has asked its client. @category models @since 0.1.0 */
export interface Call {
  /** Tells it from another call under the same key. */
  readonly fingerprint: string
  /** What the client goes on with; undefined for the call itself. */
  readonly round: string | undefined
  /** How long it is sure to be running if nobody says that it is. */
  readonly leaseMillis: number
  /** How long it is kept what became of it. */
  readonly ttlMillis: number
  /** Begins again where nobody knows how it ended. */
  readonly isHarmless: boolean
}

/**
 * - `Begun`: it is the caller's to run, and to end.
 * - `Done`: how it ended before, or what it has asked. The text is undefined where it was too large.
 * - `Running`: somebody else runs it.
 * - `Unknown`: it was begun, and nobody runs it any more.
 * - `Conflict`: the key is another call's.
 *
 * @category models
 * @since 0.1.0
 */
export type Begun =
  | { readonly _tag: "Begun"; readonly run: string }
  | { readonly _tag: "Done"; readonly text: string | undefined }
  | { readonly _tag: "Running" }
  | { readonly _tag: "Unknown" }
  | { readonly _tag: "Conflict" }

/**
 * - `Done`: with a result or a refusal, as text, if it was not too large.
 * - `Asked`: with a question; the call goes on with `next`.
 * - `Unknown`: half way, perhaps.
 * - `Undone`: nothing was done, and it may begin again.
 *
 * @category models
 * @since 0.1.0
 */
export type Ended =
  | { readonly _tag: "Done"; readonly text: string | undefined }
  | { readonly _tag: "Asked"; readonly text: string | undefined; readonly next: string }
  | { readonly _tag: "Unknown" }
  | { readonly _tag: "Undone" }

/** The store does not answer, or has no room. @category errors @since 0.1.0 */
export class ReceiptsUnavailable
  extends Schema.TaggedError<ReceiptsUnavailable>("fastmcp-effect/middleware/ReceiptStore/ReceiptsUnavailable")(
    "ReceiptsUnavailable",
    { cause: Schema.optionalKey(Schema.Defect()) }
  )
{
  override get message(): string {
    return "The store of the receipts does not answer or is full; try again later."
  }
}

/** @category models @since 0.1.0 */
export interface Operations {
  /** Decides and writes in one step. */
  readonly begin: (key: string, call: Call) => Effect.Effect<Begun, ReceiptsUnavailable>
  /** Says that a run goes on; false where it is not the key's any more. */
  readonly renew: (key: string, run: string, leaseMillis: number) => Effect.Effect<boolean, ReceiptsUnavailable>
  /** The same for its end, which also counts after its time was over, unless another run has begun. */
  readonly end: (
    key: string,
    run: string,
    ended: Ended,
    ttlMillis: number
  ) => Effect.Effect<boolean, ReceiptsUnavailable>
}

/** @category services @since 0.1.0 */
export class ReceiptStore extends Context.Service<
  ReceiptStore,
  Operations & {
    /** The same for all that share it, and another one when it was emptied. */
    readonly id: string
    /** A text that is larger is not kept, but that it was. */
    readonly maxItemBytes: number
    /** Runs on when its caller has gone, until it has ended or the store closes. */
    readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  }
>()("fastmcp-effect/middleware/ReceiptStore") {}

/** What a store of one's own is made of. @category models @since 0.1.0 */
export interface Backend {
  /** See `ReceiptStore`; `candidate` is a new one. */
  readonly id: (candidate: string) => Effect.Effect<string, ReceiptsUnavailable>
  readonly begin: (key: string, call: Call, run: string) => Effect.Effect<Begun, ReceiptsUnavailable>
  readonly renew: Operations["renew"]
  readonly end: Operations["end"]
}

/** Of one result as JSON in UTF-8: 1 MiB. @category constants @since 0.1.0 */
export const maxItemBytes = 1_048_576

/**
 * A store over a backend, which has keys, fingerprints and rounds as digests of one length.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  backend: Backend,
  mostBytes: number = maxItemBytes
): Effect.Effect<ReceiptStore["Service"], ReceiptsUnavailable, Scope.Scope> =>
  Effect.gen(function*() {
    if (!Number.isSafeInteger(mostBytes) || mostBytes < 1) {
      throw new Error("maxItemBytes of the receipts is not a whole number from 1.")
    }
    const { digest } = yield* Digest.Digest
    const { randomBytes } = yield* SecureRandom.SecureRandom
    const newId = Effect.map(randomBytes(16), Base64Url.encode)
    const short = (text: string) => Effect.map(digest(Digest.sha256, encoder.encode(text)), Base64Url.encode)
    return ReceiptStore.of({
      id: yield* Effect.flatMap(newId, backend.id),
      maxItemBytes: mostBytes,
      begin: Effect.fnUntraced(function*(key, call) {
        return yield* backend.begin(
          yield* short(key),
          {
            ...call,
            fingerprint: yield* short(call.fingerprint),
            round: call.round === undefined ? undefined : yield* short(call.round)
          },
          yield* newId
        )
      }),
      renew: (key, run, leaseMillis) => Effect.flatMap(short(key), (key) => backend.renew(key, run, leaseMillis)),
      end: Effect.fnUntraced(function*(key, run, ended, ttlMillis) {
        return yield* backend.end(
          yield* short(key),
          run,
          ended._tag === "Asked" ? { ...ended, next: yield* short(ended.next) } : ended,
          ttlMillis
        )
      }),
      fork: (yield* FiberSet.makeRuntime<never, any, any>()) as ReceiptStore["Service"]["fork"]
    })
  }).pipe(
    Effect.provide(Layer.merge(Digest.layerWebCrypto, SecureRandom.layerWebCrypto))
  )

const encoder = new TextEncoder()

/** @category models @since 0.1.0 */
export interface Options {
  /** Calls it keeps at one time, each for as long as its `ttl`: 100,000 when left out. What comes then is refused. */
  readonly maxKeys?: number
  /** Of all results, as UTF-16: 256 MiB when left out. */
  readonly maxBytes?: number
  /** Of one result, as JSON in UTF-8: 1 MiB when left out. */
  readonly maxItemBytes?: number
}

/**
 * In the memory of this process, for as long as the layer lives. A server that starts anew knows nothing of the calls
 * before.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (options: Options = {}): Layer.Layer<ReceiptStore> =>
  Layer.effect(
    ReceiptStore,
    Effect.gen(function*() {
      const { maxBytes = 268_435_456, maxKeys = 100_000 } = options
      for (const most of [maxBytes, maxKeys]) {
        if (!Number.isSafeInteger(most) || most < 1) {
          throw new Error("A limit of the receipts is a whole number from 1.")
        }
      }
      const clock = yield* Clock.Clock
      const records = new Map<string, receipts.Record>()
      let bytes = 0

      const write = (key: string, record: receipts.Record, now: number) => {
        bytes -= sizeOf(records.get(key))
        if (record.expires <= now) return void records.delete(key)
        bytes += sizeOf(record)
        // Those that were written last stand last.
        records.delete(key)
        records.set(key, record)
      }

      const hasRoom = () => records.size < maxKeys && bytes < maxBytes

      let sweptAt = -Infinity
      const sweep = (now: number) => {
        for (const [key, record] of records) {
          if (record.expires > now) break
          write(key, record, now)
        }
        // Some may be kept for longer than those behind them.
        if (hasRoom() || now - sweptAt < sweepMillis) return
        sweptAt = now
        for (const [key, record] of records) if (record.expires <= now) write(key, record, now)
      }

      return yield* make({
        id: Effect.succeed,
        begin: (key, call, run) =>
          Effect.suspend(() => {
            const now = clock.currentTimeMillisUnsafe()
            const found = records.get(key)
            if (found === undefined) {
              sweep(now)
              if (!hasRoom()) return Effect.fail(new ReceiptsUnavailable({}))
            }
            const [begun, record] = receipts.begin(found, call, run, now)
            if (record !== undefined) write(key, record, now)
            return Effect.succeed(begun)
          }),
        renew: (key, run, leaseMillis) =>
          Effect.sync(() => {
            const now = clock.currentTimeMillisUnsafe()
            const record = receipts.renew(records.get(key), run, leaseMillis, now)
            if (record !== undefined) write(key, record, now)
            return record !== undefined
          }),
        end: (key, run, ended, ttlMillis) =>
          Effect.sync(() => {
            const now = clock.currentTimeMillisUnsafe()
            const record = receipts.end(records.get(key), run, ended, ttlMillis, now)
            if (record !== undefined) write(key, record, now)
            return record !== undefined
          })
      }, options.maxItemBytes).pipe(Effect.orDie)
    })
  )

/** Between two looks at all of them, where there is no room. */
const sweepMillis = 1000

const sizeOf = (record: receipts.Record | undefined): number => 2 * (record?.text?.length ?? 0)
