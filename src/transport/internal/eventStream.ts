/**
 * Reads server-sent events off bytes as they come, by the rules of the HTML standard. Bytes of an event that grows past
 * the limit are discarded as they arrive, so memory stays bounded however large it is, and in however small pieces it
 * comes.
 */
export interface EventStream {
  readonly push: (chunk: Uint8Array) => void
  /** The id of the last whole event that had one; an event without data counts, for it may carry nothing else. */
  readonly lastEventId: () => string | undefined
  /** Milliseconds the server asks to wait before its client comes back. */
  readonly retry: () => number | undefined
}

export const make = (options: {
  /** Of the data of one event. */
  readonly maxBytes: number
  readonly onEvent: (data: string, type: string) => void
  /** An event is too large: called as soon as it is. */
  readonly onOversize?: () => void
  /** Its end has come. How the line that made it so began and ended: a few hundred bytes of each. */
  readonly onDiscarded?: (head: string, tail: string) => void
  /** Where an earlier connection of the same stream ended. */
  readonly lastEventId?: string | undefined
  readonly retry?: number | undefined
}): EventStream => {
  const { maxBytes, onDiscarded, onEvent, onOversize } = options
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  let isFirstLine = true
  /** A line ended with a carriage return at the end of a chunk: a line feed after it is the same end. */
  let skipsLineFeed = false
  /** The start of a line whose end has not come. */
  let pending = nothing
  let pendingBytes = 0
  /** What is left of an event that is being discarded. */
  let discarding: Discarding | undefined
  let data: string | undefined
  let dataBytes = 0
  let type = ""
  let id = options.lastEventId
  let lastEventId = options.lastEventId
  let retry = options.retry

  /** `line` is as much of the line as has come. */
  const discard = (line: Uint8Array, isWhole: boolean) => {
    discarding = { head: line.slice(0, edge), tail: line.slice(-edge), isFirstLine: !isWhole, hasBegun: !isWhole }
    data = undefined
    dataBytes = 0
    pending = nothing
    pendingBytes = 0
    onOversize?.()
  }

  const dispatch = () => {
    const [eventData, eventType, discarded] = [data, type, discarding]
    lastEventId = id === "" ? undefined : id
    data = undefined
    dataBytes = 0
    type = ""
    discarding = undefined
    if (discarded !== undefined) onDiscarded?.(decoder.decode(valueOf(discarded.head)), decoder.decode(discarded.tail))
    else if (eventData !== undefined) onEvent(eventData, eventType === "" ? "message" : eventType)
  }

  const addData = (value: Uint8Array, line: Uint8Array) => {
    dataBytes += data === undefined ? value.length : value.length + 1
    if (dataBytes > maxBytes) return discard(line, true)
    const text = decoder.decode(value)
    data = data === undefined ? text : `${data}\n${text}`
  }

  const readLine = (line: Uint8Array) => {
    if (line.length === 0) return dispatch()
    if (startsWithData(line)) return addData(valueOf(line), line)
    const at = line.indexOf(colon)
    if (at === 0) return
    const value = at === -1 ? nothing : line.subarray(line[at + 1] === space ? at + 2 : at + 1)
    switch (decoder.decode(at === -1 ? line : line.subarray(0, at))) {
      case "data":
        return addData(value, line)
      case "event":
        type = decoder.decode(value)
        return
      case "id": {
        const text = decoder.decode(value)
        // The standard ignores one with U+0000; a header cannot carry the others either.
        if (!controls.test(text)) id = text
        return
      }
      case "retry": {
        const text = decoder.decode(value)
        if (/^\d+$/u.test(text)) retry = Math.min(Number(text), longestWait)
      }
    }
  }

  const keep = (bytes: Uint8Array) => {
    if (bytes.length === 0) return
    if (discarding !== undefined) return pass(discarding, bytes)
    const size = pendingBytes + bytes.length
    if (dataBytes + size > maxBytes + fieldBytes) {
      const before = pending.subarray(0, pendingBytes)
      discard(concat(before.subarray(0, edge), bytes.subarray(0, edge)), false)
      discarding!.tail = concat(before.subarray(-edge), bytes.subarray(-edge)).slice(-edge)
      return
    }
    if (size > pending.length) {
      const grown = new Uint8Array(Math.min(maxBytes + fieldBytes, Math.max(size, 2 * pending.length, smallest)))
      grown.set(pending.subarray(0, pendingBytes))
      pending = grown
    }
    pending.set(bytes, pendingBytes)
    pendingBytes = size
  }

  /** Its end has come. */
  const complete = (tail: Uint8Array) => {
    if (pendingBytes > 0 || discarding !== undefined) keep(tail)
    if (discarding !== undefined) {
      const { hasBegun } = discarding
      discarding.hasBegun = false
      discarding.isFirstLine = false
      if (!hasBegun) dispatch()
      return
    }
    let line = tail
    if (pendingBytes > 0) {
      line = pending.subarray(0, pendingBytes)
      pendingBytes = 0
      if (pending.length > largest) pending = nothing
    }
    if (isFirstLine) {
      isFirstLine = false
      if (line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) line = line.subarray(3)
    }
    readLine(line)
  }

  return {
    push: (chunk) => {
      let start = 0
      if (skipsLineFeed && chunk.length > 0) {
        skipsLineFeed = false
        if (chunk[0] === lineFeed) start = 1
      }
      let nextReturn = chunk.indexOf(carriageReturn, start)
      let nextFeed = chunk.indexOf(lineFeed, start)
      for (;;) {
        let end: number
        let next: number
        if (nextReturn !== -1 && (nextFeed === -1 || nextReturn < nextFeed)) {
          end = nextReturn
          next = end + 1
          if (next === chunk.length) skipsLineFeed = true
          else if (nextFeed === next) next++
        } else if (nextFeed !== -1) {
          end = nextFeed
          next = end + 1
        } else break
        complete(chunk.subarray(start, end))
        start = next
        if (nextReturn !== -1 && nextReturn < start) nextReturn = chunk.indexOf(carriageReturn, start)
        if (nextFeed !== -1 && nextFeed < start) nextFeed = chunk.indexOf(lineFeed, start)
      }
      keep(start === 0 ? chunk : chunk.subarray(start))
    },
    lastEventId: () => lastEventId,
    retry: () => retry
  }
}

