/** The rules of SEP-2640 for hosts: against servers of this framework, and against servers that lie. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Ref from "effect/Ref"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Resource from "fastmcp-effect/definition/Resource"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Extension from "fastmcp-effect/server/Extension"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Skill from "fastmcp-effect/skills/Skill"
import * as Skills from "fastmcp-effect/skills/Skills"
import * as SkillSchema from "fastmcp-effect/skills/SkillSchema"
import * as SkillsClient from "fastmcp-effect/skills/SkillsClient"
import type * as SkillsClientError from "fastmcp-effect/skills/SkillsClientError"
import * as Memory from "fastmcp-effect/transport/Memory"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import { createHash } from "node:crypto"

const info = { name: "skilled", version: "1.0.0" }

const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 255])

const refunds = Skill.make("refunds", {
  prefix: "acme/billing",
  description: "Refunds a customer.",
  frontmatter: { license: "MIT", metadata: { version: "1.0", tags: ["a", { b: null }] } },
  instructions: "# Refunds\n\nSee references/FORMS.md.\n",
  files: {
    "references/FORMS.md": "\ufeff# Forms\r\n",
    "references/deep/a b#?%.txt": "ä",
    "assets/logo.png": png
  }
})

const connect = <E>(
  server: Layer.Layer<Receiver.Receiver, E>,
  options: SkillsClient.Options = {},
  client: McpClient.Options = {}
) =>
  Effect.gen(function*() {
    const connected = yield* McpClient.make({ ...client, extensions: [SkillsClient.extension] })
    return yield* SkillsClient.make(connected, options)
  }).pipe(Effect.provide(Memory.layer.pipe(Layer.provide(server))))

const serve = (skills: ReadonlyArray<Skill.Skill<never>>, options: Omit<Skills.Options<[]>, "skills"> = {}) =>
  McpServer.layer({ ...info, extensions: [Skills.extension({ ...options, skills })] })

/** Why it is refused; both errors have reasons. */
const reasonOf = <A>(
  effect: Effect.Effect<A, SkillsClientError.SkillsClientError | McpClient.CallError>
): Effect.Effect<(SkillsClientError.SkillsClientError | McpClient.CallError)["reason"], A> =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

const tagOf = <A>(effect: Effect.Effect<A, SkillsClientError.SkillsClientError | McpClient.CallError>) =>
  Effect.map(reasonOf(effect), ({ _tag }) => _tag)

// ----------------------------------------------------------------------------
// a server that says whatever a test wants
// ----------------------------------------------------------------------------

const uri = "skill://refunds/SKILL.md"

const manifest = "---\nname: refunds\ndescription: Refunds a customer.\n---\n\nDo it.\n"

const listed = (uri: string, text: string): SkillSchema.SkillResource => ({
  uri,
  digest: `sha256:${createHash("sha256").update(text).digest("hex")}`,
  size: Buffer.byteLength(text)
})

const entry = (changes: Partial<SkillSchema.SkillEntry> = {}): SkillSchema.SkillEntry => ({
  uri,
  frontmatter: { name: "refunds", description: "Refunds a customer." },
  resources: [listed(uri, manifest), listed("skill://refunds/a.md", "a")],
  ...changes
})

interface Lies {
  readonly pages?: ReadonlyArray<ReadonlyArray<unknown>>
  readonly endless?: boolean
  readonly get?: unknown
  readonly settings?: JsonRpc.JsonObject
  readonly files?: { readonly [uri: string]: string }
}

/** Serves what it is told to, and remembers which files were read. */
const lying = (
  { endless = false, files = { [uri]: manifest, "skill://refunds/a.md": "a" }, get, pages = [], settings }: Lies
) => {
  const reads: Array<string> = []
  const server = McpServer.layer({
    ...info,
    resources: Object.entries(files).map(([uri, text]) =>
      Resource.make(uri, {
        handler: Effect.sync(() => {
          reads.push(uri)
          return text
        })
      })
    ),
    extensions: [Extension.make({
      id: SkillSchema.extensionId,
      ...(settings === undefined ? undefined : { settings }),
      methods: {
        "skills/list": {
          params: McpSchema.ListParams,
          handle: ({ cursor = "0" }: typeof McpSchema.ListParams.Type) =>
            Effect.succeed({
              skills: pages[Number(cursor)] ?? [],
              ...(Number(cursor) + 1 < pages.length || endless
                ? { nextCursor: endless ? "0" : String(Number(cursor) + 1) }
                : undefined)
            })
        },
        "skills/get": { params: SkillSchema.GetSkillParams, handle: () => Effect.succeed({ skill: get }) }
      }
    })]
  })
  return { server, reads }
}

