/**
 * Ids nobody can guess, in the order in which they were made: the time in milliseconds and 128 random bits, in
 * hexadecimal. New ones are neighbours in an index then, and a database writes one page of it and not one for each. What
 * is random comes in portions, for to ask for 16 bytes takes as long as to ask for 1,024.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"

const randomBytes = 16

const timeDigits = 12

const portion = 64 * randomBytes

export const make = (draw: (size: number) => Effect.Effect<Uint8Array>): Effect.Effect<string> => {
  let bytes: Uint8Array = new Uint8Array(0)
  let used = 0
  const take = (now: number) =>
    now.toString(16).padStart(timeDigits, "0") + Hex.encode(bytes.subarray(used, used += randomBytes))
  const more = (now: number) =>
    Effect.map(draw(portion), (drawn) => {
      bytes = drawn
      used = 0
      return take(now)
    })
  return Effect.flatMap(
    Clock.currentTimeMillis,
    (now) => used < bytes.length ? Effect.succeed(take(now)) : more(now)
  )
}
