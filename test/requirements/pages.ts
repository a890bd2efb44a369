/**
 * The specification's pages as sentences. What is read is prose: paragraphs, list items, table cells and the comments of
 * the schema page; code, diagrams and front matter are not. An item of a list whose introduction demands something is a
 * sentence of its own that begins with the introduction, so that each item has to be cited.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"

export interface Sentence {
  /** As "2025-11-25". */
  readonly revision: string
  /** Below the revision, without extension: "server/tools". */
  readonly page: string
  /** The headings above it, outermost first. */
  readonly section: ReadonlyArray<string>
  /** Without markup, in one line. */
  readonly text: string
  /** Has a MUST, REQUIRED or SHALL in capitals. */
  readonly binds: boolean
}

/** The folders a specification has, oldest first; the draft is none. */
export const revisionsIn = (folder: string): ReadonlyArray<string> =>
  Fs.readdirSync(root(folder)).filter((name) => /^\d{4}-\d\d-\d\d$/.test(name)).toSorted()

export const read = (folder: string): ReadonlyArray<Sentence> =>
  revisionsIn(folder).flatMap((revision) => {
    const base = Path.join(root(folder), revision)
    return Fs.readdirSync(base, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".mdx"))
      .toSorted()
      .flatMap((file) => {
        const page = file.slice(0, -".mdx".length).split(Path.sep).join("/")
        return sentences(Fs.readFileSync(Path.join(base, file), "utf8"))
          .map((sentence) => ({ revision, page, ...sentence }))
      })
  })

const root = (folder: string) => {
  const inside = Path.join(folder, "docs/specification")
  return Fs.existsSync(inside) ? inside : folder
}

const binding = /\b(?:MUST|REQUIRED|SHALL)\b/
const demanding = /\b(?:MUST|REQUIRED|SHALL|SHOULD|RECOMMENDED|MAY)\b/

type Found = Pick<Sentence, "section" | "text" | "binds">

interface Block {
  readonly section: ReadonlyArray<string>
  /** How far a list item is indented; -1 for what is no item. */
  readonly depth: number
  readonly text: string
  /** What stands between it and the block before it. */
  readonly after: "heading" | "code" | undefined
}

interface Introduction {
  readonly depth: number
  readonly text: string
  hasItems: boolean
}

/** The sentences of one page. */
export const sentences = (page: string): ReadonlyArray<Found> => {
  const found: Array<Found> = []
  /** Introductions whose items are being read, outermost first. */
  let open: ReadonlyArray<Introduction> = []
  for (const { after, depth, section, text } of blocks(page)) {
    // Code right after an introduction is what it introduces; inside a list it is an example.
    open = depth < 0 || after === "heading"
      ? []
      : open.filter((introduction) => introduction.depth < depth && (after === undefined || introduction.hasItems))
    const parts = split(text)
    const introduction = open.at(-1)
    if (introduction !== undefined) introduction.hasItems = true
    for (const [index, part] of parts.entries()) {
      if (part.endsWith(":") && index === parts.length - 1 && demanding.test(part)) {
        open = [...open, { depth, text: part, hasItems: false }]
      }
      const whole = index === 0 && introduction !== undefined && !demanding.test(part)
        ? `${introduction.text} ${part}`
        : part
      found.push({ section, text: whole, binds: binding.test(whole) })
    }
  }
  // An introduction says nothing that its items do not say, if it has any.
  return found.filter(({ text }, index) => !(text.endsWith(":") && found[index + 1]?.text.startsWith(`${text} `)))
}

const blocks = (page: string): ReadonlyArray<Block> => {
  const found: Array<Block> = []
  const headings: Array<string> = []
  const section = () => headings.filter((heading) => heading !== undefined)
  let lines: Array<string> = []
  let depth = -1
  let fence: string | undefined
  let after: Block["after"]
  const flush = () => {
    const text = plain(lines.join(" "))
    if (text !== "") {
      found.push({ section: section(), depth, text, after })
      after = undefined
    }
    lines = []
    depth = -1
  }
  const body = page
    .replace(/^---\n.*?\n---\n/s, "")
    .replace(/\{\/\*.*?\*\/\}|<!--.*?-->/gs, "")
    // On the schema page a paragraph is an element.
    .replace(/<(?:p|li)>(.*?)<\/(?:p|li)>/gs, (_, text: string) => `\n\n${text.replaceAll("\n", " ")}\n\n`)
    .replace(/<div class="tsd-signature">.*?<\/div>/g, "")
  for (const line of body.split("\n")) {
    const mark = /^\s*(?:>\s*)?(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence !== undefined) {
      if (mark?.startsWith(fence) === true) fence = undefined
      continue
    }
    if (mark !== undefined) {
      // A list goes on after the example inside an item.
      const before = depth
      flush()
      depth = before
      fence = mark
      after ??= "code"
      continue
    }
    const heading = /^(#{1,6})\s+(.*)$/.exec(line)
    const item = /^(\s*)(?:[-*+]|\d+[.)])\s+(.*)$/.exec(line.replace(/^>\s?/, ""))
    if (heading !== null) {
      flush()
      headings.length = heading[1]!.length - 1
      headings[heading[1]!.length - 1] = plain(heading[2]!)
      after = "heading"
    } else if (/^\s*\|/.test(line)) {
      flush()
      if (/^[\s|:-]+$/.test(line)) continue
      for (const cell of line.replaceAll("\\|", "¦").split("|")) {
        lines = [cell]
        flush()
      }
    } else if (item !== null) {
      flush()
      depth = item[1]!.length
      lines = [item[2]!]
    } else if (line.trim() === "" || /^\s*<\/?[A-Za-z][^>]*>\s*$/.test(line)) {
      flush()
    } else {
      lines.push(line)
    }
  }
  flush()
  return found
}

const entities: Readonly<Record<string, string>> = {
  quot: "\"",
  amp: "&",
  lt: "<",
  gt: ">",
  nbsp: " ",
  mdash: "—",
  ndash: "–",
  "39": "'"
}

/** Text without its markup. Fragments in citations go through it too. */
export const plain = (text: string): string =>
  text
    .replace(/<[^<>]*>/g, "")
    .replace(/&#x([\dA-F]+);/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replace(/&#?(\w+);/g, (whole, name: string) => entities[name] ?? whole)
    .replace(/!?\[([^\]]*)\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*\)/g, "$1")
    .replace(/\[\]|[`*]/g, "")
    .replace(/(?<![\w/])_([^_]+)_(?![\w/])/g, "$1")
    .replace(/[“”]/g, "\"")
    .replace(/[‘’]/g, "'")
    .replace(/\s+/g, " ")
    .replace(/^>\s/, "")
    .trim()

const split = (text: string): ReadonlyArray<string> =>
  text
    .split(/(?<=[.!?]["')]?)(?<!\b(?:e\.g|i\.e|etc|vs|cf)\.)\s+(?=[A-Z"'([_])/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
