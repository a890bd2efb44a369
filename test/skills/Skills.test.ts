/** The rules of SEP-2640 for servers, one by one, over the wire of each revision. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Identity from "fastmcp-effect/context/Identity"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Resource from "fastmcp-effect/definition/Resource"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpError from "fastmcp-effect/protocol/McpError"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Skill from "fastmcp-effect/skills/Skill"
import * as SkillError from "fastmcp-effect/skills/SkillError"
import * as Skills from "fastmcp-effect/skills/Skills"
import * as SkillSchema from "fastmcp-effect/skills/SkillSchema"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import { createHash } from "node:crypto"
import * as wires from "../server/wires.ts"

const info = { name: "skilled", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 255])

const refunds = Skill.make("refunds", {
  prefix: "acme/billing",
  description: "Refunds a customer.",
  frontmatter: { license: "MIT", metadata: { version: "1.0" } },
  instructions: "# Refunds\n\nSee references/FORMS.md.\n",
  files: {
    "references/FORMS.md": "\ufeff# Forms\r\n",
    "references/deep/a b#?%.txt": "ä",
    "assets/logo.png": png,
    "LICENSE": "MIT"
  }
})

const greeting = Skill.make("greeting", { description: "Greets.", instructions: "Say hello.\n" })

type Server = Layer.Layer<Receiver.Receiver, SkillError.SkillError | DefinitionError.DefinitionError>

const serve = (
  skills: ReadonlyArray<Skill.Skill<never>>,
  options: Omit<Skills.Options<[]>, "skills"> = {},
  server: Partial<McpServer.Options<[], [], [], [], []>> = {}
): Server => McpServer.layer({ ...info, ...server, extensions: [Skills.extension({ ...options, skills })] })

const connect = (
  skills: ReadonlyArray<Skill.Skill<never>>,
  options: Omit<Skills.Options<[]>, "skills"> = {},
  test: McpTest.Options = {}
) => McpTest.client(serve(skills, options), test)

const decodeEntries = Schema.decodeUnknownEffect(Schema.Array(SkillSchema.SkillEntry))

/** All pages of a method, and how many there were. */
const pages = Effect.fnUntraced(function*<A>(
  client: McpTest.Client,
  method: string,
  key: string,
  params: JsonRpc.JsonObject = {}
) {
  const items: Array<A> = []
  let count = 0
  let cursor: JsonRpc.Json | undefined
  do {
    const page: JsonRpc.JsonObject = yield* client.request(
      method,
      cursor === undefined ? params : { ...params, cursor }
    )
    items.push(...page[key] as unknown as ReadonlyArray<A>)
    count++
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return { items, count }
})

const listSkills = (client: McpTest.Client) =>
  Effect.flatMap(pages(client, "skills/list", "skills"), ({ items }) => Effect.orDie(decodeEntries(items)))

const getSkill = (client: McpTest.Client, uri: string) =>
  Effect.flatMap(
    client.request("skills/get", { uri }),
    ({ skill }) => Effect.map(Effect.orDie(decodeEntries([skill])), ([entry]) => entry!)
  )

const readDirectory = (client: McpTest.Client, uri: string) =>
  Effect.map(
    pages<McpSchema.Resource>(client, "resources/directory/read", "resources", { uri }),
    ({ items }) => items
  )

/** The raw bytes a host would verify. */
const bytesOf = (client: McpTest.Client, uri: string) =>
  Effect.map(client.readResource(uri), ({ contents: [content, ...others] }) => {
    assert.deepStrictEqual(others, [])
    assert.strictEqual(content!.uri, uri)
    return "text" in content! ? new TextEncoder().encode(content.text) : Result.getOrThrow(Base64.decode(content!.blob))
  })

const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`

/** Verifies each file as a host has to. */
const verify = Effect.fnUntraced(function*(client: McpTest.Client, entry: SkillSchema.SkillEntry) {
  assert.isArray(entry.resources)
  for (const { digest, size, uri } of entry.resources as ReadonlyArray<SkillSchema.SkillResource>) {
    const bytes = yield* bytesOf(client, uri)
    assert.deepStrictEqual({ uri, digest, size }, { uri, digest: digestOf(bytes), size: bytes.length })
  }
})

const refusal = (effect: Effect.Effect<unknown, McpError.McpError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

const isRefused = Effect.fnUntraced(function*(client: McpTest.Client, method: string, params: JsonRpc.JsonObject) {
  const reason = yield* refusal(client.request(method, params))
  const { error } = JSON.parse((yield* client.frames).at(-1)!)
  assert.strictEqual(error.code, -32602, JSON.stringify(params))
  return reason
})

for (const revision of versions) {
  describe(`skills in ${revision}`, () => {
    const open = (options: Omit<Skills.Options<[]>, "skills"> = {}) =>
      connect([refunds, greeting], options, { revision })

    it.effect("are announced inline, beside the resources they are made of", () =>
      Effect.gen(function*() {
        const capabilities = (client: McpTest.Client) =>
          revision === "2026-07-28"
            ? Effect.map(
              client.request("server/discover"),
              ({ capabilities }) => capabilities as McpSchema.ServerCapabilities
            )
            : Effect.map(
              client.frames,
              ([first]) => JSON.parse(first!).result.capabilities as McpSchema.ServerCapabilities
            )
        const full = yield* capabilities(yield* open())
        assert.deepStrictEqual(full.extensions, { "io.modelcontextprotocol/skills": { directoryRead: true } })
        assert.isDefined(full.resources)
        const plain = yield* capabilities(yield* open({ directoryRead: false }))
        assert.deepStrictEqual(plain.extensions, { "io.modelcontextprotocol/skills": {} })
      }))

    it.effect("are listed with frontmatter, digests and sizes, and each file verifies", () =>
      Effect.gen(function*() {
        const client = yield* open()
        const entries = yield* listSkills(client)
        assert.deepStrictEqual(entries.map(({ frontmatter, uri }) => ({ uri, frontmatter })), [
          {
            uri: "skill://acme/billing/refunds/SKILL.md",
            frontmatter: {
              name: "refunds",
              description: "Refunds a customer.",
              license: "MIT",
              metadata: { version: "1.0" }
            }
          },
          { uri: "skill://greeting/SKILL.md", frontmatter: { name: "greeting", description: "Greets." } }
        ])
        const [first, second] = entries.map(({ resources }) =>
          (resources as ReadonlyArray<SkillSchema.SkillResource>).map(({ uri }) => uri)
        )
        assert.deepStrictEqual(first, [
          "skill://acme/billing/refunds/SKILL.md",
          "skill://acme/billing/refunds/references/FORMS.md",
          "skill://acme/billing/refunds/references/deep/a%20b%23%3F%25.txt",
          "skill://acme/billing/refunds/assets/logo.png",
          "skill://acme/billing/refunds/LICENSE"
        ])
        assert.deepStrictEqual(second, ["skill://greeting/SKILL.md"])
        for (const entry of entries) yield* verify(client, entry)
      }))

    it.effect("are got one by one, as they are listed, and without a cursor", () =>
      Effect.gen(function*() {
        const client = yield* open()
        for (const entry of yield* listSkills(client)) {
          assert.deepStrictEqual(yield* getSkill(client, entry.uri), entry)
        }
        const result = yield* client.request("skills/get", { uri: "skill://greeting/SKILL.md" })
        assert.notProperty(result, "nextCursor")
      }))

    it.effect("that are not there are invalid params", () =>
      Effect.gen(function*() {
        const client = yield* open()
        const wrong = [
          "skill://nobody/SKILL.md",
          "skill://greeting",
          "skill://greeting/",
          "skill://greeting/skill.md",
          "skill://greeting/SKILL.md/",
          "skill://greeting/./SKILL.md",
          "skill://acme/../greeting/SKILL.md",
          "skill://acme/billing/refunds/references/FORMS.md",
          "SKILL://greeting/SKILL.md",
          "other://greeting/SKILL.md",
          "greeting",
          ""
        ]
        for (const uri of wrong) {
          const reason = yield* isRefused(client, "skills/get", { uri })
          assert.deepStrictEqual(
            reason,
            new McpError.InvalidParams({
              message: `No skill has its SKILL.md at ${JSON.stringify(uri)}.`,
              data: { uri }
            })
          )
        }
        for (const params of [{}, { uri: 1 }, { uri: null }]) yield* isRefused(client, "skills/get", params)
      }))

    it.effect("say how long they stay fresh, where the revision knows of it", () =>
      Effect.gen(function*() {
        const hints = Effect.fnUntraced(function*(cache: McpSchema.CacheHints | undefined) {
          const client = yield* McpTest.client(
            serve([greeting], { cache }, { cacheHints: { ttlMs: 7, cacheScope: "private" } }),
            { revision }
          )
          const results = [
            yield* client.request("skills/list"),
            yield* client.request("skills/get", { uri: "skill://greeting/SKILL.md" }),
            yield* client.request("resources/read", { uri: "skill://greeting/SKILL.md" })
          ]
          const [first, ...others] = results.map(({ cacheScope, ttlMs }) => ({ ttlMs, cacheScope }))
          for (const other of others) assert.deepStrictEqual(other, first)
          for (const result of results) {
            assert.strictEqual(result.resultType, revision === "2026-07-28" ? "complete" : undefined)
            assert.notProperty(result, "cacheHints")
          }
          return first
        })
        const none = { ttlMs: undefined, cacheScope: undefined }
        const isNew = revision === "2026-07-28"
        assert.deepStrictEqual(yield* hints(undefined), isNew ? { ttlMs: 7, cacheScope: "private" } : none)
        const cache = { ttlMs: 300_000, cacheScope: "public" } as const
        assert.deepStrictEqual(yield* hints(cache), isNew ? cache : none)
      }))

    it.effect("are a resource each, with the frontmatter's name and description, and a template for their files", () =>
      Effect.gen(function*() {
        const client = yield* open()
        const [manifest, ...others] = yield* client.listResources
        assert.deepInclude(manifest, {
          uri: "skill://acme/billing/refunds/SKILL.md",
          name: "refunds",
          description: "Refunds a customer.",
          mimeType: "text/markdown"
        })
        assert.notProperty(manifest, "_meta")
        assert.deepStrictEqual(others.map(({ uri }) => uri), ["skill://greeting/SKILL.md"])
        assert.deepStrictEqual(
          (yield* client.listResourceTemplates).map(({ uriTemplate }) => uriTemplate),
          ["skill://acme/billing/refunds/{+file}"]
        )
      }))

    it.effect("are read as text or data, each file of its own type", () =>
      Effect.gen(function*() {
        const client = yield* open()
        const read = (path: string) =>
          Effect.map(client.readResource(`skill://acme/billing/refunds/${path}`), ({ contents: [content] }) => {
            const { uri: _, ...rest } = content!
            return rest
          })
        assert.deepStrictEqual(yield* read("references/FORMS.md"), {
          mimeType: "text/markdown",
          text: "\ufeff# Forms\r\n"
        })
        assert.deepStrictEqual(yield* read("references/deep/a%20b%23%3F%25.txt"), { mimeType: "text/plain", text: "ä" })
        assert.deepStrictEqual(yield* read("assets/logo.png"), { mimeType: "image/png", blob: Base64.encode(png) })
        assert.deepStrictEqual(yield* read("LICENSE"), { mimeType: "text/plain", text: "MIT" })
        const manifest = yield* read("SKILL.md")
        assert.strictEqual(manifest.mimeType, "text/markdown")
        assert.match((manifest as { readonly text: string }).text, /^---\nname: "refunds"\n/u)
      }))

    it.effect("are left by no path", () =>
      Effect.gen(function*() {
        const client = yield* open()
        const directory = "skill://acme/billing/refunds/references"
        const paths = [
          "..",
          "../",
          "../greeting/SKILL.md",
          "../../../greeting/SKILL.md",
          "references/../../greeting/SKILL.md",
          "%2e%2e/greeting/SKILL.md",
          "%2E%2E%2Fgreeting%2FSKILL.md",
          "..%2f..%2f..%2fetc%2fpasswd",
          "..%5c..%5cgreeting",
          "%252e%252e/greeting/SKILL.md",
          "references/%2e%2e/%2e%2e/%2e%2e/greeting/SKILL.md",
          "/etc/passwd",
          "%2fetc%2fpasswd",
          "LICENSE%00.md",
          "LICENSE/",
          "./LICENSE",
          "references",
          "references/",
          "skill.md",
          "nobody.md"
        ]
        const uris = [
          ...paths.map((path) => `skill://acme/billing/refunds/${path}`),
          "skill://../greeting/SKILL.md",
          "skill:///SKILL.md",
          "skill://",
          "skill:greeting/SKILL.md"
        ]
        for (const uri of uris) {
          yield* refusal(client.readResource(uri))
          const { error } = JSON.parse((yield* client.frames).at(-1)!)
          assert.include(revision === "2026-07-28" ? [-32602] : [-32602, -32002], error.code, uri)
          if (uri !== directory) yield* isRefused(client, "resources/directory/read", { uri })
        }
        assert.notInclude((yield* client.frames).join(), "Say hello")
      }))

    it.effect("have directories, with what is in each and not what is below", () =>
      Effect.gen(function*() {
        const client = yield* open()
        const list = (uri: string) =>
          Effect.map(readDirectory(client, uri), (resources) =>
            resources.map(({ mimeType, name, uri }) => [uri, name, mimeType]))
        const root = "skill://acme/billing/refunds"
        const directory = (uri: string, name: string) => [uri, name, "inode/directory"]
        assert.deepStrictEqual(yield* list(root), [
          [`${root}/LICENSE`, "LICENSE", "text/plain"],
          [`${root}/SKILL.md`, "refunds", "text/markdown"],
          directory(`${root}/assets`, "assets"),
          directory(`${root}/references`, "references")
        ])
        assert.deepStrictEqual(yield* list(`${root}/references`), [
          [`${root}/references/FORMS.md`, "FORMS.md", "text/markdown"],
          directory(`${root}/references/deep`, "deep")
        ])
        assert.deepStrictEqual(yield* list(`${root}/references/deep`), [
          [`${root}/references/deep/a%20b%23%3F%25.txt`, "a b#?%.txt", "text/plain"]
        ])
        assert.deepStrictEqual(yield* list("skill://acme/billing"), [directory(root, "refunds")])
        assert.deepStrictEqual(yield* list("skill://acme"), [directory("skill://acme/billing", "billing")])
        const [, manifest] = yield* readDirectory(client, root)
        assert.deepStrictEqual(
          manifest,
          (yield* client.listResources).find(({ uri }) =>
            uri === manifest!.uri
          ),
          "files carry their ordinary metadata"
        )
      }))

    it.effect("have no directory where there is a file, or nothing", () =>
      Effect.gen(function*() {
        const client = yield* open()
        const uris = [
          "skill://greeting/SKILL.md",
          "skill://acme/billing/refunds/LICENSE",
          "skill://acme/billing/refunds/nothing",
          "skill://acme/billing/refunds/",
          "skill://acme/billing/refunds/references/..",
          "skill://acme/../acme",
          "skill://",
          "skill:///",
          "test://acme",
          ""
        ]
        for (const uri of uris) {
          const reason = yield* isRefused(client, "resources/directory/read", { uri })
          assert.deepStrictEqual((reason as McpError.InvalidParams).data, { uri })
        }
        yield* isRefused(client, "resources/directory/read", {})
      }))

    it.effect("have no directories when the server does not declare them", () =>
      Effect.gen(function*() {
        const client = yield* open({ directoryRead: false })
        yield* refusal(client.request("resources/directory/read", { uri: "skill://greeting" }))
        assert.strictEqual(JSON.parse((yield* client.frames).at(-1)!).error.code, -32601)
        assert.lengthOf(yield* listSkills(client), 2)
      }))
  })
}

