/**
 * How names of several servers stand beside each other: each begins with its server's prefix, and no prefix begins with
 * another, so that a name says by itself whose it is.
 */
import * as ClientGroupError from "../ClientGroupError.ts"

export interface Options {
  readonly prefix: (server: string) => string
  /** Infinity for none. */
  readonly maxLength: number
  readonly shorten: boolean
}

/** Whose names begin with what. */
export interface Owner {
  readonly name: string
  readonly prefix: string
}

/** Why a server cannot join the others; undefined where it can. */
export const refusal = (
  { maxLength, shorten }: Options,
  { name, prefix }: Owner,
  others: Iterable<Owner>
): ClientGroupError.ClientGroupError | undefined => {
  const invalid = (message: string) =>
    ClientGroupError.make(new ClientGroupError.InvalidPrefix({ server: name, prefix, message }))
  if (prefix === "") return invalid("it has to say whose names they are")
  const room = maxLength - (shorten ? tailLength : 1)
  if (prefix.length > room) return invalid(`with names of at most ${maxLength} characters it may have ${room}`)
  for (const other of others) {
    if (other.name === name) return ClientGroupError.make(new ClientGroupError.ServerExists({ server: name }))
    if (other.prefix.startsWith(prefix) || prefix.startsWith(other.prefix)) {
      return ClientGroupError.make(
        new ClientGroupError.PrefixTaken({
          server: name,
          prefix,
          other: other.name,
          otherPrefix: other.prefix
        })
      )
    }
  }
  return undefined
}

export interface Exposed<A> {
  readonly items: ReadonlyArray<A>
  /** What each is called by its own server. */
  readonly originals: ReadonlyMap<string, string>
  readonly problems: ReadonlyArray<ClientGroupError.ClientGroupError>
}

/** A server's list, with the names it has here. */
export const expose = <A extends { readonly name: string }>(
  { maxLength, shorten }: Options,
  prefix: string,
  kind: ClientGroupError.Kind,
  listed: ReadonlyArray<A>
): Exposed<A> => {
  const items: Array<A> = []
  const originals = new Map<string, string>()
  const problems: Array<ClientGroupError.ClientGroupError> = []
  for (const item of listed) {
    const { name } = item
    const whole = prefix + name
    const isLong = whole.length > maxLength
    if (isLong && !shorten) {
      problems.push(
        ClientGroupError.make(new ClientGroupError.NameTooLong({ kind, name: whole, limit: maxLength }))
      )
      continue
    }
    const as = isLong ? shortened(whole, maxLength) : whole
    if (originals.has(as)) {
      problems.push(ClientGroupError.make(new ClientGroupError.NameTaken({ kind, name, as })))
      continue
    }
    originals.set(as, name)
    items.push({ ...item, name: as })
  }
  return { items, originals, problems }
}

/** Whether only a list can tell what a name was before it was shortened. */
export const isShortened = ({ maxLength, shorten }: Options, name: string): boolean =>
  shorten && name.length === maxLength

const tailLength = 8

/** As much of a name as there is room for, and a hash of the whole. */
const shortened = (name: string, maxLength: number): string =>
  `${name.slice(0, maxLength - tailLength)}_${hash(name).toString(36).padStart(tailLength - 1, "0")}`

/** FNV-1a, 32 bits: the same in every process, and less than 36 to the seventh. */
const hash = (text: string): number => {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return state >>> 0
}
