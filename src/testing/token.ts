/** A run as text: its seed, and where not all of it matters, what does. */

export interface Replay {
  readonly seed: number
  /** Keys of what alone may take part; undefined for all. */
  readonly only: ReadonlySet<string> | undefined
}

/** `17` for all that a seed makes, `17~order+0.drop.client>server.4` for some of it. */
export const encode = (
  { only, seed }: { readonly seed: number; readonly only: ReadonlyArray<string> | undefined }
): string => only === undefined ? String(seed) : `${seed}~${only.join("+")}`

/** Undefined for what is no token. */
export const decode = (token: string): Replay | undefined => {
  const [seed = "", keys, more] = token.trim().split("~")
  if (!/^-?\d{1,15}$/.test(seed) || more !== undefined) return undefined
  return {
    seed: Number(seed),
    only: keys === undefined ? undefined : new Set(keys === "" ? [] : keys.split("+"))
  }
}