describe("pages", () => {
  const many = Array.from(
    { length: 7 },
    (_, index) =>
      Skill.make(`skill-${index}`, {
        description: "One of many.",
        instructions: "",
        files: { "a.md": "a", "b.md": "b" }
      })
  )

  it.effect("of skills have each once, whole, and end", () =>
    Effect.gen(function*() {
      for (const [pageSize, wanted] of [[1, 7], [2, 4], [3, 3], [7, 1], [100, 1]] as const) {
        const client = yield* connect(many, { pageSize })
        const { count, items } = yield* pages<SkillSchema.SkillEntry>(client, "skills/list", "skills")
        assert.strictEqual(count, wanted)
        assert.deepStrictEqual(items.map(({ frontmatter }) => frontmatter.name), many.map(({ name }) => name))
        for (const { resources } of items) assert.lengthOf(resources, 3)
      }
    }))

  it.effect("of a directory have each child once, and end", () =>
    Effect.gen(function*() {
      const files = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`f${index}/x`, ""]))
      const client = yield* connect([Skill.make("wide", { description: "d", instructions: "", files })], {
        pageSize: 4
      })
      const { count, items } = yield* pages<McpSchema.Resource>(client, "resources/directory/read", "resources", {
        uri: "skill://wide"
      })
      assert.strictEqual(count, 2)
      assert.deepStrictEqual(items.map(({ uri }) => uri.slice("skill://wide/".length)), [
        "SKILL.md",
        "f0",
        "f1",
        "f2",
        "f3",
        "f4"
      ])
    }))

  it.effect("are reached by the cursors of their own list alone", () =>
    Effect.gen(function*() {
      const client = yield* connect(many, { pageSize: 1 })
      const cursorOf = (method: string, params: JsonRpc.JsonObject = {}) =>
        Effect.map(client.request(method, params), ({ nextCursor }) => nextCursor as string)
      const ofSkills = yield* cursorOf("skills/list")
      const uri = "skill://skill-0"
      const ofDirectory = yield* cursorOf("resources/directory/read", { uri })
      for (const cursor of ["", "1", "nonsense", `${ofSkills}=`, ofDirectory]) {
        yield* isRefused(client, "skills/list", { cursor })
      }
      for (const cursor of ["", "nonsense", ofSkills]) {
        yield* isRefused(client, "resources/directory/read", { uri, cursor })
      }
      yield* isRefused(client, "resources/directory/read", { uri: "skill://skill-1", cursor: ofDirectory })
      yield* isRefused(client, "skills/list", { cursor: 1 })
    }))

  it.effect("may be none", () =>
    Effect.gen(function*() {
      const client = yield* connect([])
      assert.deepStrictEqual(yield* pages(client, "skills/list", "skills"), { items: [], count: 1 })
    }))

  it.effect("have at least one entry", () =>
    Effect.gen(function*() {
      for (const pageSize of [0, -1, 1.5, NaN]) {
        const error = yield* Effect.flip(Skills.extension({ skills: [], pageSize }))
        assert.match(error.message, /pageSize is a whole number of at least 1/u)
      }
    }))
})

