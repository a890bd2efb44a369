/** The specification's sentences against the rows that cite them and the reasons for those that none does. */
import { plain, type Sentence } from "./pages.ts"
import { type Citation, isIn, type Range, revisions, type Row } from "./row.ts"

/** A sentence, a section or a page that no row is about, and why. */
export interface Unclaimed extends Range {
  readonly why: string
  /** The page, or the start of several with `*` at the end; every page when left out. */
  readonly page?: string
  /** A heading above the sentence. */
  readonly section?: string
  /** A part of the sentence, or what matches it. */
  readonly sentence?: string | RegExp
}

export interface Comparison {
  /** Sentences that bind, by revision. */
  readonly binding: ReadonlyMap<string, number>
  readonly cited: ReadonlyMap<string, number>
  /** Sentences by the reason nobody cites them. */
  readonly excused: ReadonlyMap<string, ReadonlyArray<Sentence>>
  readonly uncited: ReadonlyArray<Sentence>
  /** Citations and reasons that match nothing. */
  readonly stale: ReadonlyArray<string>
}

const matches = ({ fragment, page }: Citation, sentence: Sentence) =>
  sentence.page === page && sentence.text.includes(plain(fragment))

/** The revisions a citation of a row is about. */
export const revisionsOf = (row: Row, cite: Citation): ReadonlyArray<string> =>
  revisions.filter((revision) => isIn(row, revision) && isIn(cite, revision))

const excuses = (entry: Unclaimed, sentence: Sentence) =>
  isIn(entry, sentence.revision) &&
  (entry.page === undefined || entry.page === sentence.page ||
    (entry.page.endsWith("*") && sentence.page.startsWith(entry.page.slice(0, -1)))) &&
  (entry.section === undefined || sentence.section.includes(entry.section)) &&
  (entry.sentence === undefined ||
    (typeof entry.sentence === "string"
      ? sentence.text.includes(plain(entry.sentence))
      : entry.sentence.test(sentence.text)))

export const compare = (
  sentences: ReadonlyArray<Sentence>,
  rows: ReadonlyArray<Row>,
  unclaimed: ReadonlyArray<Unclaimed>
): Comparison => {
  const stale: Array<string> = []
  const claimed = new Set<Sentence>()
  const strength = { MUST: /\b(?:MUST|REQUIRED|SHALL)\b/, SHOULD: /\b(?:SHOULD|RECOMMENDED)\b/, MAY: /\bMAY\b/ }
  for (const row of rows) {
    const found: Array<Sentence> = []
    for (const cite of row.cites) {
      const of = revisionsOf(row, cite)
      if (of.length === 0) stale.push(`${row.id}: "${cite.fragment}" is cited for no revision of the row`)
      for (const revision of of) {
        const there = sentences.filter((sentence) => sentence.revision === revision && matches(cite, sentence))
        if (there.length === 0) stale.push(`${row.id}: ${revision} ${cite.page} does not say "${cite.fragment}"`)
        found.push(...there)
      }
    }
    for (const sentence of found) claimed.add(sentence)
    if (row.level !== "plain" && !found.some(({ text }) => strength[row.level as keyof typeof strength].test(text))) {
      stale.push(`${row.id}: is ${row.level}, and no sentence it cites says so`)
    }
  }
  const binding = new Map<string, number>()
  const cited = new Map<string, number>()
  const excused = new Map<string, Array<Sentence>>()
  const uncited: Array<Sentence> = []
  const used = new Set<Unclaimed>()
  for (const sentence of sentences) {
    if (!sentence.binds) continue
    const { revision } = sentence
    binding.set(revision, (binding.get(revision) ?? 0) + 1)
    if (claimed.has(sentence)) {
      cited.set(revision, (cited.get(revision) ?? 0) + 1)
      continue
    }
    const entry = unclaimed.find((entry) => excuses(entry, sentence))
    if (entry === undefined) uncited.push(sentence)
    else {
      used.add(entry)
      excused.set(entry.why, [...excused.get(entry.why) ?? [], sentence])
    }
  }
  for (const entry of unclaimed) {
    if (!used.has(entry)) {
      const { page = "every page", section, sentence } = entry
      stale.push(`unclaimed: nothing is left to excuse at ${[page, section, sentence].filter(Boolean).join(" > ")}`)
    }
  }
  return { binding, cited, excused, uncited, stale }
}
