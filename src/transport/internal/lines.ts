/**
 * Splits a byte stream into lines of bounded length. Bytes of a line that grows past the limit are discarded as they
 * arrive, so memory stays bounded however long the line is, and in however small pieces it comes.
 */
export interface Lines {
  readonly push: (chunk: Uint8Array) => void
  /** What stands after the last newline, as a line of its own. */
  readonly end: () => void
}

export const make = (options: {
  readonly maxBytes: number
  readonly onLine: (line: string) => void
  /** How the line that was discarded began and ended: a few hundred bytes of each, which overlap if it is short. */
  readonly onOversize: (head: string, tail: string) => void
}): Lines => {
  const { maxBytes, onLine, onOversize } = options
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  /** The start of a line whose end has not come. */
  let pending = nothing
  let pendingBytes = 0
  /** What is left of a line that is being discarded. */
  let discarding: Edges | undefined

  const emit = (line: string) => {
    if (line === "" || line === "\r") return
    onLine(line.charCodeAt(0) === byteOrderMark ? line.slice(1) : line)
  }

  const tooLong = (head: Uint8Array, tail: Uint8Array) => onOversize(decoder.decode(head), decoder.decode(tail))

  const keep = (tail: Uint8Array) => {
    if (tail.length === 0) return
    if (discarding !== undefined) return discard(discarding, tail)
    const size = pendingBytes + tail.length
    if (size > maxBytes) {
      discarding = { head: nothing, tail: nothing }
      discard(discarding, pending.subarray(0, pendingBytes))
      discard(discarding, tail)
      pending = nothing
      pendingBytes = 0
      return
    }
    if (size > pending.length) {
      const grown = new Uint8Array(Math.min(maxBytes, Math.max(size, 2 * pending.length, smallest)))
      grown.set(pending.subarray(0, pendingBytes))
      pending = grown
    }
    pending.set(tail, pendingBytes)
    pendingBytes = size
  }

  /** A newline has come. */
  const complete = () => {
    if (discarding !== undefined) {
      const { head, tail } = discarding
      discarding = undefined
      return tooLong(head, tail)
    }
    const line = decoder.decode(pending.subarray(0, pendingBytes))
    pendingBytes = 0
    if (pending.length > largest) pending = nothing
    emit(line)
  }

  const emitEach = (bytes: Uint8Array) => {
    for (let start = 0; start <= bytes.length;) {
      const newline = bytes.indexOf(lineFeed, start)
      const end = newline === -1 ? bytes.length : newline
      const line = bytes.subarray(start, end)
      if (line.length > maxBytes) tooLong(line.subarray(0, edge), line.subarray(-edge))
      else emit(decoder.decode(line))
      start = end + 1
    }
  }

  return {
    push: (chunk) => {
      const last = chunk.lastIndexOf(lineFeed)
      if (last === -1) return keep(chunk)
      let start = 0
      if (pendingBytes > 0 || discarding !== undefined) {
        const first = chunk.indexOf(lineFeed)
        keep(chunk.subarray(0, first))
        complete()
        start = first + 1
      }
      if (last - start > maxBytes) emitEach(chunk.subarray(start, last))
      else if (start <= last) {
        const text = decoder.decode(chunk.subarray(start, last))
        if (text.includes("\n")) { for (const line of text.split("\n")) emit(line) }
        else emit(text)
      }
      keep(chunk.subarray(last + 1))
    },
    end: () => {
      if (pendingBytes > 0 || discarding !== undefined) complete()
    }
  }
}

interface Edges {
  head: Uint8Array
  tail: Uint8Array
}

const discard = (edges: Edges, bytes: Uint8Array): void => {
  if (edges.head.length < edge) edges.head = concat(edges.head, bytes.subarray(0, edge - edges.head.length))
  edges.tail = concat(edges.tail, bytes.subarray(-edge)).subarray(-edge)
}

const concat = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

const lineFeed = 0x0a

const byteOrderMark = 0xfeff

const nothing = new Uint8Array(0)

/** Bytes that are kept of each end of a line that is discarded. */
const edge = 512

/** Bytes a buffer has at least, and those up to which it is used again. */
const smallest = 1024
const largest = 1 << 16