describe("skills that are read by effects", () => {
  class Disk extends Context.Service<Disk, Ref.Ref<string>>()("test/skills/Disk") {}

  const read = Disk.use(Ref.get)

  const live = Skill.make("live", {
    description: "Changes.",
    instructions: "See state.txt.\n",
    files: {
      "state.txt": read,
      "state.bin": { contents: Effect.map(read, (text) => new TextEncoder().encode(text)), mimeType: "image/png" }
    }
  })

  const uri = "skill://live/SKILL.md"

  const setup = Effect.fnUntraced(function*(...skills: ReadonlyArray<Skill.Skill<Disk>>) {
    const disk = yield* Ref.make("one")
    const server = McpServer.layer({ ...info, extensions: [Skills.extension({ skills })] })
    const client = yield* McpTest.client(Layer.provide(server, Layer.succeed(Disk, disk)))
    return { client, write: (text: string) => Ref.set(disk, text) }
  })

  it.effect("have digests of what is there when they are listed, which agree with the next read", () =>
    Effect.gen(function*() {
      const { client, write } = yield* setup(live)
      const [before] = yield* listSkills(client)
      yield* verify(client, before!)
      yield* write("another two")
      const after = yield* getSkill(client, uri)
      yield* verify(client, after)
      assert.notDeepEqual(after, before)
      const [content] = (yield* client.readResource("skill://live/state.txt")).contents
      assert.deepStrictEqual(content, { uri: "skill://live/state.txt", mimeType: "text/plain", text: "another two" })
      const [data] = (yield* client.readResource("skill://live/state.bin")).contents
      assert.deepStrictEqual(data, {
        uri: "skill://live/state.bin",
        mimeType: "image/png",
        blob: Base64.encode("another two")
      })
      const [, bin, txt] = yield* readDirectory(client, "skill://live")
      assert.deepStrictEqual([bin, txt], [
        { uri: "skill://live/state.bin", name: "state.bin", mimeType: "image/png" },
        { uri: "skill://live/state.txt", name: "state.txt", mimeType: "text/plain" }
      ])
    }))

  it.effect("may have their instructions from one", () =>
    Effect.gen(function*() {
      const { client, write } = yield* setup(Skill.make("live", { description: "Changes.", instructions: read }))
      yield* write("Do this.")
      const [content] = (yield* client.readResource(uri)).contents
      assert.strictEqual(
        (content as { readonly text: string }).text,
        "---\nname: \"live\"\ndescription: \"Changes.\"\n---\n\nDo this."
      )
      yield* verify(client, yield* getSkill(client, uri))
    }))

  it.effect("have no digests when they say that they are dynamic, and are read all the same", () =>
    Effect.gen(function*() {
      const dynamic = Skill.make("live", {
        description: "Changes.",
        dynamic: true,
        instructions: "",
        files: { "state.txt": read }
      })
      const { client } = yield* setup(dynamic)
      const [entry] = yield* listSkills(client)
      assert.deepStrictEqual(entry, {
        uri,
        frontmatter: { name: "live", description: "Changes." },
        resources: "dynamic"
      })
      assert.deepStrictEqual(yield* getSkill(client, uri), entry)
      assert.deepStrictEqual(yield* bytesOf(client, "skill://live/state.txt"), new TextEncoder().encode("one"))
      assert.lengthOf(yield* readDirectory(client, "skill://live"), 2)
    }))

  it.effect("refuse a request they cannot answer", () =>
    Effect.gen(function*() {
      const broken = Skill.make("broken", {
        description: "Fails.",
        instructions: "",
        files: { "a.txt": Effect.fail(McpError.invalidRequest("the disk is full")) }
      })
      const client = yield* connect([broken])
      for (const request of [client.request("skills/list"), client.readResource("skill://broken/a.txt")]) {
        assert.deepStrictEqual(yield* refusal(request), new McpError.InvalidRequest({ message: "the disk is full" }))
      }
      assert.lengthOf((yield* client.readResource("skill://broken/SKILL.md")).contents, 1)
    }))

  it.effect("are no longer listed when they grow over the limit, for a reason that only the log has", () =>
    Effect.gen(function*() {
      const { client, write } = yield* setup(live)
      yield* write("x".repeat(8 * 1024 * 1024))
      const reason = yield* refusal(client.request("skills/get", { uri }))
      assert.strictEqual(reason._tag, "InternalError")
      assert.notInclude((yield* client.frames).at(-1)!, "bytes")
    }))
})

