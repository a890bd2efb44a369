/**
 * Skills from the side of a host: the client's half of the extension `io.modelcontextprotocol/skills` (SEP-2640). Nothing
 * is read before it is wanted, and nothing is handed out that does not agree with the skill's entry: each file's digest
 * and size, and for `SKILL.md` the frontmatter as well. That shows that two answers of one server agree, and nothing
 * about whether to trust it: ask the user before anything is run for a skill, and tell the model where it comes from.
 */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as Extension from "../client/Extension.ts"
import type * as McpClient from "../client/McpClient.ts"
import * as McpClientError from "../client/McpClientError.ts"
import * as FileContents from "../definition/FileContents.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as frontmatters from "./internal/frontmatter.ts"
import * as place from "./internal/place.ts"
import * as SkillSchema from "./SkillSchema.ts"
import * as SkillsClientError from "./SkillsClientError.ts"

/** Declares to servers that this client knows skills: `McpClient.layer({ extensions: [SkillsClient.extension] })`. @category constants @since 0.1.0 */
export const extension: Extension.Extension = Extension.make({ id: SkillSchema.extensionId })

/** @category models @since 0.1.0 */
export interface Options {
  /** Whether to load skills whose contents differ from one read to the next, and which therefore have no digests. False. */
  readonly dynamic?: boolean
  /** Files of one skill. `SkillSchema.limits`, which every server keeps to. */
  readonly maxFiles?: number
  /** Bytes of all its files, as listed. `SkillSchema.limits`. */
  readonly maxBytes?: number
  /** Pages of one list; one more is an `EndlessList`. 1,000. */
  readonly maxPages?: number
}

/** A file that agrees with its entry. @category models @since 0.1.0 */
export interface File {
  readonly uri: string
  readonly mimeType: string | undefined
  readonly bytes: Uint8Array
  /** Where the server says that it is text. */
  readonly text: string | undefined
}

/** What reading a skill may fail with. @category models @since 0.1.0 */
export type Failure = McpClient.CallError | SkillsClientError.SkillsClientError

/** A skill that is loaded; its files are verified by the entry it was loaded with. @category models @since 0.1.0 */
export interface Skill {
  readonly entry: SkillSchema.SkillEntry
  /** What follows the frontmatter in `SKILL.md`. */
  readonly instructions: string
  /** Reads one of its files, by its URI or by its path as the instructions have it: `references/FORMS.md`. */
  readonly read: (file: string) => Effect.Effect<File, Failure>
}

/** The skills of one server. @category models @since 0.1.0 */
export interface SkillsClient {
  /**
   * All that the server lists, which need not be all it has. Entries that are none are left out with a warning, and two
   * skills may have one name: their URIs tell them apart.
   */
  readonly list: Effect.Effect<ReadonlyArray<SkillSchema.SkillEntry>, McpClient.CallError>
  /** The entry of one skill as it is now, listed or not, by the URI of its `SKILL.md`. */
  readonly get: (uri: string) => Effect.Effect<SkillSchema.SkillEntry, McpClient.CallError>
  /** Reads the skill's `SKILL.md`, and no other file. */
  readonly load: (entry: SkillSchema.SkillEntry) => Effect.Effect<Skill, Failure>
  /** What is in a directory, not in those below it; a `NotSupported` where the server has no such method. */
  readonly readDirectory: (uri: string) => Effect.Effect<ReadonlyArray<McpSchema.Resource>, McpClient.CallError>
}

