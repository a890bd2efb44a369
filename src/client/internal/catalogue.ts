/** Which URIs a server has, by what it lists: its resources, and those its templates can make. */
import * as Result from "effect/Result"
import * as UriTemplate from "../../core/UriTemplate.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"

export interface Catalogue {
  readonly lists: (uri: string) => boolean
  readonly matches: (uri: string) => boolean
  readonly hasTemplate: (template: string) => boolean
}

export const make = (
  resources: ReadonlyArray<McpSchema.Resource>,
  templates: ReadonlyArray<McpSchema.ResourceTemplate>
): Catalogue => {
  const uris = new Set(resources.map(({ uri }) => uri))
  const sources = new Set(templates.map(({ uriTemplate }) => uriTemplate))
  const matchers = [...sources].map(matcher)
  return {
    lists: (uri) => uris.has(uri),
    matches: (uri) => matchers.some((matches) => matches(uri)),
    hasTemplate: (template) => sources.has(template)
  }
}

const matcher = (source: string): (uri: string) => boolean => {
  const parsed = UriTemplate.parse(source)
  if (Result.isFailure(parsed)) return (uri) => uri === source
  const inverted = UriTemplate.invert(parsed.success)
  return Result.isSuccess(inverted)
    ? (uri) => UriTemplate.match(inverted.success, uri) !== undefined
    : roughly(parsed.success)
}

/** Where values cannot be told apart it is enough that all literal text is there, in order. */
const roughly = ({ parts }: UriTemplate.UriTemplate) => (uri: string): boolean => {
  let at = 0
  for (const [index, part] of parts.entries()) {
    if (part._tag === "Expression") continue
    const { text } = part
    const isLast = index === parts.length - 1
    const found = index === 0 ? (uri.startsWith(text) ? 0 : -1) : isLast
      ? uri.endsWith(text) ? Math.max(uri.length - text.length, 0) : -1
      : uri.indexOf(text, at)
    if (found < at) return false
    at = found + text.length
  }
  return parts.at(-1)?._tag === "Expression" || at === uri.length
}
