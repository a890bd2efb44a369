/**
 * What a host does with skills, in both eras: it lists them, loads one when it is wanted, and uses nothing that does not
 * agree with what was listed. Exits with 1 if anything is not so.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as SkillSchema from "fastmcp-effect/skills/SkillSchema"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { Desk, OnCall } from "./server.ts"

const listed = Schema.decodeUnknownEffect(SkillSchema.ListSkillsResult)
const got = Schema.decodeUnknownEffect(SkillSchema.GetSkillResult)
const directory = Schema.decodeUnknownEffect(SkillSchema.ReadDirectoryResult)

/** A file of a skill, if its bytes are those of the entry. */
const load = Effect.fnUntraced(function*(client: McpTest.Client, entry: SkillSchema.SkillEntry, uri: string) {
  assert.ok(entry.resources !== "dynamic")
  const resource = entry.resources.find((resource) => resource.uri === uri)
  assert.ok(resource !== undefined, `${uri} is no file of ${entry.uri}`)
  const [content] = (yield* client.readResource(uri)).contents
  assert.ok(content !== undefined && "text" in content)
  const bytes = Buffer.from(content.text)
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`
  return { text: content.text, agrees: bytes.length === resource.size && digest === resource.digest }
})

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const rota = yield* Ref.make("Ada")
    const client = yield* McpTest.client(Layer.provide(Desk, Layer.succeed(OnCall, rota)), { revision })

    const { skills } = yield* listed(yield* client.request("skills/list"))
    assert.deepEqual(skills.map(({ frontmatter, uri }) => [frontmatter.name, uri]), [
      ["house-style", "skill://house-style/SKILL.md"],
      ["refunds", "skill://support/refunds/SKILL.md"],
      ["escalation", "skill://escalation/SKILL.md"]
    ])
    const [, refunds, escalation] = skills
    assert.ok(refunds !== undefined && escalation !== undefined)
    assert.deepEqual(refunds.frontmatter.metadata, { owner: "support" })

    const manifest = yield* load(client, refunds, refunds.uri)
    assert.ok(manifest.agrees)
    assert.match(manifest.text, /^---\nname: refunds\n[^]*# Refunds/)

    // The instructions speak of a file, which is relative to the folder of the SKILL.md.
    const root = refunds.uri.slice(0, -"/SKILL.md".length)
    const letter = yield* load(client, refunds, `${root}/references/letter.md`)
    assert.ok(letter.agrees)
    assert.match(letter.text, /^Dear \{name\}/)

    const { resources } = yield* directory(yield* client.request("resources/directory/read", { uri: root }))
    assert.deepEqual(resources.map(({ mimeType, name }) => [name, mimeType]), [
      ["refunds", "text/markdown"],
      ["references", "inode/directory"]
    ])

    // What has changed since it was listed is not used; the entry is fetched again first.
    const today = "skill://escalation/rota/today.txt"
    assert.ok((yield* load(client, escalation, today)).agrees)
    yield* Ref.set(rota, "Grace")
    assert.ok(!(yield* load(client, escalation, today)).agrees)
    const { skill } = yield* got(yield* client.request("skills/get", { uri: escalation.uri }))
    assert.deepEqual(yield* load(client, skill, today), { text: "Grace", agrees: true })

    for (const uri of [`${root}/../../escalation/SKILL.md`, `${root}/%2e%2e/house-style/SKILL.md`, `${root}/none.md`]) {
      yield* Effect.flip(client.readResource(uri))
      const refused = yield* Effect.flip(client.request("skills/get", { uri }))
      assert.equal(refused.reason._tag, "InvalidParams")
    }
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: three skills, each file as it was listed`)
}
