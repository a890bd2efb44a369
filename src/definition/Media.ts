/**
 * Content from elsewhere: from data URLs, from files through Effect's `FileSystem`, and from the web through its
 * `HttpClient`, there from `https` and `data` URLs only; never more of it than allowed. Apart from `Content`, so that
 * nobody loads a file system or an HTTP client who needs none.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Content from "./Content.ts"
import * as ContentError from "./ContentError.ts"
import * as mediaType from "./internal/mediaType.ts"
import * as source from "./internal/source.ts"

/** @category models @since 0.1.0 */
export interface Options extends Content.Options {
  /** Instead of what the source says of itself, its name's extension, or its first bytes tell. */
  readonly mimeType?: string
  /** 10 MiB when left out: content travels whole, a third larger than it is. */
  readonly maxBytes?: number
}

// ----------------------------------------------------------------------------
// data URLs
// ----------------------------------------------------------------------------

/** @category data URLs @since 0.1.0 */
export const imageFromDataUrl = (
  url: string,
  options: Options = {}
): Effect.Effect<typeof McpSchema.ImageContent.Type, ContentError.ContentError> =>
  Effect.flatMap(source.fromDataUrl(url), (from) => asImage(from, options))

/** @category data URLs @since 0.1.0 */
export const audioFromDataUrl = (
  url: string,
  options: Options = {}
): Effect.Effect<typeof McpSchema.AudioContent.Type, ContentError.ContentError> =>
  Effect.flatMap(source.fromDataUrl(url), (from) => asAudio(from, options))

/** The contents of a data URL as those of the resource `uri`. @category data URLs @since 0.1.0 */
export const resourceFromDataUrl = (
  uri: string,
  url: string,
  options: Options = {}
): Effect.Effect<typeof McpSchema.EmbeddedResource.Type, ContentError.ContentError> =>
  Effect.flatMap(source.fromDataUrl(url), (from) => asResource(uri, from, options))

// ----------------------------------------------------------------------------
// files
// ----------------------------------------------------------------------------

/** @category files @since 0.1.0 */
export const imageFromFile = (
  path: string,
  options: Options = {}
): Effect.Effect<typeof McpSchema.ImageContent.Type, ContentError.ContentError, FileSystem.FileSystem> =>
  Effect.flatMap(readFile(path, options), (from) => asImage(from, options))

/** @category files @since 0.1.0 */
export const audioFromFile = (
  path: string,
  options: Options = {}
): Effect.Effect<typeof McpSchema.AudioContent.Type, ContentError.ContentError, FileSystem.FileSystem> =>
  Effect.flatMap(readFile(path, options), (from) => asAudio(from, options))

/**
 * A file as an embedded resource: as text where its type is one of text and its bytes are UTF-8, else as data. `uri` is
 * the file's own when left out, which tells clients where it lies on this machine.
 *
 * @category files
 * @since 0.1.0
 */
export const resourceFromFile = (
  path: string,
  options: Options & { readonly uri?: string } = {}
): Effect.Effect<typeof McpSchema.EmbeddedResource.Type, ContentError.ContentError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const from = yield* readFile(path, options)
    const uri = options.uri ?? fileUri(
      yield* Effect.mapError(
        FileSystem.FileSystem.use((files) => files.realPath(path)),
        (error) => source.unreadable(path, error.message)
      )
    )
    return yield* asResource(uri, from, options)
  })

// ----------------------------------------------------------------------------
// web
// ----------------------------------------------------------------------------

/**
 * The image at a URL. A URL that a model or a user wrote can point into your own network: hand such a one to an
 * `HttpClient` that refuses to go there.
 *
 * @category web
 * @since 0.1.0
 */
export const imageFromUrl = (
  url: string,
  options: Options = {}
): Effect.Effect<typeof McpSchema.ImageContent.Type, ContentError.ContentError, HttpClient.HttpClient> =>
  isData(url)
    ? imageFromDataUrl(url, options)
    : Effect.flatMap(download(url, options), (from) => asImage(from, options))

/** Audio at a URL, as `imageFromUrl`. @category web @since 0.1.0 */
export const audioFromUrl = (
  url: string,
  options: Options = {}
): Effect.Effect<typeof McpSchema.AudioContent.Type, ContentError.ContentError, HttpClient.HttpClient> =>
  isData(url)
    ? audioFromDataUrl(url, options)
    : Effect.flatMap(download(url, options), (from) => asAudio(from, options))

const asImage = (
  from: source.Source,
  options: Options
): Effect.Effect<typeof McpSchema.ImageContent.Type, ContentError.ContentError> =>
  Effect.map(source.typed("image", from, options), (mimeType) => Content.image(from.bytes, mimeType, common(options)))

