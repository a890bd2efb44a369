/** Files as resources: what is listed of them, how they are read, and what a client is told that may not. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Definition from "../../definition/Definition.ts"
import * as FileContents from "../../definition/FileContents.ts"
import type * as Provider from "../../definition/Provider.ts"
import * as Resource from "../../definition/Resource.ts"
import * as ResourceTemplate from "../../definition/ResourceTemplate.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as Meta from "../../protocol/Meta.ts"
import type * as GuardedFiles from "../GuardedFiles.ts"
import type * as GuardedFilesError from "../GuardedFilesError.ts"

export interface Options extends Pick<Definition.Options, "visible" | "scopes" | "tags"> {
  readonly name: string
  readonly description: string | undefined
  /** What comes before the slash. */
  readonly base: string
  readonly cache: McpSchema.CacheHints | undefined
  /** An element for each time that any file may have changed; none are told of changes without. */
  readonly ticks: PubSub.PubSub<void> | undefined
}

/** Gives catalogues of listings; who is the same in two of them is the same definition. */
export const make = (folder: GuardedFiles.Folder, options: Options) => {
  const { base, cache, description, name, scopes, tags, ticks, visible } = options
  const common = { cache, scopes, tags, visible }
  const uriOf = (path: string) => `${base}/${path.split("/").map(encodeURIComponent).join("/")}`
  let known = new Map<string, readonly [stamp: string, resource: Resource.AnyHandled]>()

  // What was listed is what somebody may have read; what is there now may have changed since.
  const updatesOf = (path: string, ticks: PubSub.PubSub<void>) =>
    Stream.suspend(() => updates(folder, path, ticks, known.get(path)?.[0]))

  const resource = ({ modified, path, size }: GuardedFiles.File): Resource.AnyHandled => {
    const uri = uriOf(path)
    const mimeType = FileContents.typeOf(path)
    return Resource.make(uri, {
      ...common,
      name: path,
      mimeType,
      size,
      annotations: annotationsOf(modified),
      handler: Effect.flatMap(
        read(folder, path, uri),
        (result) => result === undefined ? notFound(uri) : Effect.succeed(result)
      ),
      updates: ticks && updatesOf(path, ticks)
    })
  }

  const template = ResourceTemplate.make(`${base}{/path*}{?offset,limit}`, {
    ...common,
    name,
    description: description ?? "A file, or the part of it that begins at a byte (offset) and has so many (limit)",
    parameters: {
      path: Schema.optionalKey(Schema.Array(Schema.String)),
      offset: Schema.optionalKey(Bytes),
      limit: Schema.optionalKey(Bytes.check(Schema.isGreaterThan(0)))
    },
    complete: {
      path: (typed: string) =>
        Effect.sync(() => {
          const all = [...known.keys()]
          return [
            ...all.filter((path) => path.startsWith(typed)),
            ...all.filter((path) => !path.startsWith(typed) && path.includes(typed))
          ]
        })
    },
    // NOTE: which paths there are is the folder's to say, and what is none is answered like one that leads to nothing.
    unsafe: true,
    handler: ({ limit, offset, path = [] }) => {
      const below = path.join("/")
      return read(
        folder,
        below,
        uriOf(below),
        limit === undefined && offset === undefined ? undefined : { offset, limit }
      )
    },
    updates: ticks && ((uri) => {
      const found = ResourceTemplate.match(template, uri)
      return found === undefined || found === "Unsafe" || !Array.isArray(found.path)
        ? Stream.empty
        : updatesOf(found.path.join("/"), ticks)
    })
  })

  return ({ files }: GuardedFiles.Listing): Provider.Catalogue => {
    const next: typeof known = new Map()
    for (const file of files) {
      const held = known.get(file.path)
      next.set(file.path, held?.[0] === file.stamp ? held : [file.stamp, resource(file)])
    }
    known = next
    return [...Array.from(next.values(), ([, resource]) => resource), template]
  }
}

/** A file may say that it is from a time that no calendar has. */
const annotationsOf = (modified: number) =>
  Option.match(DateTime.make(modified), {
    onNone: () => undefined,
    onSome: (time) => ({ lastModified: DateTime.formatIso(time) })
  })

const Bytes = Schema.FiniteFromString.check(Schema.isInt(), Schema.isGreaterThanOrEqualTo(0))

// ----------------------------------------------------------------------------
// reading
// ----------------------------------------------------------------------------

/** Undefined for what is not there, or not for clients. */
const read = (
  folder: GuardedFiles.Folder,
  path: string,
  uri: string,
  range?: GuardedFiles.Range
): Effect.Effect<Resource.Result | undefined, McpError.McpError> =>
  Effect.matchEffect(folder.read(path, range), {
    onFailure: (error) => refuse(error, uri, folder.maxBytes),
    onSuccess: (part) => Effect.succeed({ contents: [contentsOf(part, range !== undefined)] })
  })

const notFound = (uri: string) => Effect.fail(McpError.make(new McpError.ResourceNotFound({ uri })))

const contentsOf = ({ bytes, file, offset }: GuardedFiles.Part, isPart: boolean) => {
  const mimeType = FileContents.typeOf(file.path)
  const shown = isPart && !FileContents.isMedia(mimeType) && offset + bytes.length < file.size ? whole(bytes) : bytes
  return {
    ...FileContents.serve(shown, mimeType, FileContents.isText(shown, mimeType)),
    ...(isPart ? { _meta: { [Meta.range]: { offset, bytes: shown.length, size: file.size } } } : undefined)
  }
}

/** Without the beginning of a character at the end, which the next part then begins with; unless that is all there is. */
const whole = (bytes: Uint8Array): Uint8Array => {
  for (let back = 1; back <= 3 && back < bytes.length; back++) {
    const byte = bytes[bytes.length - back]!
    // The others of its bytes follow.
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes
  }
  return bytes
}

const refuse = (
  error: GuardedFilesError.GuardedFilesError,
  uri: string,
  maximum: number
): Effect.Effect<undefined, McpError.McpError> => {
  const { reason } = error
  switch (reason._tag) {
    case "TooLarge":
      return Effect.fail(McpError.invalidParams(
        `${reason.message}; read it in parts, the first of them at ${uri}?offset=0&limit=${maximum}`,
        { uri, size: reason.size, maximum }
      ))
    case "OutOfRange":
      return Effect.fail(McpError.invalidParams(reason.message, { uri, size: reason.size }))
    case "Unreadable":
      // The operator's to know, and only theirs.
      return Effect.die(error)
    default:
      return Effect.undefined
  }
}

// ----------------------------------------------------------------------------
// telling
// ----------------------------------------------------------------------------

/** What a file was when it was looked at last; undefined for none. */
const stampOf = (folder: GuardedFiles.Folder, path: string) =>
  Effect.match(folder.look(path), { onFailure: () => undefined, onSuccess: ({ stamp }) => stamp })

const updates = (
  folder: GuardedFiles.Folder,
  path: string,
  ticks: PubSub.PubSub<void>,
  known: string | undefined
): Stream.Stream<void> =>
  Stream.unwrap(Effect.gen(function*() {
    const ticking = yield* PubSub.subscribe(ticks)
    let last = known ?? (yield* stampOf(folder, path))
    return Stream.fromSubscription(ticking).pipe(
      Stream.mapEffect(() => stampOf(folder, path)),
      Stream.filter((stamp) => stamp !== last),
      Stream.map((stamp) => void (last = stamp))
    )
  }))
