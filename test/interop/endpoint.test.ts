/** One HTTP endpoint that speaks to clients of both eras and of every revision at once, in short pages. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as harness from "./harness.ts"
import * as suite from "./suite.ts"
import * as v1 from "./v1.ts"
import * as v2 from "./v2.ts"

const { outcome, text } = suite

const stateful = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] as const

interface Guest {
  readonly name: string
  readonly version: suite.Version
  readonly session: suite.Session
}

const lists = ["tools", "resources", "resourceTemplates", "prompts"] as const

/** All pages of a list, and how many items each has. */
const walk = async ({ page }: suite.Session, list: suite.List) => {
  const items: Array<suite.Listed> = []
  const sizes: Array<number> = []
  let cursor: string | undefined
  do {
    const next: suite.Page = await page(list, cursor)
    items.push(...next.items)
    sizes.push(next.items.length)
    cursor = next.nextCursor
  } while (cursor !== undefined)
  return { items, sizes }
}

/** The first page, the last, and all between. */
const expectPages = ({ items, sizes }: Awaited<ReturnType<typeof walk>>, list: suite.List) => {
  const identity = list === "resources" ? "uri" : "name"
  expect(new Set(items.map((item) => item[identity])).size).toBe(items.length)
  // The last page has what templates list as well.
  expect(sizes.slice(0, -1)).toEqual(sizes.slice(0, -1).map(() => 2))
  return items.map((item) => item[identity])
}

describe("one endpoint for both eras", () => {
  let target: harness.HttpTarget
  let guests: ReadonlyArray<Guest>

  beforeAll(async () => {
    target = await harness.startHttp({ pageSize: 2 })
    guests = await Promise.all(
      [
        ...stateful.map((version) => ({ client: v1.client, version })),
        ...[...stateful, "2026-07-28" as const].map((version) => ({ client: v2.client, version }))
      ].map(async ({ client, version }) => ({
        name: `${client.name} in ${version}`,
        version,
        session: await client.overHttp(target.url, { version, isKnown: false, isCapable: true })
      }))
    )
  }, 25_000)

  afterAll(async () => {
    for (const { session } of guests ?? []) await session.close()
    target?.signal("SIGKILL")
    await target?.ended
  }, 25_000)

  const each = <A>(f: (guest: Guest, index: number) => Promise<A>) => Promise.all(guests.map(f))

  it("answers each client in its own revision", { timeout: 5_000 }, async () => {
    expect(guests.map(({ session }) => session.version)).toEqual(guests.map(({ version }) => version))
    for (let round = 0; round < 5; round++) {
      const seen = await each(async ({ session }) => JSON.parse(text(await session.call("whoami"))).revision)
      expect(seen).toEqual(guests.map(({ version }) => version))
    }
  })

  it("keeps their sessions apart", { timeout: 5_000 }, async () => {
    const visits = await each(async ({ session }, index) => {
      for (let visit = 0; visit < index; visit++) await session.call("visitor")
      return text(await session.call("visitor"))
    })
    expect(visits).toEqual(guests.map(({ version }, index) => version === "2026-07-28" ? "-1" : String(index + 1)))
  })

  it("asks each the way of its era, and none what another was asked", { timeout: 5_000 }, async () => {
    const answers = await each(async ({ session }, index) => {
      session.answers.elicit = ({ message }) => ({
        action: "accept",
        content: { sure: message === `of ${index}` ? index : -1 }
      })
      session.answers.roots = () => ({ roots: [{ uri: `file:///${index}` }] })
      const [decision, roots] = await Promise.all([
        session.call("decide", { what: `of ${index}` }),
        session.call("where")
      ])
      return [text(decision), text(roots)]
    })
    expect(answers).toEqual(guests.map(({ version }, index) => [
      version < "2025-06-18" ? "Unsupported" : `Answered {"sure":${index}}`,
      `Answered [{"uri":"file:///${index}"}]`
    ]))
  })

  it("tells all of what one changes, each the way of its era", { timeout: 5_000 }, async () => {
    const stops = await each(({ session }) => session.watch("note://counter"))
    for (const { session: author } of [guests[0]!, guests.at(-1)!]) {
      for (const { session } of guests) session.news.length = 0
      const count = text(await author.call("bump"))
      await each(async ({ session }) => {
        await harness.until("word of the update", () => session.news.includes("note://counter"))
        expect(session.news).toEqual(["note://counter"])
        expect((await session.read("note://counter")).contents).toMatchObject([{ text: count }])
      })
    }
    await Promise.all(stops.map((stop) => stop()))
  })

  it("gives out every list in pages, the same to all", { timeout: 10_000 }, async () => {
    for (const list of lists) {
      const walked = await each(({ session }) => walk(session, list))
      const [names, ...others] = walked.map((pages) => expectPages(pages, list))
      for (const other of others) expect(other).toEqual(names)
      expect(walked.every(({ sizes }) => sizes.length > 1) || list === "resourceTemplates").toBe(true)
      // One of the clients walks the pages by itself.
      const { session } = guests.at(-1)!
      expect((await session.list(list)).map((item) => item[list === "resources" ? "uri" : "name"])).toEqual(names)
    }
  })

  it("refuses a cursor it has not given out", { timeout: 5_000 }, async () => {
    const { nextCursor } = await guests[0]!.session.page("tools")
    await each(async ({ session }) => {
      for (const [list, cursor] of [["tools", "nonsense"], ["prompts", nextCursor!]] as const) {
        expect((await outcome(session.page(list, cursor))).error).toMatchObject({ code: -32602 })
      }
    })
  })

  it("has left nobody with anything to complain about", () => {
    expect(guests.flatMap(({ name, session }) => session.complaints.map((error) => `${name}: ${error}`))).toEqual([])
  })
})

describe("pages over stdio", () => {
  for (const { client } of [v1, v2]) {
    const version = client.versions.at(-1)!
    it(`are walked by ${client.name} in ${version}`, { timeout: 25_000 }, async () => {
      const { close, session } = await suite.connectStdio(client, {
        version,
        isKnown: true,
        isCapable: true,
        pageSize: 2
      })
      try {
        for (const list of lists) {
          const pages = await walk(session, list)
          expect(expectPages(pages, list).length).toBeGreaterThan(1)
        }
        // Nobody has seen all tools on one page, and calls are checked against those that were seen.
        expect(text(await session.call("add", { a: 1, b: 2 }))).toBe("3")
        expect(session.complaints).toEqual([])
      } finally {
        await close()
      }
    })
  }
})
