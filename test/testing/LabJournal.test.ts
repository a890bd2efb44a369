import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as LabJournal from "fastmcp-effect/testing/LabJournal"
import * as branch from "./lab/branch.ts"

const journal = Effect.map(
  branch.run({
    seed: 3,
    clients: 2,
    calls: 3,
    pause: 100,
    capacity: 10_000,
    faults: [Faults.corrupt({ chance: 0.05, from: "1 second" }), Faults.restart("server1", { at: "300 millis" })]
  }),
  ({ journal }) => journal
)

describe("a journal", () => {
  it.effect("is read back as it was written, and a line that is no entry is named", () =>
    Effect.gen(function*() {
      const { count, entries } = yield* journal
      assert.strictEqual(entries.length, count)
      const tags = new Set(entries.map(({ _tag }) => _tag))
      assert.includeMembers([...tags], ["Sent", "Delivered", "Fault", "Started", "Ended", "Jumped", "Noted"])
      const text = LabJournal.encode(entries)
      assert.deepStrictEqual(LabJournal.decode(text), Result.succeed(entries))
      assert.deepStrictEqual(
        LabJournal.decode(`${text}{"_tag":"Sent"}\n`),
        Result.fail(`Line ${count + 1} is not an entry of a journal: {"_tag":"Sent"}`)
      )
    }))

  it.effect("keeps the newest, and its digest is that of all", () =>
    Effect.gen(function*() {
      const { digest, entries } = yield* journal
      const short = LabJournal.make(10)
      for (const entry of entries) short.write(entry)
      assert.deepStrictEqual(short.journal(), { entries: entries.slice(-10), count: entries.length, digest })
      const none = LabJournal.make(0)
      for (const entry of entries) none.write(entry)
      assert.deepStrictEqual(none.journal(), { entries: [], count: entries.length, digest })
      none.write(entries[0]!)
      assert.notStrictEqual(none.journal().digest, digest)
    }))

  it.effect("tells who did what, and when", () =>
    Effect.gen(function*() {
      const { entries } = yield* Effect.map(
        Lab.report(Effect.gen(function*() {
          const node = yield* Lab.node("office")
          yield* node.run(Effect.andThen(Effect.sleep("1 minute"), Effect.logInfo("opens")))
          yield* Lab.note("is content")
        })),
        ({ journal }) => journal
      )
      assert.strictEqual(
        LabJournal.story(entries),
        ["   60.000s  office  logs Info: opens", "   60.000s  test    is content"].join("\n")
      )
      assert.include(LabJournal.story(entries, { all: true }), "time goes on by 60000 ms")
    }))
})
