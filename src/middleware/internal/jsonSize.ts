/**
 * The bytes of a value as JSON in UTF-8, or something above `most` as soon as it is known to have more. The text itself
 * is not made.
 */
export const of = (value: unknown, most: number): number => {
  switch (typeof value) {
    case "string":
      // Each code unit is at least a byte.
      return value.length > most ? value.length : textSize(value)
    case "number":
      return Number.isFinite(value) ? String(value).length : 4
    case "boolean":
      return value ? 4 : 5
    case "object":
      return value === null ? 4 : Array.isArray(value) ? listSize(value, most) : recordSize(value, most)
    default:
      return 4
  }
}

const listSize = (list: ReadonlyArray<unknown>, most: number): number => {
  let size = 2 + Math.max(0, list.length - 1)
  for (const item of list) {
    size += of(item, most - size)
    if (size > most) return size
  }
  return size
}

const recordSize = (record: object, most: number): number => {
  let size = 2
  for (const [key, member] of Object.entries(record)) {
    if (member === undefined) continue
    size += (size === 2 ? 1 : 2) + textSize(key)
    size += of(member, most - size)
    if (size > most) return size
  }
  return size
}

const textSize = (text: string): number => {
  let size = text.length + 2
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit >= 0x20 && unit < 0x80) {
      if (unit === 0x22 || unit === 0x5c) size++
    } else if (unit < 0x20) size += short.has(unit) ? 1 : 5
    else if (unit < 0x800) size++
    else if (unit < 0xd800 || unit > 0xdfff) size += 2
    else if (unit < 0xdc00 && isLow(text.charCodeAt(index + 1))) {
      // Four bytes for the two of them.
      size += 2
      index++
    } else size += 5
  }
  return size
}

const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

/** \b \t \n \f \r */
const short: ReadonlySet<number> = new Set([8, 9, 10, 12, 13])
