/**
 * Whether a path is spelled as it is on disk. Some file systems take several spellings for one name: other cases, other
 * compositions, and on FAT a short one, `PRIVAT~1`. A rule about `private` is to hold for all of them, so only the first
 * is taken for the file's.
 */

export interface Names {
  /** Whether both are there and one file or folder. */
  readonly isSame: (path: string, other: string) => Promise<boolean>
  /** What a folder says is in it; undefined when there is too much. */
  readonly names: (folder: string) => Promise<ReadonlySet<string> | undefined>
}

export const isOnDisk = async ({ isSame, names }: Names, path: string): Promise<boolean> => {
  const segments = path === "" ? [] : path.split("/")
  const checks = segments.map(async (name, index) => {
    const folder = segments.slice(0, index).join("/")
    const at = (name: string) => folder === "" ? name : `${folder}/${name}`
    const other = inOtherCase(name)
    // Who takes the name in another case may take it in other ways as well.
    const isCertain = other === undefined ? !name.includes("~") : !await isSame(at(name), at(other))
    return isCertain || (await names(folder))?.has(name) === true
  })
  return (await Promise.all(checks)).every((isRight) => isRight)
}

/** Undefined for a name without a letter that has two. */
const inOtherCase = (name: string): string | undefined => {
  for (const letter of name) {
    const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
    if (other !== letter && other.length === letter.length) return name.replace(letter, other)
  }
  return undefined
}