/** @category constructors @since 0.1.0 */
export const make = (client: McpClient.Client, options: Options = {}): Effect.Effect<SkillsClient> =>
  Effect.map(
    Effect.provide(Digest.Digest, Digest.layerWebCrypto, { local: true }),
    ({ digestHex }) => {
      const { dynamic = false, maxBytes = limits.bytes, maxFiles = limits.files, maxPages = 1000 } = options

      const request = (method: string, params: JsonObject): Effect.Effect<JsonObject, McpClient.CallError> =>
        Effect.suspend(() => {
          const settings = client.server().capabilities.extensions?.[SkillSchema.extensionId]
          if (settings === undefined) return notSupported(method, "the server has no skills")
          return method === "resources/directory/read" && settings.directoryRead !== true
            ? notSupported(method, "the server does not list directories")
            : client.request(method, params)
        })

      const pages = (
        method: string,
        params: JsonObject
      ): Effect.Effect<ReadonlyArray<JsonObject>, McpClient.CallError> =>
        Effect.gen(function*() {
          const found: Array<JsonObject> = []
          const seen = new Set<string>()
          let cursor: string | undefined
          for (let page = 0; page < maxPages; page++) {
            const result: JsonObject = yield* request(method, cursor === undefined ? params : { ...params, cursor })
            found.push(result)
            if (typeof result.nextCursor !== "string") return found
            cursor = result.nextCursor
            if (seen.has(cursor)) return yield* endless(method, `the cursor ${JSON.stringify(cursor)} comes again`)
            seen.add(cursor)
          }
          return yield* endless(method, `it has more than ${maxPages} pages`)
        })

      const list = Effect.gen(function*() {
        const entries: Array<SkillSchema.SkillEntry> = []
        for (const page of yield* pages("skills/list", {})) {
          if (!Array.isArray(page.skills)) return yield* invalidResponse("skills/list", "it has no list of skills")
          for (const skill of page.skills) {
            const entry = readEntry(skill)
            if (Exit.isSuccess(entry)) entries.push(entry.value)
            else yield* Effect.logWarning("A skill is left out, for its entry is none", skill)
          }
        }
        return entries
      })

      const get = (uri: string) =>
        Effect.flatMap(request("skills/get", { uri }), (result) => {
          const found = readGet(result)
          return Exit.isSuccess(found) && found.value.skill.uri === uri
            ? Effect.succeed(found.value.skill)
            : invalidResponse("skills/get", "it is no entry of the skill that was asked for")
        })

      const readDirectory = (uri: string) =>
        Effect.flatMap(pages("resources/directory/read", { uri }), (found) =>
          Effect.forEach(found, (page) => {
            const read = readPage(page)
            return Exit.isSuccess(read)
              ? Effect.succeed(read.value.resources)
              : invalidResponse("resources/directory/read", "it has no list of resources")
          })).pipe(Effect.map((pages) => pages.flat()))

      const fetch = (uri: string, refresh: boolean): Effect.Effect<File, McpClient.CallError> =>
        Effect.flatMap(client.readResource(uri, { refresh }), ({ contents: all }) => {
          const [content, ...others] = all.filter((content) => all.length === 1 || content.uri === uri)
          return content === undefined || others.length > 0
            ? invalidResponse("resources/read", `it has ${all.length} contents, and a file is one`)
            : fileOf(uri, content)
        })

      const verified = (listed: SkillSchema.SkillResource, refresh: boolean): Effect.Effect<File, Failure> =>
        Effect.flatMap(fetch(listed.uri, refresh), (file) => {
          const { digest, size, uri } = listed
          return file.bytes.length !== size
            ? refuse(new SkillsClientError.SizeMismatch({ uri, listed: size, read: file.bytes.length }))
            : Effect.flatMap(digestHex(Digest.sha256, file.bytes), (hex) =>
              `sha256:${hex}` === digest
                ? Effect.succeed(file)
                : refuse(new SkillsClientError.DigestMismatch({ uri, listed: digest, read: `sha256:${hex}` })))
        })

      const read = ({ resources, uri }: SkillSchema.SkillEntry, file: string): Effect.Effect<File, Failure> => {
        const target = resolve(uri, file)
        if (target !== undefined && resources === "dynamic") return fetch(target, false)
        const listed = target === undefined || resources === "dynamic"
          ? undefined
          : resources.find((resource) => isSame(resource.uri, target))
        if (listed === undefined) return refuse(new SkillsClientError.NotListed({ skill: uri, file }))
        return Effect.catchTag(verified(listed, false), "SkillsClientError", () =>
          // A copy that was kept may be older than the entry.
          verified(listed, true))
      }

      const load = (entry: SkillSchema.SkillEntry): Effect.Effect<Skill, Failure> =>
        Effect.gen(function*() {
          const { frontmatter, resources, uri } = entry
          const problem = faultOf(entry, { maxBytes, maxFiles })
          if (problem !== undefined) return yield* refuse(new SkillsClientError.InvalidEntry({ uri, problem }))
          if (resources === "dynamic" && !dynamic) return yield* refuse(new SkillsClientError.Unverifiable({ uri }))
          const { bytes } = yield* read(entry, uri)
          const text = FileContents.decode(bytes) ?? ""
          const found = frontmatters.parse(text)
          if (Result.isFailure(found)) {
            return yield* refuse(new SkillsClientError.InvalidFrontmatter({ uri, problems: found.failure }))
          }
          const fields = differing(found.success, frontmatter)
          if (fields.length > 0) return yield* refuse(new SkillsClientError.FrontmatterMismatch({ uri, fields }))
          return { entry, instructions: frontmatters.body(text), read: (file: string) => read(entry, file) }
        })

      return { list, get, load, readDirectory }
    }
  )

// ----------------------------------------------------------------------------
// entries
// ----------------------------------------------------------------------------

