/**
 * Ids nobody can guess, in the order in which they were made: the time in milliseconds and 128 random bits, in
 * hexadecimal. New ones are neighbours in an index then, and a database writes one page of it and not one for each. What
 * is random comes in portions, for to ask for 16 bytes takes as long as to ask for 1,024.
 */
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"

const randomBytes = 16

const randomDigits = 2 * randomBytes

const timeDigits = 12

const portion = 64 * randomBytes

export const make = (draw: (size: number) => Effect.Effect<Uint8Array>): Effect.Effect<string> => {
  let random = ""
  let used = 0
  const take = (now: number) => now.toString(16).padStart(timeDigits, "0") + random.slice(used, used += randomDigits)
  return Effect.clockWith((clock) => {
    const now = clock.currentTimeMillisUnsafe()
    return used < random.length ? Effect.succeed(take(now)) : Effect.map(draw(portion), (drawn) => {
      random = Hex.encode(drawn)
      used = 0
      return take(now)
    })
  })
}
