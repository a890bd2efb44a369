/**
 * The state of a request that asks its client (2026-07-28), sealed: the client carries it and sends it back with the
 * answers, and can neither read nor change it, nor use it for another request. Until it expires it opens as often as it
 * is sent: that a step happens only once is for the step to see to.
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import type * as Aead from "effect/crypto/Aead"
import type * as Kdf from "effect/crypto/Kdf"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AskError from "../context/AskError.ts"
import * as Seal from "../core/Seal.ts"
import type { Json } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"

// ----------------------------------------------------------------------------
// errors
// ----------------------------------------------------------------------------

/** A secret has fewer than 32 bytes. @category reasons @since 0.1.0 */
export class KeyTooShort extends Schema.TaggedClass<KeyTooShort>()("KeyTooShort", {
  /** `key`, or `previousKeys[0]`, ... */
  option: Schema.String,
  bytes: Schema.Finite
}) {
  get message(): string {
    return `${this.option} of the request state has ${this.bytes} bytes and needs at least ${Seal.minKeyBytes}; ` +
      `"openssl rand -base64 ${Seal.minKeyBytes}" makes one.`
  }
}

/** A limit nothing fits into. @category reasons @since 0.1.0 */
export class InvalidLimit extends Schema.TaggedClass<InvalidLimit>()("InvalidLimit", {
  option: Schema.Literals(["ttl", "maxBytes", "maxRounds"])
}) {
  get message(): string {
    return `${this.option} of the request state must be greater than 0.`
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([KeyTooShort, InvalidLimit])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/**
 * What is wrong with the options of a layer.
 *
 * @category errors
 * @since 0.1.0
 */
export class RequestStateError extends Schema.TaggedError<RequestStateError>(
  "fastmcp-effect/server/RequestState/RequestStateError"
)("RequestStateError", { reason: Reason }) {
  override get message(): string {
    return this.reason.message
  }
}

// ----------------------------------------------------------------------------
// service
// ----------------------------------------------------------------------------

/**
 * Seals and opens the state of requests, and says how many rounds one may take.
 *
 * @category services
 * @since 0.1.0
 */
export class RequestState extends Context.Service<RequestState, {
  /**
   * Fails with `LimitReached` when the sealed text would be too long. `binding` says what the state belongs to: method,
   * params and principal, as canonical text; the same must be given to open it.
   */
  readonly seal: (state: Json, binding: string) => Effect.Effect<string, AskError.AskError>
  /**
   * Fails with one `InvalidParams` for whatever this server did not seal for this binding, and with a message of its
   * own for what it did seal but too long ago.
   */
  readonly open: (token: string, binding: string) => Effect.Effect<Json, McpError.McpError>
  readonly maxRounds: number
}>()("fastmcp-effect/server/RequestState") {}

/** @category models @since 0.1.0 */
export interface Limits {
  /** How long a client may take over one round. 10 minutes. */
  readonly ttl?: Duration.Input | undefined
  /** The size of a state as it is sent. 64 KiB. */
  readonly maxBytes?: number | undefined
  /** How often one request may ask. 16. */
  readonly maxRounds?: number | undefined
}

/** @category models @since 0.1.0 */
export interface Options extends Limits {
  /** A secret of at least 32 bytes, the same in all processes that answer for this server. */
  readonly key: Redacted.Redacted<string | Uint8Array>
  /**
   * Secrets that open and do not seal. To rotate without a break: add the new secret here in all processes, then make
   * it `key` and the old one previous, and drop the old one once `ttl` has passed.
   */
  readonly previousKeys?: ReadonlyArray<Redacted.Redacted<string | Uint8Array>> | undefined
}

// ----------------------------------------------------------------------------
// layers
// ----------------------------------------------------------------------------

/** @category layers @since 0.1.0 */
export const layer = (options: Options): Layer.Layer<RequestState, RequestStateError> => build(fromOptions(options))

/**
 * `layer` with its options, or any of them, from configuration:
 * `layerConfig({ key: Config.Redacted("REQUEST_STATE_KEY") })`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<RequestState, RequestStateError | Config.ConfigError> =>
  build(Effect.flatMap(Config.unwrap(options), fromOptions))

/**
 * `layerRandom` with other limits.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRandomWith = (limits: Limits): Layer.Layer<RequestState, RequestStateError> =>
  build(Effect.flatMap(checked(limits), random))

/**
 * A key of this process only, which is enough for one process that clients do not outlive. The first state it seals
 * logs a warning.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRandom: Layer.Layer<RequestState> = Layer.suspend(() => build(random(defaults)))

const build = <E>(
  make: Effect.Effect<RequestState["Service"], E, Aead.Aead | Kdf.Kdf | SecureRandom.SecureRandom>
): Layer.Layer<RequestState, E> => Layer.provide(Layer.effect(RequestState, make), Seal.layerWebCrypto)

// ----------------------------------------------------------------------------
// options
// ----------------------------------------------------------------------------

interface CheckedLimits {
  /** Milliseconds. */
  readonly ttl: number
  readonly maxBytes: number
  readonly maxRounds: number
}

const defaults: CheckedLimits = { ttl: 10 * 60_000, maxBytes: 64 * 1024, maxRounds: 16 }

const checked = Effect.fnUntraced(function*(limits: Limits) {
  const { maxBytes = defaults.maxBytes, maxRounds = defaults.maxRounds } = limits
  const ttl = limits.ttl === undefined ? defaults.ttl : Duration.toMillis(limits.ttl)
  const all: CheckedLimits = { ttl, maxBytes, maxRounds }
  for (const option of ["ttl", "maxBytes", "maxRounds"] as const) {
    if (!(all[option] > 0)) return yield* new RequestStateError({ reason: new InvalidLimit({ option }) })
  }
  return all
})

const fromOptions = Effect.fnUntraced(function*(options: Options) {
  const limits = yield* checked(options)
  const current = yield* secret("key", options.key)
  const previous = yield* Effect.forEach(
    options.previousKeys ?? [],
    (key, index) => secret(`previousKeys[${index}]`, key)
  )
  return yield* make([current, ...previous], limits)
})

const secret = (
  option: string,
  key: Redacted.Redacted<string | Uint8Array>
): Effect.Effect<Uint8Array, RequestStateError> => {
  const bytes = Seal.bytesOf(key)
  return bytes.length < Seal.minKeyBytes
    ? Effect.fail(new RequestStateError({ reason: new KeyTooShort({ option, bytes: bytes.length }) }))
    : Effect.succeed(bytes)
}

const random = Effect.fnUntraced(function*(limits: CheckedLimits) {
  const { randomBytes } = yield* SecureRandom.SecureRandom
  const services = yield* Effect.context<Aead.Aead | Kdf.Kdf | SecureRandom.SecureRandom>()
  // Made when it is first needed: most servers ask nothing, and cryptography takes its time to start.
  const made = yield* Effect.flatMap(randomBytes(Seal.minKeyBytes), (secret) => make([secret], limits)).pipe(
    Effect.provideContext(services),
    Effect.uninterruptible,
    Effect.cached
  )
  let warned = false
  const warn = Effect.suspend(() => {
    if (warned) return Effect.void
    warned = true
    return Effect.logWarning(
      "A request asks its client, and its state is sealed with a key of this process only: after a restart, or on " +
        "another process, the client cannot continue. Provide RequestState.layer({ key }) with a secret of at least " +
        `${Seal.minKeyBytes} bytes, the same in all processes.`
    )
  })
  return RequestState.of({
    maxRounds: limits.maxRounds,
    seal: (state, binding) => Effect.flatMap(made, ({ seal }) => Effect.tap(seal(state, binding), warn)),
    open: (token, binding) => Effect.flatMap(made, ({ open }) => open(token, binding))
  })
})

// ----------------------------------------------------------------------------
// sealing
// ----------------------------------------------------------------------------

const expiryLength = 8

/** The first secret seals; all open. */
const make = Effect.fnUntraced(function*(
  secrets: readonly [Uint8Array, ...ReadonlyArray<Uint8Array>],
  { maxBytes, maxRounds, ttl }: CheckedLimits
) {
  const sealer = yield* Seal.make("requestState", secrets)

  const seal = Effect.fnUntraced(function*(state: Json, binding: string) {
    const body = encoder.encode(JSON.stringify(state))
    if (Seal.lengthOf(expiryLength + body.length) > maxBytes) {
      return yield* AskError.make(new AskError.LimitReached({ limit: "state size", maximum: maxBytes }))
    }
    const plain = new Uint8Array(expiryLength + body.length)
    new DataView(plain.buffer).setFloat64(0, (yield* Clock.currentTimeMillis) + ttl)
    plain.set(body, expiryLength)
    return yield* sealer.seal(plain, binding)
  })

  const open = Effect.fnUntraced(function*(token: string, binding: string) {
    const plain = token.length > maxBytes ? undefined : yield* sealer.open(token, binding)
    if (plain === undefined || plain.length < expiryLength) return yield* unusable()
    const expiry = new DataView(plain.buffer, plain.byteOffset).getFloat64(0)
    if ((yield* Clock.currentTimeMillis) >= expiry) return yield* expired()
    return JSON.parse(decoder.decode(plain.subarray(expiryLength))) as Json
  })

  return RequestState.of({ seal, open, maxRounds })
})

const startAgain = "Start the request again, without requestState and inputResponses."

const unusable = () =>
  McpError.invalidParams(
    "This requestState cannot be used: it is damaged or no longer known, or it belongs to another request or another " +
      `caller. ${startAgain}`
  )

const expired = () => McpError.invalidParams(`This requestState has expired. ${startAgain}`)

const encoder = new TextEncoder()

const decoder = new TextDecoder()