const asAudio = (
  from: source.Source,
  options: Options
): Effect.Effect<typeof McpSchema.AudioContent.Type, ContentError.ContentError> =>
  Effect.map(source.typed("audio", from, options), (mimeType) => Content.audio(from.bytes, mimeType, common(options)))

const asResource = (
  uri: string,
  from: source.Source,
  options: Options
): Effect.Effect<typeof McpSchema.EmbeddedResource.Type, ContentError.ContentError> => {
  if (source.isTooLarge(from, options)) return Effect.fail(source.tooLarge(from.name, options.maxBytes))
  const mimeType = options.mimeType ?? from.mimeType
  const text = mimeType !== undefined && mediaType.isText(mimeType) ? utf8(from.bytes) : undefined
  const named = mimeType === undefined ? { uri } : { uri, mimeType }
  return Effect.succeed(
    Content.resource(text === undefined ? { ...named, blob: from.bytes } : { ...named, text }, common(options))
  )
}

const common = ({ _meta, annotations }: Content.Options): Content.Options => ({
  ...(annotations === undefined ? undefined : { annotations }),
  ...(_meta === undefined ? undefined : { _meta })
})

const readFile = (
  path: string,
  { maxBytes = source.defaultMaxBytes }: Options
): Effect.Effect<source.Source, ContentError.ContentError, FileSystem.FileSystem> =>
  FileSystem.FileSystem.use((files) =>
    Effect.mapError(files.stat(path), (error) => source.unreadable(path, error.message)).pipe(
      Effect.filterOrFail((info) => Number(info.size) <= maxBytes, () => source.tooLarge(path, maxBytes)),
      Effect.andThen(Effect.mapError(files.readFile(path), (error) => source.unreadable(path, error.message))),
      Effect.map((bytes) => ({
        name: path,
        bytes,
        mimeType: mediaType.ofName(path) ?? mediaType.ofBytes(bytes)
      }))
    )
  )

const isData = (url: string): boolean => /^data:/iu.test(url)

const isHttps = (url: string): boolean => URL.canParse(url) && new URL(url).protocol === "https:"

const download = (
  url: string,
  options: Options
): Effect.Effect<source.Source, ContentError.ContentError, HttpClient.HttpClient> =>
  isHttps(url)
    ? Effect.flatMap(
      Effect.mapError(HttpClient.get(url), (error) => source.unreadable(url, error.message)),
      (response) => read(url, response, options)
    )
    : forbidden(url)

const read = (
  url: string,
  response: HttpClientResponse.HttpClientResponse,
  { maxBytes = source.defaultMaxBytes }: Options
): Effect.Effect<source.Source, ContentError.ContentError> => {
  // A client that follows redirects says here where it ended.
  if (response.url !== "" && !isHttps(response.url)) return forbidden(response.url)
  if (response.status < 200 || response.status > 299) {
    return Effect.fail(source.unreadable(url, `the server answered ${response.status}`))
  }
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) return Effect.fail(source.tooLarge(url, maxBytes))
  return response.stream.pipe(
    Stream.mapError((error) => source.unreadable(url, error.message)),
    Stream.runFoldEffect(
      (): Received => ({ chunks: [], size: 0 }),
      ({ chunks, size }, chunk) =>
        size + chunk.length > maxBytes
          ? Effect.fail(source.tooLarge(url, maxBytes))
          : Effect.succeed({ chunks: chunks.concat(chunk), size: size + chunk.length })
    ),
    Effect.map((received) => {
      const bytes = joined(received)
      const said = response.headers["content-type"]?.split(";")[0]!.trim().toLowerCase()
      const mimeType = said === undefined || said === "" || said === "application/octet-stream"
        ? mediaType.ofName(new URL(url).pathname) ?? mediaType.ofBytes(bytes)
        : said
      return { name: url, bytes, mimeType }
    })
  )
}

interface Received {
  readonly chunks: ReadonlyArray<Uint8Array>
  readonly size: number
}

const joined = ({ chunks, size }: Received): Uint8Array => {
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

const forbidden = (url: string) => Effect.fail(ContentError.make(new ContentError.ForbiddenUrl({ url })))

const utf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const fileUri = (path: string): string => {
  const slashed = path.replaceAll("\\", "/")
  return `file://${slashed.startsWith("/") ? "" : "/"}${slashed.split("/").map(encodeSegment).join("/")}`
}

const encodeSegment = (segment: string): string => encodeURIComponent(segment).replaceAll("%3A", ":")
