/**
 * Skills in their places: each with all its files, those of the skills inside it among them, with the definitions that
 * are read and the directories that are listed.
 */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Resource from "../../definition/Resource.ts"
import * as ResourceTemplate from "../../definition/ResourceTemplate.ts"
import type * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as Skill from "../Skill.ts"
import * as SkillError from "../SkillError.ts"
import * as SkillSchema from "../SkillSchema.ts"
import * as contents from "./contents.ts"
import * as place from "./place.ts"

/** A skill as it is served. */
export interface Placed {
  readonly uri: string
  readonly order: number
  /** Its `SKILL.md`: who sees this sees the skill. */
  readonly manifest: Resource.AnyHandled
  readonly entry: Effect.Effect<SkillSchema.SkillEntry, McpError.McpError, any>
}

export interface Child {
  readonly order: number
  readonly resource: McpSchema.Resource
  /** Whose it is: who sees one of these skills sees it. */
  readonly owners: ReadonlySet<Placed>
}

export interface Catalogue {
  readonly skills: ReadonlyArray<Placed>
  readonly byUri: ReadonlyMap<string, Placed>
  /** By their URIs, what is in each in the order of names. */
  readonly directories: ReadonlyMap<string, ReadonlyArray<Child>>
  readonly definitions: ReadonlyArray<Resource.AnyHandled | ResourceTemplate.AnyHandled>
}

export const make = Effect.fnUntraced(function*(
  skills: ReadonlyArray<Skill.Any>,
  cache: McpSchema.CacheHints | undefined
) {
  const wholes = yield* complete(skills)
  const twice = wholes.find(({ skill }, index) =>
    wholes.findIndex((other) => other.skill.name === skill.name) !== index
  )
  if (twice !== undefined) {
    yield* Effect.logWarning(
      `Several skills are called ${twice.skill.name}; hosts tell them apart by their URIs, and models may not`
    )
  }
  const stamper = yield* makeStamper(wholes.flatMap(({ dynamic, files }) => dynamic ? [] : files))
  const placed = wholes.map((whole, index): readonly [Whole, Placed] => [whole, {
    uri: place.uri(`${whole.skill.path}/SKILL.md`),
    order: index + 1,
    manifest: manifest(whole, cache),
    entry: entry(whole, stamper)
  }])
  const catalogue: Catalogue = {
    skills: placed.map(([, skill]) => skill),
    byUri: new Map(placed.map(([, skill]) => [skill.uri, skill])),
    directories: directories(placed),
    definitions: placed.flatMap(([whole, { manifest }]) => [manifest, ...supporting(whole, cache)])
  }
  return catalogue
})

// ----------------------------------------------------------------------------
// files
// ----------------------------------------------------------------------------

/** A skill with the files of all skills inside it. */
interface Whole {
  readonly skill: Skill.Any
  /** `SKILL.md` first. */
  readonly files: ReadonlyArray<Skill.File<any>>
  readonly dynamic: boolean
}

const complete = (skills: ReadonlyArray<Skill.Any>): Effect.Effect<ReadonlyArray<Whole>, SkillError.SkillError> =>
  Effect.suspend(() => {
    const paths = new Set<string>()
    for (const skill of skills) {
      const error = Skill.check(skill)
      if (error !== undefined) return Effect.fail(error)
      if (paths.has(skill.path)) {
        return Effect.fail(
          SkillError.make(new SkillError.Duplicate({ uri: place.uri(`${skill.path}/SKILL.md`) }))
        )
      }
      paths.add(skill.path)
    }
    return Effect.forEach(skills, (skill) => {
      const whole = withNested(skill, skills.filter(({ path }) => path.startsWith(`${skill.path}/`)))
      return whole instanceof SkillError.SkillError ? Effect.fail(whole) : Effect.succeed(whole)
    })
  })

const withNested = (skill: Skill.Any, nested: ReadonlyArray<Skill.Any>): Whole | SkillError.SkillError => {
  const byPath = new Map(skill.files.map((file) => [file.path, file]))
  for (const inner of nested) {
    for (const file of inner.files) {
      const path = `${inner.path.slice(skill.path.length + 1)}/${file.path}`
      const own = byPath.get(path)
      if (own !== undefined && !isSame(own, file)) {
        const uri = place.uri(`${skill.path}/${path}`)
        return SkillError.make(new SkillError.Conflict({ uri, skills: [skill.path, inner.path] }))
      }
      byPath.set(path, own ?? { ...file, path })
    }
  }
  const files = [...byPath.values()]
  return Skill.check({ ...skill, files }) ?? overLimit(skill, files.map(({ body }) => sizeOf(body) ?? 0)) ?? {
    skill,
    files,
    dynamic: skill.dynamic || nested.some(({ dynamic }) => dynamic)
  }
}

const isSame = (a: Skill.File<any>, b: Skill.File<any>): boolean =>
  a.body === b.body ||
  !Effect.isEffect(a.body) && !Effect.isEffect(b.body) && contents.equals(a.body.bytes, b.body.bytes)

/** Undefined for what has to be read to be known. */
const sizeOf = (body: Skill.File<any>["body"]): number | undefined =>
  Effect.isEffect(body) ? undefined : body.bytes.length