const { limits } = SkillSchema

/** What is wrong with an entry that is of the right shape; undefined when nothing is. */
const faultOf = (
  { frontmatter, resources, uri }: SkillSchema.SkillEntry,
  { maxBytes, maxFiles }: { readonly maxBytes: number; readonly maxFiles: number }
): string | undefined => {
  const root = rootOf(uri)
  if (root === undefined) return "its URI does not end in /SKILL.md"
  if (place.split(root)[1] !== frontmatter.name) {
    return `the skill is called ${JSON.stringify(frontmatter.name)}, and its folder is not`
  }
  const problems = frontmatters.check(frontmatter)
  if (problems.length > 0) return problems.join("; ")
  if (resources === "dynamic") return undefined
  const uris = new Set(resources.map(({ uri }) => uri))
  if (uris.size < resources.length) return "it has a file twice"
  if (!uris.has(uri)) return "its SKILL.md is not among its files"
  const outside = resources.find(({ uri }) => pathBelow(root, uri) === undefined)
  if (outside !== undefined) return `${outside.uri} does not lie in its folder`
  if (resources.length > maxFiles) return `it has more than ${maxFiles} files`
  return resources.reduce((sum, { size }) => sum + size, 0) > maxBytes
    ? `it has more than ${maxBytes} bytes`
    : undefined
}

const rootOf = (uri: string): string | undefined =>
  uri.endsWith("/SKILL.md") ? uri.slice(0, -"/SKILL.md".length) : undefined

/** The segments of a file's path below a skill; undefined for what is not below it. */
const pathBelow = (root: string, uri: string): ReadonlyArray<string> | undefined => {
  if (!uri.startsWith(`${root}/`)) return undefined
  const segments = uri.slice(root.length + 1).split("/").map(decode)
  return segments.some((segment) => segment === "" || segment === "." || segment === "..") ? undefined : segments
}

/** Where a reference leads that is relative to the skill's folder, or a URI; undefined when that is not below the skill. */
const resolve = (skill: string, reference: string): string | undefined => {
  const root = rootOf(skill)!
  if (reference.startsWith(`${root}/`)) return pathBelow(root, reference) === undefined ? undefined : reference
  const segments: Array<string> = []
  for (const segment of reference.split("/")) {
    if (segment === "..") {
      if (segments.pop() === undefined) return undefined
    } else if (segment !== ".") segments.push(segment)
  }
  const uri = `${root}/${segments.map((segment) => encodeURIComponent(decode(segment))).join("/")}`
  return pathBelow(root, uri) === undefined ? undefined : uri
}

/** However each of them escapes what need not be escaped. */
const isSame = (one: string, other: string): boolean => {
  const [ours, theirs] = [one.split("/"), other.split("/")]
  return ours.length === theirs.length && ours.every((segment, index) => decode(segment) === decode(theirs[index]!))
}

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

const differing = (one: Schema.JsonObject, other: Schema.JsonObject): ReadonlyArray<string> =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((key) =>
    Object.hasOwn(one, key) !== Object.hasOwn(other, key) || !Equal.equals(one[key], other[key])
  )

const readEntry = SchemaParser.decodeUnknownExit(SkillSchema.SkillEntry)

const readGet = SchemaParser.decodeUnknownExit(SkillSchema.GetSkillResult)

const readPage = SchemaParser.decodeUnknownExit(SkillSchema.ReadDirectoryResult)

// ----------------------------------------------------------------------------
// files
// ----------------------------------------------------------------------------

const fileOf = (
  uri: string,
  content: McpSchema.ResourceContents
): Effect.Effect<File, McpClientError.McpClientError> => {
  const { mimeType } = content
  if ("text" in content) {
    return Effect.succeed({ uri, mimeType, bytes: new TextEncoder().encode(content.text), text: content.text })
  }
  const bytes = Base64.decode(content.blob)
  return Result.isFailure(bytes)
    ? invalidResponse("resources/read", "its blob is not base64")
    : Effect.succeed({ uri, mimeType, bytes: bytes.success, text: undefined })
}

// ----------------------------------------------------------------------------
// errors
// ----------------------------------------------------------------------------

const refuse = (reason: SkillsClientError.Reason) => Effect.fail(SkillsClientError.make(reason))

const notSupported = (method: string, message: string) =>
  Effect.fail(McpClientError.make(new McpClientError.NotSupported({ method, message })))

const endless = (method: string, message: string) =>
  McpClientError.make(new McpClientError.EndlessList({ method, message }))

const invalidResponse = (method: string, message: string) =>
  Effect.fail(McpClientError.make(new McpClientError.InvalidResponse({ method, message })))
