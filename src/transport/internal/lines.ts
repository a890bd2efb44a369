/**
 * Splits a byte stream into lines of bounded length. Bytes of a line that grows past the limit are discarded as they
 * arrive, so memory stays bounded however long the line is.
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
  const decoder = new TextDecoder()
  let pending: Array<Uint8Array> = []
  let pendingBytes = 0
  let discarding = false

  const emit = (line: string) => {
    if (line === "" || line === "\r") return
    // A character takes at most three bytes for each UTF-16 unit, so most lines need no count.
    if (line.length * 3 > maxBytes && new TextEncoder().encode(line).length > maxBytes) onOversize()
    else onLine(line)
  }

  const complete = (head: Uint8Array) => {
    if (discarding) {
      discarding = false
      return onOversize()
    }
    if (pending.length === 0) return emit(decoder.decode(head))
    const line = new Uint8Array(pendingBytes + head.length)
    let offset = 0
    for (const part of pending) {
      line.set(part, offset)
      offset += part.length
    }
    line.set(head, offset)
    pending = []
    pendingBytes = 0
    emit(decoder.decode(line))
  }

  const keep = (tail: Uint8Array) => {
    if (discarding || tail.length === 0) return
    pendingBytes += tail.length
    if (pendingBytes > maxBytes) {
      discarding = true
      pending = []
      pendingBytes = 0
    } else {
      pending.push(tail)
    }
  }

  return {
    push: (chunk) => {
      const last = chunk.lastIndexOf(newline)
      if (last === -1) return keep(chunk)
      let start = 0
      if (pending.length > 0 || discarding) {
        const first = chunk.indexOf(newline)
        complete(chunk.subarray(0, first))
        start = first + 1
      }
      if (start <= last) {
        const text = decoder.decode(chunk.subarray(start, last))
        if (text.includes("\n")) for (const line of text.split("\n")) emit(line)
        else emit(text)
      }
      keep(chunk.subarray(last + 1))
    },
    end: () => {
      if (pending.length > 0 || discarding) complete(new Uint8Array(0))
    }
  }
}

const newline = 0x0a