const overLimit = ({ path }: Skill.Any, sizes: ReadonlyArray<number>): SkillError.SkillError | undefined => {
  const { limits } = SkillSchema
  const found = { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
  const limit = (["files", "bytes"] as const).find((limit) => found[limit] > limits[limit])
  return limit && SkillError.make(new SkillError.LimitExceeded({ skill: path, limit, maximum: limits[limit] }))
}

const read = ({ body }: Skill.File<any>): Effect.Effect<Skill.Body, McpError.McpError, any> =>
  Effect.isEffect(body) ? body : Effect.succeed(body)

// ----------------------------------------------------------------------------
// entries
// ----------------------------------------------------------------------------

type Stamp = Omit<SkillSchema.SkillResource, "uri">

type Stamper = (file: Skill.File<any>) => Effect.Effect<Stamp, McpError.McpError, any>

/** What does not change is digested once. */
const makeStamper = Effect.fnUntraced(function*(files: ReadonlyArray<Skill.File<any>>) {
  const { digestHex } = yield* Digest.Digest
  const stamp = ({ bytes }: Skill.Body): Effect.Effect<Stamp> =>
    Effect.map(digestHex(Digest.sha256, bytes), (hex) => ({ digest: `sha256:${hex}`, size: bytes.length }))
  const known = new Map<unknown, Stamp>()
  for (const { body } of files) {
    if (!Effect.isEffect(body) && !known.has(body)) known.set(body, yield* stamp(body))
  }
  const stamper: Stamper = (file) => {
    const found = known.get(file.body)
    return found === undefined ? Effect.flatMap(read(file), stamp) : Effect.succeed(found)
  }
  return stamper
})

const entry = ({ dynamic, files, skill }: Whole, stamper: Stamper): Placed["entry"] => {
  const of = (resources: SkillSchema.SkillEntry["resources"]): SkillSchema.SkillEntry => ({
    uri: place.uri(`${skill.path}/SKILL.md`),
    frontmatter: skill.frontmatter,
    resources
  })
  if (dynamic) return Effect.succeed(of("dynamic"))
  const resources = Effect.forEach(files, (file) =>
    Effect.map(stamper(file), (stamp): SkillSchema.SkillResource => ({
      uri: place.uri(`${skill.path}/${file.path}`),
      ...stamp
    })), { concurrency: 8 })
  return Effect.flatMap(resources, (resources) => {
    const error = overLimit(skill, resources.map(({ size }) => size))
    // What an effect read grew too large meanwhile: only the author can mend that, so the log has the reason.
    return error === undefined ? Effect.succeed(of(resources)) : Effect.die(error)
  })
}

// ----------------------------------------------------------------------------
// definitions
// ----------------------------------------------------------------------------

/** In the list of resources, as the way into the skill. */
const manifest = ({ files, skill }: Whole, cache: McpSchema.CacheHints | undefined): Resource.AnyHandled => {
  const file = files[0]!
  return Resource.make(place.uri(`${skill.path}/${file.path}`), {
    name: skill.name,
    description: skill.description,
    mimeType: file.mimeType,
    size: sizeOf(file.body),
    cache,
    visible: skill.visible,
    handler: serve(file)
  })
}

/**
 * All other files, which no list has one by one. What a URI holds is looked up and never followed, so that there is no
 * way out of the skill.
 */
const supporting = (
  { files, skill }: Whole,
  cache: McpSchema.CacheHints | undefined
): ReadonlyArray<ResourceTemplate.AnyHandled> => {
  const byPath = new Map(files.slice(1).map((file) => [file.path, file]))
  if (byPath.size === 0) return []
  return [ResourceTemplate.make(`skill://${skill.path}/{+file}`, {
    name: `${skill.name}-files`,
    description: `The files of the skill ${skill.name}`,
    parameters: { file: Schema.String },
    complete: { file: [...byPath.keys()] },
    cache,
    visible: skill.visible,
    handler: ({ file }) => {
      const found = byPath.get(file)
      return found === undefined ? Effect.undefined : serve(found)
    }
  })]
}

const serve = (file: Skill.File<any>): Effect.Effect<Resource.Result, McpError.McpError, any> =>
  Effect.map(read(file), (body) => ({ contents: [contents.serve(body, file.mimeType)] }))

// ----------------------------------------------------------------------------
// directories
// ----------------------------------------------------------------------------

const directories = (placed: ReadonlyArray<readonly [Whole, Placed]>): Catalogue["directories"] => {
  const found = new Map<string, Map<string, { resource: McpSchema.Resource; owners: Set<Placed> }>>()
  const manifests = new Map(placed.map(([, { manifest, uri }]) => [uri, manifest]))

  const put = (path: string, owner: Placed, resource: McpSchema.Resource) => {
    const [folder, name] = place.split(path)
    if (folder === "") return
    let children = found.get(folder)
    if (children === undefined) found.set(folder, children = new Map())
    const child = children.get(name)
    if (child === undefined) children.set(name, { resource, owners: new Set([owner]) })
    else child.owners.add(owner)
  }

  for (const [{ files, skill }, owner] of placed) {
    for (const file of files) {
      const path = `${skill.path}/${file.path}`
      const manifest = manifests.get(place.uri(path))
      put(path, owner, manifest === undefined ? describe(path, file) : Resource.describe(manifest))
      for (const folder of place.folders(path)) {
        put(folder, owner, {
          uri: place.uri(folder),
          name: place.split(folder)[1],
          mimeType: SkillSchema.directoryType
        })
      }
    }
  }
  return new Map(Array.from(found, ([folder, children]) => [
    place.uri(folder),
    Array.from(children)
      .toSorted(([a], [b]) => a < b ? -1 : 1)
      .map(([, child], index): Child => ({ order: index + 1, ...child }))
  ]))
}

const describe = (path: string, { body, mimeType }: Skill.File<any>): McpSchema.Resource => {
  const size = sizeOf(body)
  const type = Effect.isEffect(body) ? mimeType : contents.serve(body, mimeType).mimeType
  return {
    uri: place.uri(path),
    name: place.split(path)[1],
    ...(type === undefined ? undefined : { mimeType: type }),
    ...(size === undefined ? undefined : { size })
  }
}