describe("a skill inside another one", () => {
  const inner = Skill.make("inner", {
    prefix: "outer",
    description: "Inside.",
    instructions: "Inner.\n",
    files: { "a.md": "a" }
  })
  const outer = Skill.make("outer", { description: "Outside.", instructions: "Outer.\n", files: { "b.md": "b" } })

  const urisOf = ({ resources }: SkillSchema.SkillEntry) =>
    (resources as ReadonlyArray<SkillSchema.SkillResource>).map(({ uri }) => uri)

  it.effect("has an entry of its own, and its files belong to both", () =>
    Effect.gen(function*() {
      for (const skills of [[outer, inner], [inner, outer]]) {
        const client = yield* connect(skills)
        const entries = yield* listSkills(client)
        const [ofOuter, ofInner] = [outer, inner].map(({ path }) =>
          entries.find(({ uri }) => uri === `skill://${path}/SKILL.md`)!
        )
        const innerUris = ["skill://outer/inner/SKILL.md", "skill://outer/inner/a.md"]
        assert.deepStrictEqual(urisOf(ofInner!), innerUris)
        assert.deepStrictEqual(urisOf(ofOuter!), ["skill://outer/SKILL.md", "skill://outer/b.md", ...innerUris])
        for (const entry of entries) yield* verify(client, entry)
        assert.deepStrictEqual((yield* readDirectory(client, "skill://outer")).map(({ name }) => name), [
          "outer",
          "b.md",
          "inner"
        ])
        const [, manifest] = yield* readDirectory(client, "skill://outer/inner")
        assert.deepInclude(yield* readDirectory(client, "skill://outer/inner"), manifest!)
        assert.deepStrictEqual(
          (yield* readDirectory(client, "skill://outer/inner")).find(({ uri }) => uri === innerUris[0])?.description,
          "Inside."
        )
      }
    }))

  it.effect("may be among the outer one's files already, if they are the same", () =>
    Effect.gen(function*() {
      const [manifest] = inner.files
      const files = { "inner/SKILL.md": (manifest!.body as Skill.Body).bytes, "inner/a.md": "a" }
      const whole = Skill.make("outer", { description: "Outside.", instructions: "", files })
      const client = yield* connect([whole, inner])
      const [entry] = yield* listSkills(client)
      assert.strictEqual(new Set(urisOf(entry!)).size, 3)
      assert.lengthOf(urisOf(entry!), 3)
      const other = Skill.make("outer", { description: "", instructions: "", files: { "inner/a.md": "other" } })
      const error = yield* Effect.flip(connect([{ ...other, ...whole, files: other.files }, inner]))
      assert.deepStrictEqual(
        (error as SkillError.SkillError).reason,
        new SkillError.Conflict({ uri: "skill://outer/inner/a.md", skills: ["outer", "outer/inner"] })
      )
    }))

  it.effect("makes the outer one dynamic if it is", () =>
    Effect.gen(function*() {
      const client = yield* connect([outer, { ...inner, dynamic: true }])
      assert.deepStrictEqual((yield* listSkills(client)).map(({ resources }) => resources), ["dynamic", "dynamic"])
      const other = yield* connect([{ ...outer, dynamic: true }, inner])
      assert.deepStrictEqual(
        (yield* listSkills(other)).map(({ resources }) => typeof resources === "string"),
        [true, false]
      )
    }))

  it.effect("cannot be where the outer one has a file", () =>
    Effect.gen(function*() {
      const blocked = Skill.make("outer", { description: "d", instructions: "", files: { inner: "a file" } })
      const error = yield* Effect.flip(connect([blocked, inner]))
      assert.match(error.message, /inner is a file/u)
    }))
})