describe("a host", () => {
  for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
    it.effect(`lists, loads and reads in ${revision}, each file as its bytes are`, () =>
      Effect.gen(function*() {
        const skills = yield* connect(serve([refunds]), {}, { revision })
        const [entry, ...others] = yield* skills.list
        assert.deepStrictEqual(others, [])
        assert.strictEqual(entry!.uri, "skill://acme/billing/refunds/SKILL.md")
        assert.deepStrictEqual(yield* skills.get(entry!.uri), entry)
        const skill = yield* skills.load(entry!)
        assert.strictEqual(skill.instructions, "# Refunds\n\nSee references/FORMS.md.\n")
        const forms = yield* skill.read("references/FORMS.md")
        assert.strictEqual(forms.text, "\ufeff# Forms\r\n")
        assert.strictEqual(forms.mimeType, "text/markdown")
        const logo = yield* skill.read("assets/logo.png")
        assert.deepStrictEqual([...logo.bytes], [...png])
        assert.isUndefined(logo.text)
      }))
  }

  it.effect("finds a file however the instructions spell its path, and none that is not listed", () =>
    Effect.gen(function*() {
      const skills = yield* connect(serve([refunds, Skill.make("other", { description: "x", instructions: "x" })]))
      const [entry] = yield* skills.list
      const { read } = yield* skills.load(entry!)
      for (
        const path of [
          "references/FORMS.md",
          "./references/FORMS.md",
          "references/deep/../FORMS.md",
          "skill://acme/billing/refunds/references/FORMS.md"
        ]
      ) assert.strictEqual((yield* read(path)).text, "\ufeff# Forms\r\n", path)
      for (const path of ["references/deep/a b#?%.txt", "references/deep/a%20b%23%3F%25.txt"]) {
        assert.strictEqual((yield* read(path)).text, "ä", path)
      }
      for (
        const path of [
          "../refunds/references/FORMS.md",
          "../../../other/SKILL.md",
          "references/%2e%2e/SKILL.md",
          "skill://other/SKILL.md",
          "skill://acme/billing/refunds/../../../other/SKILL.md",
          "references",
          "references/",
          "/references/FORMS.md",
          "none.md",
          ""
        ]
      ) assert.deepInclude(yield* reasonOf(read(path)), { _tag: "NotListed", file: path }, path)
    }))

  it.effect("takes all pages, and leaves out what is no entry with a warning", () =>
    Effect.gen(function*() {
      const warnings: Array<unknown> = []
      const logger = Logger.make(({ message }) => warnings.push(message))
      const { reads, server } = lying({
        pages: [[entry()], [{ uri: 1 }, { ...entry(), resources: [{ uri, digest: "md5:1", size: 1 }] }], [entry()]]
      })
      const list = yield* Effect.flatMap(connect(server), ({ list }) => list).pipe(
        Effect.provide(Logger.layer([logger]))
      )
      assert.deepStrictEqual(list, [entry(), entry()])
      assert.lengthOf(warnings, 2)
      assert.deepStrictEqual(reads, [], "nothing is read before it is wanted")
    }))

  it.effect("gives up on a list that does not end, and on an entry that is none or another's", () =>
    Effect.gen(function*() {
      const { server } = lying({ pages: [[]], endless: true })
      assert.strictEqual(yield* Effect.flatMap(connect(server), ({ list }) => tagOf(list)), "EndlessList")
      for (const get of [{ uri }, { ...entry(), uri: "skill://other/SKILL.md" }]) {
        const skills = yield* connect(lying({ get }).server)
        assert.strictEqual(yield* tagOf(skills.get(uri)), "InvalidResponse")
      }
    }))

  it.effect("asks nothing of a server that has not declared it", () =>
    Effect.gen(function*() {
      const bare = yield* connect(McpServer.layer(info))
      assert.strictEqual(yield* tagOf(bare.list), "NotSupported")
      assert.strictEqual(yield* tagOf(bare.get(uri)), "NotSupported")
      const flat = yield* connect(lying({}).server)
      assert.strictEqual(yield* tagOf(flat.readDirectory("skill://refunds")), "NotSupported")
    }))

  it.effect("reads directories page by page", () =>
    Effect.gen(function*() {
      const skills = yield* connect(serve([refunds], { pageSize: 1 }))
      const names = yield* skills.readDirectory("skill://acme/billing/refunds")
      assert.deepStrictEqual(names.map(({ name }) => name), ["refunds", "assets", "references"])
      assert.strictEqual(yield* tagOf(skills.readDirectory("skill://acme/billing/refunds/none")), "InvalidParams")
    }))
})

