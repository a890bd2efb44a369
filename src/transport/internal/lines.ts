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
  readonly onOversize: () => void
}): Lines => {
  const { maxBytes, onLine, onOversize } = options
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  /** The start of a line whose end has not come. */
  let pending = nothing
  let pendingBytes = 0
  let discarding = false

  const emit = (line: string) => {
    if (line === "" || line === "\r") return
    onLine(line.charCodeAt(0) === byteOrderMark ? line.slice(1) : line)
  }

  const keep = (tail: Uint8Array) => {
    if (discarding || tail.length === 0) return
    const size = pendingBytes + tail.length
    if (size > maxBytes) {
      discarding = true
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
    if (discarding) {
      discarding = false
      return onOversize()
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
      if (end - start > maxBytes) onOversize()
      else emit(decoder.decode(bytes.subarray(start, end)))
      start = end + 1
    }
  }

  return {
    push: (chunk) => {
      const last = chunk.lastIndexOf(lineFeed)
      if (last === -1) return keep(chunk)
      let start = 0
      if (pendingBytes > 0 || discarding) {
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
      if (pendingBytes > 0 || discarding) complete()
    }
  }
}

const lineFeed = 0x0a

const byteOrderMark = 0xfeff

const nothing = new Uint8Array(0)

/** Bytes a buffer has at least, and those up to which it is used again. */
const smallest = 1024
const largest = 1 << 16