describe("who may not see a skill", () => {
  const secret = Skill.make("secret", {
    prefix: "team",
    description: "Secret.",
    instructions: "The plan.\n",
    files: { "plan/b.md": "b" },
    visible: ({ identity }) => identity.subject === "ann"
  })

  const as = (subject: string | undefined, server: Server = serve([secret, greeting], { pageSize: 1 })) =>
    McpTest.client(
      subject === undefined
        ? server
        : Layer.provide(server, Layer.succeed(Identity.CurrentIdentity, Identity.make({ subject })))
    )

  const uris = [
    ["skills/get", "skill://team/secret/SKILL.md"],
    ["resources/read", "skill://team/secret/SKILL.md"],
    ["resources/read", "skill://team/secret/plan/b.md"],
    ["resources/directory/read", "skill://team"],
    ["resources/directory/read", "skill://team/secret"],
    ["resources/directory/read", "skill://team/secret/plan"]
  ] as const

  it.effect("cannot tell it from none", () =>
    Effect.gen(function*() {
      const client = yield* as(undefined)
      assert.deepStrictEqual((yield* listSkills(client)).map(({ frontmatter }) => frontmatter.name), ["greeting"])
      const nobody = yield* as(undefined, serve([greeting]))
      for (const [method, uri] of uris) {
        const told = yield* refusal(client.request(method, { uri }))
        assert.deepStrictEqual(told, yield* refusal(nobody.request(method, { uri })), `${method} ${uri}`)
      }
      assert.notInclude((yield* client.frames).join(), "Secret.")
    }))

  it.effect("cannot when the server hides its SKILL.md, either", () =>
    Effect.gen(function*() {
      const plain: Skill.Skill<never> = { ...secret, visible: undefined }
      const hidden = serve([plain, greeting], {}, {
        visible: (definition) =>
          !(Resource.isResource(definition)
            ? definition.uri
            : "uriTemplate" in definition
            ? definition.uriTemplate
            : "")
            .startsWith("skill://team/")
      })
      const client = yield* as(undefined, hidden)
      assert.lengthOf(yield* listSkills(client), 1)
      for (const [method, uri] of uris) yield* refusal(client.request(method, { uri }))
      const open = yield* as(undefined, serve([plain]))
      for (const [method, uri] of uris) yield* open.request(method, { uri })
    }))
})

