/**
 * The private keys of an authorization server in a file of its own, which nobody else can read. `rotate` may be run while
 * servers run that use it: they see the next key within a minute, and it signs long after that.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import * as KeyRotation from "../oauth/server/KeyRotation.ts"
import * as SigningKeys from "../oauth/server/SigningKeys.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** How often the file is looked at. 1 minute. */
  readonly reload?: Duration.Input
}

/**
 * The keys of the file, as it is from time to time. One that cannot be used any more is told in the log, and the keys
 * that were there before go on.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFile = (
  file: string,
  { reload = "1 minute" }: Options = {}
): Layer.Layer<SigningKeys.SigningKeys, SigningKeys.SigningKeysError> =>
  Layer.effect(
    SigningKeys.SigningKeys,
    Effect.gen(function*() {
      let text = yield* read(file)
      let keys = yield* prepare(file, text)
      const look = Effect.gen(function*() {
        const next = yield* read(file)
        if (next === text) return
        keys = yield* prepare(file, next)
        text = next
      })
      yield* Effect.sleep(reload).pipe(
        Effect.andThen(look),
        Effect.catch((error) => Effect.logError("The signing keys stay as they were.", error)),
        Effect.forever,
        Effect.forkScoped
      )
      return {
        sign: (header, claims) => Effect.suspend(() => keys.sign(header, claims)),
        published: Effect.suspend(() => keys.published),
        algorithms: Effect.suspend(() => keys.algorithms),
        ring: Effect.suspend(() => keys.ring)
      }
    })
  )

/** @category models @since 0.1.0 */
export interface RotateOptions {
  /** Of the next key. ES256. */
  readonly algorithm?: SigningKeys.Algorithm
  /** As of `KeyRotation`. 1 hour. */
  readonly lead?: Duration.Input
  /** As of `KeyRotation`. 1 day. */
  readonly overlap?: Duration.Input
}

/**
 * A new file with one key, which signs at once. A file that is there is left alone.
 *
 * @category files
 * @since 0.1.0
 */
export const make = (
  file: string,
  options: Pick<RotateOptions, "algorithm"> = {}
): Effect.Effect<void, SigningKeys.SigningKeysError> =>
  Effect.flatMap(next([], options), (ring) => write(file, ring, "new"))

/**
 * The next key of an algorithm. Keys that are withdrawn leave the file. One that cannot be read is left as it is, for there
 * may be keys in it that somebody needs. Two at the same time are one too many.
 *
 * @category files
 * @since 0.1.0
 */
export const rotate = (
  file: string,
  options: RotateOptions = {}
): Effect.Effect<void, SigningKeys.SigningKeysError> =>
  Effect.gen(function*() {
    const text = yield* read(file)
    yield* prepare(file, text)
    const now = yield* Clock.currentTimeMillis
    const ring = KeyRotation.prune(yield* parse(file, text), now)
    yield* write(file, yield* next(ring, options), "instead")
  })

const next = (
  ring: SigningKeys.Ring,
  { algorithm = "ES256", lead = "1 hour", overlap = "1 day" }: RotateOptions
): Effect.Effect<SigningKeys.Ring> =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    return KeyRotation.rotate(ring, yield* SigningKeys.generate(algorithm, now), { now, lead, overlap })
  })

// ----------------------------------------------------------------------------
// the file
// ----------------------------------------------------------------------------

const failure = (file: string, text: string) => new SigningKeys.SigningKeysError({ text: `${file}: ${text}` })

const attempt = <A>(file: string, run: () => A): Effect.Effect<A, SigningKeys.SigningKeysError> =>
  Effect.try({
    try: run,
    catch: (cause) =>
      cause instanceof SigningKeys.SigningKeysError ? cause : failure(file, reasons[codeOf(cause)] ?? String(cause))
  })

const codeOf = (cause: unknown): string => String((cause as NodeJS.ErrnoException).code)

const reasons: { readonly [code: string]: string } = {
  ENOENT: "there is no such file; NodeSigningKeys.make makes one",
  EACCES: "this user may not read or write it",
  EEXIST: "it is there already; NodeSigningKeys.rotate adds a key",
  EISDIR: "it is a directory"
}

const read = (file: string): Effect.Effect<string, SigningKeys.SigningKeysError> =>
  attempt(file, () => {
    const descriptor = fs.openSync(file, "r")
    try {
      if (process.platform !== "win32" && (fs.fstatSync(descriptor).mode & 0o077) !== 0) {
        throw failure(file, `others than its owner can get at it; run: chmod 600 ${file}`)
      }
      return fs.readFileSync(descriptor, "utf8")
    } finally {
      fs.closeSync(descriptor)
    }
  })

const decode = SchemaParser.decodeUnknownResult(Schema.fromJsonString(SigningKeys.Ring))

/** Nothing of a file full of secrets is in an error. */
const parse = (file: string, text: string): Effect.Effect<SigningKeys.Ring, SigningKeys.SigningKeysError> => {
  const decoded = decode(text)
  return Result.isSuccess(decoded)
    ? Effect.succeed(decoded.success)
    : Effect.fail(failure(file, "it is no key ring, which is a JSON array of { algorithm, jwk, signsFrom }"))
}

const prepare = (file: string, text: string) =>
  Effect.flatMap(
    parse(file, text),
    (ring) => Effect.mapError(SigningKeys.make(Redacted.make(ring)), ({ text }) => failure(file, text))
  )

/** At once, or not at all. */
const write = (
  file: string,
  ring: SigningKeys.Ring,
  place: "new" | "instead"
): Effect.Effect<void, SigningKeys.SigningKeysError> =>
  attempt(file, () => {
    const draft = `${file}.${randomBytes(6).toString("hex")}.tmp`
    try {
      const descriptor = fs.openSync(draft, "wx", 0o600)
      try {
        fs.writeFileSync(descriptor, `${JSON.stringify(ring, null, 2)}\n`)
        fs.fsyncSync(descriptor)
      } finally {
        fs.closeSync(descriptor)
      }
      if (place === "instead") fs.renameSync(draft, file)
      // Which fails where there is one.
      else fs.linkSync(draft, file)
    } finally {
      fs.rmSync(draft, { force: true })
    }
  })
