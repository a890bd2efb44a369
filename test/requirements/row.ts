/** One thing MCP asks of a server, as data. */

/** The dated revisions, oldest first. */
export const revisions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"] as const

export type Revision = typeof revisions[number]

/** HTTP is what the revision calls so: in the first of them a stream by GET and messages by POST. */
export const transports = ["memory", "stdio", "http"] as const

export type Transport = typeof transports[number]

/** Both ends included; open where left out. */
export interface Range {
  readonly since?: Revision
  readonly until?: Revision
}

export const isIn = ({ since, until }: Range, revision: string): boolean =>
  (since === undefined || revision >= since) && (until === undefined || revision <= until)

/** Where the specification says it: a few words of one sentence, the same in every revision of the range. */
export interface Citation extends Range {
  /** Below the revision's folder, without extension. */
  readonly page: string
  readonly fragment: string
}

/** What a server has to have before a row can be looked at. */
export type Feature =
  | "resources"
  | "subscribe"
  | "prompts"
  | "completion"
  | "pagination"
  | "elicitation"
  | "sampling"
  | "roots"
  | "batches"

export interface Row extends Range {
  readonly id: string
  readonly role: "server"
  readonly transports: ReadonlyArray<Transport>
  /** The word of its strongest citation; `plain` where the specification says so without one. */
  readonly level: "MUST" | "SHOULD" | "MAY" | "plain"
  /** In our own words. */
  readonly sentence: string
  readonly cites: ReadonlyArray<Citation>
  readonly needs?: Feature
}

/** A row of a server, over every transport unless said otherwise. */
export const row = (
  id: string,
  level: Row["level"],
  sentence: string,
  cites: ReadonlyArray<Citation>,
  options: Range & Partial<Pick<Row, "transports" | "needs">> = {}
): Row => ({ id, role: "server", transports, level, sentence, cites, ...options })

export const cite = (page: string, fragment: string, range: Range = {}): Citation => ({ page, fragment, ...range })

/** Revisions with the handshake. */
export const stateful: Range = { until: "2025-11-25" }

/** Revisions without it. */
export const stateless: Range = { since: "2026-07-28" }

/** Revisions with Streamable HTTP and sessions. */
export const sessions: Range = { since: "2025-03-26", until: "2025-11-25" }

export const over = (...names: ReadonlyArray<Transport>): Pick<Row, "transports"> => ({ transports: names })