describe("a server refuses", () => {
  const refused = (...skills: ReadonlyArray<Skill.Skill<never>>) =>
    Effect.map(Effect.flip(connect(skills)), (error) => {
      assert.instanceOf(error, SkillError.SkillError)
      return error
    })

  const withFiles = (files: { readonly [path: string]: string | Uint8Array }) =>
    Skill.make("large", { description: "Large.", instructions: "", files })

  it.effect("a skill that is wrong, and says why", () =>
    Effect.gen(function*() {
      const { message } = yield* refused(greeting, Skill.make("Bad", { description: "d", instructions: "" }))
      assert.match(message, /^The frontmatter of Bad\/SKILL\.md is wrong: name is 1 to 64/u)
    }))

  it.effect("two skills at one place", () =>
    Effect.gen(function*() {
      const { message, reason } = yield* refused(greeting, refunds, greeting)
      assert.deepStrictEqual(reason, new SkillError.Duplicate({ uri: "skill://greeting/SKILL.md" }))
      assert.strictEqual(message, "Two skills are at skill://greeting/SKILL.md; give one of them another prefix")
    }))

  it.effect("a resource that is where a skill is", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(McpTest.client(McpServer.layer({
        ...info,
        resources: [Resource.text("skill://greeting/SKILL.md", "mine")],
        extensions: [Skills.extension({ skills: [greeting] })]
      })))
      assert.strictEqual(error.reason._tag, "Duplicate")
    }))

  it.effect("more than 512 files, SKILL.md counted", () =>
    Effect.gen(function*() {
      const files = (count: number) =>
        Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}.txt`, ""]))
      const client = yield* connect([withFiles(files(511))])
      const [entry] = yield* listSkills(client)
      assert.lengthOf(entry!.resources, 512)
      const { message, reason } = yield* refused(withFiles(files(512)))
      assert.deepStrictEqual(reason, new SkillError.LimitExceeded({ skill: "large", limit: "files", maximum: 512 }))
      assert.strictEqual(message, "The skill large has more than 512 files; hosts may refuse it")
    }))

  it.effect("more than 16 MiB in all", () =>
    Effect.gen(function*() {
      const [manifest] = withFiles({}).files
      const rest = 16 * 1024 * 1024 - (manifest!.body as Skill.Body).bytes.length
      const half = new Uint8Array(8 * 1024 * 1024)
      yield* connect([withFiles({ "a.bin": half, "b.bin": new Uint8Array(rest - half.length) })])
      const { reason } = yield* refused(withFiles({ "a.bin": half, "b.bin": new Uint8Array(rest - half.length + 1) }))
      assert.deepStrictEqual(
        reason,
        new SkillError.LimitExceeded({ skill: "large", limit: "bytes", maximum: 16_777_216 })
      )
    }))

  it.effect("what the effect that finds the skills fails with", () =>
    Effect.gen(function*() {
      const failure = SkillError.make(new SkillError.Unreadable({ path: "/skills", text: "gone" }))
      const error = yield* Effect.flip(McpTest.client(McpServer.layer({
        ...info,
        extensions: [Skills.extension({ skills: Effect.fail(failure) })]
      })))
      assert.strictEqual(error, failure)
    }))
})

describe("two skills of one name", () => {
  it.effect("are served, and the log says what that means", () =>
    Effect.gen(function*() {
      const logs: Array<unknown> = []
      const logger = Logger.make(({ message }) => void logs.push(message))
      const other = Skill.make("greeting", { prefix: "acme", description: "Greets, too.", instructions: "" })
      const client = yield* McpTest.client(Layer.provide(serve([greeting, other]), Logger.layer([logger])))
      assert.deepStrictEqual((yield* listSkills(client)).map(({ uri }) => uri), [
        "skill://greeting/SKILL.md",
        "skill://acme/greeting/SKILL.md"
      ])
      assert.deepStrictEqual(logs.flat(), [
        "Several skills are called greeting; hosts tell them apart by their URIs, and models may not"
      ])
    }))
})

describe("for any skills", () => {
  const Segment = Schema.Literals(["a", "b", "c d", "é", "e%", "F"])
  const Any = Schema.Struct({
    prefix: Schema.Literals(["", "x", "x/y", "x/y/z"]),
    name: Schema.Literals(["x", "y", "z", "w"]),
    files: Schema.Array(
      Schema.Tuple([Schema.NonEmptyArray(Segment), Schema.Union([Schema.String, Schema.Uint8Array])])
    ).check(Schema.isMaxLength(6))
  })
  /** No two at one place, and no file where a folder is. */
  const skills = Arbitrary.map(
    Arbitrary.schema(Schema.NonEmptyArray(Any).check(Schema.isMaxLength(5))),
    (all) => {
      const made = all.map(({ files, name, prefix }): Skill.Skill<never> =>
        Skill.make(name, {
          prefix,
          description: "Any.",
          instructions: "",
          files: Object.fromEntries(files.map(([path, contents]) => [`${path.join("/")}.md`, contents] as const))
        })
      )
      return Array.from(new Map(made.map((skill) => [skill.path, skill])).values())
    }
  )

  it.effect.prop(
    "entries are complete, have each file once, and agree with what is read and with the directories",
    [skills],
    ([skills]) =>
      Effect.scoped(Effect.gen(function*() {
        const client = yield* connect(skills, { pageSize: 2 })
        const entries = yield* listSkills(client)
        assert.deepStrictEqual(entries.map(({ uri }) => uri), skills.map(({ path }) => `skill://${path}/SKILL.md`))
        for (const entry of entries) {
          const uris = (entry.resources as ReadonlyArray<SkillSchema.SkillResource>).map(({ uri }) => uri)
          assert.strictEqual(new Set(uris).size, uris.length)
          assert.strictEqual(uris[0], entry.uri)
          const root = entry.uri.slice(0, -"/SKILL.md".length)
          const wanted = skills.filter(({ path }) => `skill://${path}/`.startsWith(`${root}/`)).flatMap((skill) =>
            skill.files.map(({ path }) => `skill://${skill.path}/${path.split("/").map(encodeURIComponent).join("/")}`)
          )
          assert.sameMembers(uris, wanted)
          yield* verify(client, entry)
          // What a walk through the directories finds is what the entry says.
          const walk = (uri: string): Effect.Effect<ReadonlyArray<string>, McpError.McpError> =>
            Effect.flatMap(readDirectory(client, uri), (resources) =>
              Effect.map(
                Effect.forEach(
                  resources,
                  ({ mimeType, uri }) => mimeType === "inode/directory" ? walk(uri) : Effect.succeed([uri])
                ),
                (found) => found.flat()
              ))
          assert.sameMembers([...yield* walk(root)], uris)
        }
      })),
    { arbitrary: { runs: 100 } }
  )
})

