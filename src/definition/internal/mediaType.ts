/**
 * The media type of a file, by its name or by its first bytes: what models are commonly shown, not a full registry.
 */

export const ofName = (name: string): string | undefined => {
  const extension = /\.([A-Za-z0-9]+)$/u.exec(name)?.[1]?.toLowerCase()
  return extension === undefined ? undefined : byExtension.get(extension)
}

export const ofBytes = (bytes: Uint8Array): string | undefined =>
  signatures.find(([, ...parts]) => parts.every(([offset, wanted]) => startsAt(bytes, offset, wanted)))?.[0]

/** Whether its contents are text to a reader. */
export const isText = (mimeType: string): boolean =>
  /^text\/|^application\/(?:json|xml|javascript|yaml|toml|sql)(?:;|$)|\+(?:json|xml)(?:;|$)/u.test(mimeType)

const byExtension = new Map(Object.entries({
  aac: "audio/aac",
  avif: "image/avif",
  bmp: "image/bmp",
  css: "text/css",
  csv: "text/csv",
  flac: "audio/flac",
  gif: "image/gif",
  heic: "image/heic",
  htm: "text/html",
  html: "text/html",
  ico: "image/x-icon",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript",
  json: "application/json",
  m4a: "audio/mp4",
  md: "text/markdown",
  mjs: "text/javascript",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  oga: "audio/ogg",
  ogg: "audio/ogg",
  opus: "audio/ogg",
  pdf: "application/pdf",
  png: "image/png",
  sql: "application/sql",
  svg: "image/svg+xml",
  tif: "image/tiff",
  tiff: "image/tiff",
  toml: "application/toml",
  txt: "text/plain",
  wav: "audio/wav",
  weba: "audio/webm",
  webm: "video/webm",
  webp: "image/webp",
  xml: "application/xml",
  yaml: "application/yaml",
  yml: "application/yaml",
  zip: "application/zip"
}))

/** Bytes as text, one character each. */
type Signature = readonly [mimeType: string, ...parts: ReadonlyArray<readonly [offset: number, bytes: string]>]

const signatures: ReadonlyArray<Signature> = [
  ["image/png", [0, "\x89PNG\r\n\x1a\n"]],
  ["image/jpeg", [0, "\xff\xd8\xff"]],
  ["image/gif", [0, "GIF87a"]],
  ["image/gif", [0, "GIF89a"]],
  ["image/webp", [0, "RIFF"], [8, "WEBP"]],
  ["image/avif", [4, "ftypavif"]],
  ["image/heic", [4, "ftyphei"]],
  ["image/tiff", [0, "II*\0"]],
  ["image/tiff", [0, "MM\0*"]],
  ["image/bmp", [0, "BM"], [6, "\0\0\0\0"]],
  ["image/x-icon", [0, "\0\0\x01\0"]],
  ["image/svg+xml", [0, "<svg"]],
  ["audio/wav", [0, "RIFF"], [8, "WAVE"]],
  ["audio/mpeg", [0, "ID3"]],
  ["audio/mpeg", [0, "\xff\xfb"]],
  ["audio/mpeg", [0, "\xff\xf3"]],
  ["audio/mpeg", [0, "\xff\xf2"]],
  ["audio/aac", [0, "\xff\xf1"]],
  ["audio/aac", [0, "\xff\xf9"]],
  ["audio/ogg", [0, "OggS"]],
  ["audio/flac", [0, "fLaC"]],
  ["audio/mp4", [4, "ftypM4A"]],
  ["application/pdf", [0, "%PDF-"]],
  ["application/zip", [0, "PK\x03\x04"]]
]

const startsAt = (bytes: Uint8Array, offset: number, wanted: string): boolean => {
  for (let index = 0; index < wanted.length; index++) {
    if (bytes[offset + index] !== wanted.charCodeAt(index)) return false
  }
  return true
}