describe("a skill is not loaded", () => {
  const refused = (
    title: string,
    lies: Lies,
    of: SkillSchema.SkillEntry,
    expected: object,
    reads: ReadonlyArray<string>,
    options: SkillsClient.Options = {}
  ) =>
    it.effect(title, () =>
      Effect.gen(function*() {
        const { reads: seen, server } = lying(lies)
        const skills = yield* connect(server, options)
        assert.deepInclude(yield* reasonOf(skills.load(of)), expected)
        assert.deepStrictEqual(seen, reads)
      }))

  const twice = [uri, uri]

  refused(
    "where SKILL.md is longer than listed",
    { files: { [uri]: `${manifest}more` } },
    entry(),
    { _tag: "SizeMismatch", uri, listed: manifest.length, read: manifest.length + 4 },
    twice
  )
  refused(
    "where SKILL.md has other bytes than listed, and as many",
    { files: { [uri]: manifest.replace("Do it.", "Do me!") } },
    entry(),
    { _tag: "DigestMismatch", uri },
    twice
  )
  for (
    const [what, frontmatter, fields] of [
      ["says something else", { name: "refunds", description: "Exfiltrates." }, ["description"]],
      ["lacks a field", { ...entry().frontmatter, license: "MIT" }, ["license"]],
      ["differs deep inside", { ...entry().frontmatter, metadata: { a: [1, { b: 2 }] } }, ["metadata"]]
    ] as const
  ) {
    refused(
      `where the frontmatter ${what}`,
      {},
      entry({ frontmatter }),
      { _tag: "FrontmatterMismatch", uri, fields },
      [uri]
    )
  }
  refused(
    "where the frontmatter has a field that is not listed",
    {},
    entry({
      resources: [listed(uri, manifest)],
      frontmatter: { name: "refunds", description: "Refunds a customer.", extra: null }
    }),
    { _tag: "FrontmatterMismatch", fields: ["extra"] },
    [uri]
  )
  for (const text of ["no frontmatter", "---\nname: [\n---\n", "---\n- refunds\n---\n"]) {
    refused(
      `where SKILL.md is ${JSON.stringify(text)}`,
      { files: { [uri]: text } },
      entry({ resources: [listed(uri, text)] }),
      { _tag: "InvalidFrontmatter", uri },
      [uri]
    )
  }
  for (
    const [what, changes] of [
      ["is called otherwise than its folder", { frontmatter: { name: "other", description: "x" } }],
      ["has a name that is none", {
        uri: "skill://Not_A_Name/SKILL.md",
        frontmatter: { name: "Not_A_Name", description: "x" }
      }],
      ["is at no SKILL.md", { uri: "skill://refunds/README.md" }],
      ["has a file twice", { resources: [listed(uri, manifest), listed(uri, manifest)] }],
      ["does not list its SKILL.md", { resources: [listed("skill://refunds/a.md", "a")] }],
      ["lists a file of another skill", { resources: [listed(uri, manifest), listed("skill://other/a.md", "a")] }],
      ["lists a file above it", { resources: [listed(uri, manifest), listed("skill://refunds/../a.md", "a")] }],
      ["lists a file above it in disguise", {
        resources: [listed(uri, manifest), listed("skill://refunds/%2e%2e/a.md", "a")]
      }]
    ] as ReadonlyArray<readonly [string, Partial<SkillSchema.SkillEntry>]>
  ) {
    refused(`that ${what}, and nothing of it is read`, {}, entry(changes), { _tag: "InvalidEntry" }, [])
  }
  refused("with more files than are taken", {}, entry(), { _tag: "InvalidEntry" }, [], { maxFiles: 1 })
  refused("with more bytes than are taken", {}, entry(), { _tag: "InvalidEntry" }, [], { maxBytes: manifest.length })
  refused(
    "that has no digests, unless the host wants that",
    {},
    entry({ resources: "dynamic" }),
    { _tag: "Unverifiable", uri },
    []
  )
})

it.effect("a file that has changed since is refused, and loaded with the entry as it is then", () =>
  Effect.gen(function*() {
    const text = yield* Ref.make("one")
    const skill = Skill.make("rota", {
      description: "Who is on call.",
      instructions: "See today.txt.\n",
      files: { "today.txt": Ref.get(text) }
    })
    const skills = yield* connect(serve([skill], { cache: { ttlMs: 60_000, cacheScope: "private" } }))
    const [entry] = yield* skills.list
    const loaded = yield* skills.load(entry!)
    assert.strictEqual((yield* loaded.read("today.txt")).text, "one")
    yield* Ref.set(text, "two")
    assert.strictEqual((yield* loaded.read("today.txt")).text, "one", "what was read may be kept, and still agrees")
    const fresh = yield* skills.get(entry!.uri)
    const again = yield* skills.load(fresh)
    assert.strictEqual((yield* again.read("today.txt")).text, "two", "a kept copy that does not agree is read again")
    const error = yield* Effect.flip(loaded.read("today.txt"))
    assert.strictEqual(error.reason._tag, "DigestMismatch")
    assert.isTrue((error as SkillsClientError.SkillsClientError).isStale)
  }))

it.effect("a skill without digests is loaded where the host wants that, its frontmatter still compared", () =>
  Effect.gen(function*() {
    const { reads, server } = lying({})
    const skills = yield* connect(server, { dynamic: true })
    const skill = yield* skills.load(entry({ resources: "dynamic" }))
    assert.strictEqual((yield* skill.read("a.md")).text, "a")
    assert.strictEqual(yield* tagOf(skill.read("../other/a.md")), "NotListed")
    assert.strictEqual(
      yield* tagOf(skills.load(entry({ resources: "dynamic", frontmatter: { name: "refunds", description: "x" } }))),
      "FrontmatterMismatch"
    )
    assert.deepStrictEqual(reads, [uri, "skill://refunds/a.md", uri])
  }))
