/**
 * Versions by https://semver.org, and ranges of them as npm writes them: `1`, `1.2.x`, `^1.2`, `~1.2.3`, `>=1 <3`,
 * `1 || 2`.
 */
export interface Version {
  readonly numbers: readonly [major: number, minor: number, patch: number]
  readonly pre: ReadonlyArray<string>
}

const number = "(0|[1-9]\\d{0,14})"

const version = new RegExp(
  `^v?${number}(?:\\.${number})?(?:\\.${number})?(?:-([\\dA-Za-z.-]+))?(?:\\+[\\dA-Za-z.-]+)?$`,
  "u"
)

/** What is left out at the end is 0; undefined for what is none. */
export const parse = (text: string): Version | undefined => {
  const match = version.exec(text.trim())
  if (match === null) return undefined
  const [, major, minor = "0", patch = "0", pre] = match
  return { numbers: [Number(major), Number(minor), Number(patch)], pre: pre === undefined ? [] : pre.split(".") }
}

export const compare = (a: Version, b: Version): number => {
  for (const index of [0, 1, 2] as const) {
    const difference = a.numbers[index] - b.numbers[index]
    if (difference !== 0) return difference
  }
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length
  for (let index = 0; index < Math.max(a.pre.length, b.pre.length); index++) {
    const difference = compareIdentifiers(a.pre[index], b.pre[index])
    if (difference !== 0) return difference
  }
  return 0
}

const compareIdentifiers = (a: string | undefined, b: string | undefined): number => {
  if (a === b) return 0
  if (a === undefined || b === undefined) return a === undefined ? -1 : 1
  const [isNumberA, isNumberB] = [/^\d+$/u.test(a), /^\d+$/u.test(b)]
  if (isNumberA && isNumberB) return Number(a) - Number(b)
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1
  return a < b ? -1 : 1
}

export type Range = (version: Version) => boolean

/** Undefined for what is none. A version before a release is in a range that names one of the same numbers. */
export const range = (text: string): Range | undefined => {
  const alternatives = text.split("||").map((part) => {
    const comparators = part.trim().replace(/(\^|~|>=|<=|>|<|=)\s+/gu, "$1").split(/\s+/u).filter((word) => word !== "")
    const bounds = comparators.map(bound)
    return bounds.includes(undefined) ? undefined : bounds as ReadonlyArray<Bound>
  })
  if (alternatives.includes(undefined)) return undefined
  return (version) =>
    (alternatives as ReadonlyArray<ReadonlyArray<Bound>>).some((bounds) =>
      bounds.every(({ from, isAbove, isBelow, to }) =>
        (from === undefined || (isAbove ? compare(version, from) > 0 : compare(version, from) >= 0))
        && (to === undefined || (isBelow ? compare(version, to) < 0 : compare(version, to) <= 0))
      )
      && (version.pre.length === 0 || bounds.some(({ named }) =>
        named !== undefined && named.pre.length > 0
        && named.numbers.every((number, index) => number === version.numbers[index])
      ))
    )
}

interface Bound {
  readonly from?: Version
  readonly isAbove?: boolean
  readonly to?: Version
  readonly isBelow?: boolean
  readonly named?: Version
}

const bound = (word: string): Bound | undefined => {
  const [, operator, text] = /^(\^|~|>=|<=|>|<|=)?(.*)$/su.exec(word)!
  const parts = /^v?(?:[xX*]|(\d+)(?:\.(?:[xX*]|(\d+)(?:\.(?:[xX*]|(\d+)(-[\dA-Za-z.-]+)?(?:\+[\dA-Za-z.-]+)?))?))?)$/u
    .exec(text!)
  if (parts === null) return undefined
  const known = parts.slice(1, 4).filter((part) => part !== undefined).map(Number)
  const [major = 0, minor = 0, patch = 0] = known
  const pre = parts[4]?.slice(1).split(".") ?? []
  const named: Version = { numbers: [major, minor, patch], pre }
  /** The first version behind all that begin with these numbers. */
  const behind = (count: number): Version => ({
    numbers: count === 0 ? [Infinity, 0, 0] : count === 1 ? [major + 1, 0, 0] : count === 2 ? [major, minor + 1, 0] : [
      major,
      minor,
      patch + 1
    ],
    pre: ["0"]
  })
  switch (operator) {
    case "^": {
      const first = known.findIndex((part) => part > 0)
      return { from: named, to: behind(first < 0 ? known.length : first + 1), isBelow: true, named }
    }
    case "~":
      return { from: named, to: behind(Math.min(known.length, 2)), isBelow: true, named }
    case ">=":
      return { from: named, named }
    case ">":
      return known.length === 3 ? { from: named, isAbove: true, named } : { from: behind(known.length), named }
    case "<":
      return { to: known.length === 3 ? named : { ...named, pre: ["0"] }, isBelow: true, named }
    case "<=":
      return known.length === 3 ? { to: named, named } : { to: behind(known.length), isBelow: true, named }
    default:
      return known.length === 3
        ? { from: named, to: named, named }
        : { from: named, to: behind(known.length), isBelow: true, named }
  }
}