const startsWithData = (line: Uint8Array): boolean =>
  line[0] === 0x64 && line[1] === 0x61 && line[2] === 0x74 && line[3] === 0x61 && line[4] === colon

/** Of a line of data; another has none. */
const valueOf = (line: Uint8Array): Uint8Array =>
  startsWithData(line) ? line.subarray(line[5] === space ? 6 : 5) : nothing

/** An event that is too large. */
interface Discarding {
  /** Of the line that made it so. */
  readonly head: Uint8Array
  tail: Uint8Array
  /** Whether that line goes on. */
  isFirstLine: boolean
  /** Whether the line whose end has not come has begun. */
  hasBegun: boolean
}

const pass = (discarding: Discarding, bytes: Uint8Array): void => {
  discarding.hasBegun = true
  if (!discarding.isFirstLine) return
  discarding.tail = bytes.length >= edge ? bytes.slice(-edge) : concat(discarding.tail, bytes).slice(-edge)
}

const concat = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
const colon = 0x3a
const space = 0x20

const nothing = new Uint8Array(0)

// oxlint-disable-next-line no-control-regex -- what it looks for
const controls = /[\0-\x08\x0a-\x1f\x7f]/u

/** What a line may have that is no data: a field's name, or a comment. */
const fieldBytes = 1024

/** Bytes that are kept of each end of a line that is discarded. */
const edge = 512

/** Bytes a buffer has at least, and those up to which it is used again. */
const smallest = 1024
const largest = 1 << 16

/** Milliseconds a timer can wait at most. */
const longestWait = 2 ** 31 - 1
