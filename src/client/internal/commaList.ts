/**
 * What stands between brackets with commas: members of an object, items of a list. One is added or taken out with its
 * comma and its line, and what else is written there stays: comments, blanks, whether there is a comma after the last.
 */

export interface Span {
  readonly offset: number
  readonly end: number
}

export interface List {
  /** Behind the opening bracket. */
  readonly open: number
  /** Before the closing one. */
  readonly close: number
  readonly items: ReadonlyArray<Span>
}

export interface Layout {
  readonly eol: string
  /** What a level is indented by; undefined where all stands on one line. */
  readonly unit: string | undefined
  /** What stands behind a comma on one line. */
  readonly space: string
  /** The comment that a text begins with. */
  readonly comment: (text: string) => string | undefined
}

/** Behind the last item and the comment on its line. `write` is given the indentation of a line that is its own. */
export const add = (
  text: string,
  { close, items, open }: List,
  layout: Layout,
  write: (indent: string | undefined) => string
): string => {
  const { eol, space, unit } = layout
  const last = items.at(-1)
  if (last === undefined) {
    const start = afterComments(text, open, layout)
    if (unit === undefined) return splice(text, [{ offset: start, end: start, content: write(undefined) }])
    const indent = indentOf(text, open)
    const isOpen = /[\r\n]/.test(text.slice(start, close))
    const content = `${eol}${indent}${unit}${write(indent + unit)}${isOpen ? "" : `${eol}${indent}`}`
    return splice(text, [{ offset: start, end: isOpen ? start : close, content }])
  }
  const comma = commaIn(text, last.end, close, layout)
  const from = comma === undefined ? last.end : comma + 1
  const start = afterComments(text, from, layout)
  const isOnOwnLine = /(^|[\r\n])[ \t]*$/.test(text.slice(0, last.offset))
  const indent = indentOf(text, last.offset)
  // A line comment goes on until its line ends.
  const isNewLine = isOnOwnLine || endsWithLineComment(text.slice(from, start), layout)
  const content = `${isNewLine ? `${eol}${indent}` : space}${write(isOnOwnLine ? indent : undefined)}`
  return comma === undefined
    ? splice(text, [{ offset: last.end, end: last.end, content: "," }, { offset: start, end: start, content }])
    : splice(text, [{ offset: start, end: start, content: `${content},` }])
}

export const cut = (
  text: string,
  { close, items, open }: List,
  index: number,
  layout: Pick<Layout, "comment">
): string => {
  const { end: itemEnd, offset: start } = items[index]!
  const previous = items[index - 1]
  const next = items[index + 1]
  const after = commaIn(text, itemEnd, next?.offset ?? close, layout)
  const before = after === undefined && previous !== undefined ? commaIn(text, previous.end, start, layout) : undefined
  const isAdjacent = after !== undefined && text.slice(itemEnd, after).trim() === ""
  const end = isAdjacent ? after + 1 : itemEnd
  const commas = [before, isAdjacent ? undefined : after].filter((comma) => comma !== undefined)
  const without = (offset: number, end: number) =>
    splice(text, [...commas.map((offset) => ({ offset, end: offset + 1, content: "" })), { offset, end, content: "" }])
  const lead = text.slice(previous?.end ?? open, start)
  if (previous === undefined && next === undefined && (lead + text.slice(end, close)).trim() === "") {
    return without(open, close)
  }
  const line = /(\r\n|\n|\r)[ \t]*$/.exec(lead)?.[0].length
  const blanks = /^[ \t]*/.exec(text.slice(end))![0].length
  if (line !== undefined) {
    if (/^[\r\n]/.test(text.slice(end + blanks))) return without(start - line, end)
    const isLast = end + blanks === close
    if (isLast && !endsWithLineComment(lead.slice(0, -line), layout)) return without(start - line, end)
  }
  return line !== undefined || next !== undefined
    ? without(start, end + blanks)
    : without(start - /[ \t]*$/.exec(lead)![0].length, end)
}

export interface Edit extends Span {
  readonly content: string
}

/** Edits that do not overlap; at one place the first comes first. */
export const splice = (text: string, edits: ReadonlyArray<Edit>): string =>
  edits.toReversed().sort((a, b) => b.offset - a.offset).reduce(
    (text, { content, end, offset }) => text.slice(0, offset) + content + text.slice(end),
    text
  )

/** The blanks at the beginning of the line. */
export const indentOf = (text: string, offset: number): string => {
  const line = text.slice(0, offset).split(/[\r\n]/).at(-1)!
  return /^[ \t]*/.exec(line)![0]
}

const commaIn = (text: string, from: number, to: number, { comment }: Pick<Layout, "comment">): number | undefined => {
  for (let at = from; at < to;) {
    if (text[at] === ",") return at
    at += comment(text.slice(at, to))?.length ?? 1
  }
  return undefined
}

/** The end of the last comment that begins on this line. */
const afterComments = (text: string, offset: number, { comment }: Pick<Layout, "comment">): number => {
  let end = offset
  while (true) {
    const start = end + /^[ \t]*/.exec(text.slice(end))![0].length
    const found = comment(text.slice(start))
    if (found === undefined) return end
    end = start + found.length
  }
}

/** Of a text without items. */
const endsWithLineComment = (text: string, { comment }: Pick<Layout, "comment">): boolean => {
  let last: string | undefined
  for (let at = 0; at < text.length;) {
    const found = comment(text.slice(at))
    if (found !== undefined || text[at] === ",") last = found
    at += found?.length ?? 1
  }
  return last !== undefined && !last.startsWith("/*")
}
