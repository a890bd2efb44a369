/**
 * Serves skills: the server extension `io.modelcontextprotocol/skills` (SEP-2640). It brings its methods and the
 * resources they speak of together, in every revision, so that nobody serves the one without the other.
 */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Cursor from "../core/Cursor.ts"
import * as DefinitionError from "../definition/DefinitionError.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Extension from "../server/Extension.ts"
import type * as McpServer from "../server/McpServer.ts"
import * as catalogues from "./internal/catalogue.ts"
import type * as Skill from "./Skill.ts"
import type * as SkillError from "./SkillError.ts"
import * as SkillSchema from "./SkillSchema.ts"

/** @category models @since 0.1.0 */
export interface Options<S extends Source> {
  /** Skills, or an effect that finds them while the server is built. */
  readonly skills: S
  /** Whether clients may list the directories of skills. True. */
  readonly directoryRead?: boolean | undefined
  /** Skills on one page, and files on one page of a directory. 100. */
  readonly pageSize?: number | undefined
  /** How long clients may keep lists, entries and files (2026-07-28); what the server says when left out. */
  readonly cache?: McpSchema.CacheHints | undefined
}

/** @category models @since 0.1.0 */
export type Source = ReadonlyArray<Skill.Any> | Effect.Effect<ReadonlyArray<Skill.Any>, any, any>

type SkillsOf<S> = S extends Effect.Effect<infer A, infer _E, infer _R> ? A : S

type Failure<S> = S extends Effect.Effect<infer _A, infer E, infer _R> ? E : never

type Needs<S> = S extends Effect.Effect<infer _A, infer _E, infer R> ? R : never

type FileServices<S> = S extends ReadonlyArray<infer A> ? Skill.Services<A> : never

/**
 * The extension for these skills, made while its server is built: `McpServer.layer({ extensions: [Skills.extension({
 * skills })] })`. A skill that cannot be served fails the server's layer with a `SkillError`.
 *
 * **Details**
 *
 * - `resources/list` has each `SKILL.md`; all other files of a skill are one resource template.
 * - A skill with others inside it has their files as its own. It is dynamic if one of them is.
 * - Contents that were given, or read from a folder, are held in memory as they were, and so agree with their digests.
 *
 * @category constructors
 * @since 0.1.0
 */
export const extension = <const S extends Source>(
  options: Options<S>
): Effect.Effect<
  Extension.Extension<FileServices<SkillsOf<S>>>,
  SkillError.SkillError | DefinitionError.DefinitionError | Failure<S>,
  Needs<S>
> => make(options)

const make = Effect.fnUntraced(function*({ cache, directoryRead = true, pageSize = 100, skills }: Options<Source>) {
  if (!Number.isInteger(pageSize) || pageSize < 1) {
    return yield* DefinitionError.make(
      new DefinitionError.InvalidDefinition({
        name: `The extension ${SkillSchema.extensionId}`,
        message: `its pageSize is a whole number of at least 1, not ${pageSize}`
      })
    )
  }
  const catalogue = yield* Effect.provide(
    catalogues.make(Effect.isEffect(skills) ? yield* skills : skills, cache),
    Digest.layerWebCrypto,
    { local: true }
  )

  /** One page of what is seen of a list; `kind` keeps the cursors of two lists apart. */
  const page = <A extends { readonly order: number }>(
    kind: string,
    cursor: string | undefined,
    seen: ReadonlyArray<A>
  ): Effect.Effect<
    { readonly items: ReadonlyArray<A>; readonly next: { readonly nextCursor?: string } },
    McpError.McpError
  > => {
    const after = cursor === undefined ? 0 : Cursor.decode(kind, cursor)
    if (after === undefined) {
      return Effect.fail(
        McpError.invalidParams("The cursor is not one this server gave out; list again from the start.")
      )
    }
    const { items, next } = Cursor.paginate(seen, { after, pageSize })
    return Effect.succeed({ items, next: next === undefined ? {} : { nextCursor: Cursor.encode(kind, next) } })
  }

  const cacheHints = cache ?? {}

  const list = Effect.fnUntraced(function*(
    { cursor }: typeof McpSchema.ListParams.Type,
    { sees }: Extension.Caller
  ) {
    const { items, next } = yield* page("skills", cursor, catalogue.skills.filter(({ manifest }) => sees(manifest)))
    const skills = yield* Effect.forEach(items, ({ entry }) => entry, { concurrency: 8 })
    return { skills, ...next, cacheHints }
  })

  const get = ({ uri }: SkillSchema.GetSkillParams, { sees }: Extension.Caller) => {
    const found = catalogue.byUri.get(uri)
    return found === undefined || !sees(found.manifest)
      ? Effect.fail(McpError.invalidParams(`No skill has its SKILL.md at ${JSON.stringify(uri)}.`, { uri }))
      : Effect.map(found.entry, (skill) => ({ skill, cacheHints }))
  }

  const readDirectory = ({ cursor, uri }: SkillSchema.ReadDirectoryParams, { sees }: Extension.Caller) => {
    const seen = (catalogue.directories.get(uri) ?? []).filter(({ owners }) =>
      Array.from(owners).some(({ manifest }) => sees(manifest))
    )
    // None is empty.
    if (seen.length === 0) {
      return Effect.fail(
        McpError.invalidParams(`${JSON.stringify(uri)} is no directory; directories have no slash at the end.`, { uri })
      )
    }
    return Effect.map(page(`directory ${uri}`, cursor, seen), ({ items, next }) => ({
      resources: items.map(({ resource }) => resource),
      ...next
    }))
  }

  return Extension.make<any, never, never, McpServer.Definition>({
    id: SkillSchema.extensionId,
    settings: directoryRead ? { directoryRead } : {},
    methods: {
      "skills/list": { params: McpSchema.ListParams, handle: list },
      "skills/get": { params: SkillSchema.GetSkillParams, handle: get },
      ...(directoryRead
        ? { "resources/directory/read": { params: SkillSchema.ReadDirectoryParams, handle: readDirectory } }
        : undefined)
    },
    definitions: catalogue.definitions
  })
})