describe("over each transport", () => {
  for (const era of wires.eras) {
    for (const name of wires.names) {
      it.effect(`${name}, ${era}: listed, got, listed by directory and read`, () =>
        Effect.gen(function*() {
          const wire = yield* wires.open(name, era, serve([refunds]))
          const ask = Effect.fnUntraced(function*(id: number, method: string, params: object) {
            wire.send(wires.request(era, id, method, params))
            return yield* wires.answer(wire, id)
          })
          const { result: { skills: [entry] } } = yield* ask(1, "skills/list", {})
          const { result: { skill } } = yield* ask(2, "skills/get", { uri: entry.uri })
          assert.deepStrictEqual(skill, entry)
          const { result: { resources } } = yield* ask(3, "resources/directory/read", {
            uri: "skill://acme/billing/refunds/assets"
          })
          assert.deepStrictEqual(resources, [
            {
              uri: "skill://acme/billing/refunds/assets/logo.png",
              name: "logo.png",
              mimeType: "image/png",
              size: png.length
            }
          ])
          const { result: { contents: [content] } } = yield* ask(4, "resources/read", { uri: resources[0].uri })
          assert.strictEqual(content.blob, Base64.encode(png))
          const { error } = yield* ask(5, "skills/get", { uri: "skill://nobody/SKILL.md" })
          assert.strictEqual(error?.code, -32602)
        }))
    }
  }
})
