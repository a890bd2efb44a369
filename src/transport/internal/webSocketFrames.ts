/** What both ends of a WebSocket agree on, and do with the text in its frames. */
import type * as Arr from "effect/Array"
import type * as outbox from "./outbox.ts"

/** The name of the protocol in `Sec-WebSocket-Protocol`. */
export const subprotocol = "mcp"

/** As many frames at once as come to this many characters. */
export const sliceSize = 1 << 16

/** What is small leaves together; what is large leaves alone, and has the time limit to itself. */
export function* slices(batch: outbox.Batch): Generator<outbox.Batch> {
  if (batch.length === 1) return yield batch
  let slice: Array<string> = []
  let size = 0
  for (const frame of batch) {
    if (slice.length > 0 && size + frame.length > sliceSize) {
      yield slice as unknown as Arr.NonEmptyReadonlyArray<string>
      slice = []
      size = 0
    }
    slice.push(frame)
    size += frame.length
  }
  yield slice as unknown as Arr.NonEmptyReadonlyArray<string>
}

const encoder = new TextEncoder()

/** A character is three bytes at most, so most texts need no second look. */
export const isLongerThan = (text: string, bytes: number): boolean =>
  text.length > bytes || (3 * text.length > bytes && encoder.encode(text).length > bytes)
