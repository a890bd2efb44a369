/**
 * What a host does with skills, in both eras: it lists them, loads one when it is wanted, and gets nothing that does not
 * agree with what was listed. Exits with 1 if anything is not so.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as SkillsClient from "fastmcp-effect/skills/SkillsClient"
import * as Memory from "fastmcp-effect/transport/Memory"
import assert from "node:assert/strict"
import { Desk, OnCall } from "./server.ts"

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const rota = yield* Ref.make("Ada")
    // A file that the server lets clients keep for a while would still agree below, for it would be the old one.
    const client = yield* McpClient.make({ revision, extensions: [SkillsClient.extension], cache: false }).pipe(
      Effect.provide(Memory.layer.pipe(Layer.provide(Desk), Layer.provide(Layer.succeed(OnCall, rota))))
    )
    const skills = yield* SkillsClient.make(client)

    const entries = yield* skills.list
    assert.deepEqual(entries.map(({ frontmatter, uri }) => [frontmatter.name, uri]), [
      ["house-style", "skill://house-style/SKILL.md"],
      ["refunds", "skill://support/refunds/SKILL.md"],
      ["escalation", "skill://escalation/SKILL.md"]
    ])
    const [, refunds, escalation] = entries
    assert.ok(refunds !== undefined && escalation !== undefined)
    assert.deepEqual(refunds.frontmatter.metadata, { owner: "support" })

    // The instructions speak of a file, which is relative to the folder of the SKILL.md.
    const skill = yield* skills.load(refunds)
    assert.match(skill.instructions, /^# Refunds/)
    assert.match((yield* skill.read("references/letter.md")).text ?? "", /^Dear \{name\}/)
    const resources = yield* skills.readDirectory("skill://support/refunds")
    assert.deepEqual(resources.map(({ mimeType, name }) => [name, mimeType]), [
      ["refunds", "text/markdown"],
      ["references", "inode/directory"]
    ])

    // What has changed since it was listed is refused; with the entry as it is now it can be read again.
    const read = (entry: typeof escalation) => Effect.flatMap(skills.load(entry), ({ read }) => read("rota/today.txt"))
    assert.equal((yield* read(escalation)).text, "Ada")
    yield* Ref.set(rota, "Grace")
    const stale = yield* Effect.flip(read(escalation))
    assert.equal(stale.reason._tag, "SizeMismatch")
    assert.equal((yield* read(yield* skills.get(escalation.uri))).text, "Grace")

    for (const path of ["../../escalation/SKILL.md", "%2e%2e/house-style/SKILL.md", "none.md"]) {
      const refused = yield* Effect.flip(skill.read(path))
      assert.equal(refused.reason._tag, "NotListed")
    }
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: three skills, each file as it was listed`)
}
