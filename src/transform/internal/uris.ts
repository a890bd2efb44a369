/**
 * Where the URIs of a catalogue go when it gets a namespace: into a segment of their own, behind what says how they are
 * read and where.
 */
import * as DefinitionError from "../../definition/DefinitionError.ts"
import type * as Provider from "../../definition/Provider.ts"
import * as Resource from "../../definition/Resource.ts"
import * as ResourceTemplate from "../../definition/ResourceTemplate.ts"

/** How a URI or a template begins, and how it begins then. */
export interface Place {
  readonly from: string
  readonly to: string
}

export const moved = (text: string, { from, to }: Place): string => to + text.slice(from.length)

/** Undefined for what is not of the place. */
export const restored = (text: string, { from, to }: Place): string | undefined =>
  text.startsWith(to) ? from + text.slice(to.length) : undefined

/**
 * `acme://weather/clock` for `acme://clock`. Where what follows `//` is the host of a server, it stays: its resources
 * would be looked for on another one. Why there is no place is told of templates without a fixed beginning.
 */
export const placeOf = (text: string, namespace: string): Place | string => {
  const scheme = /^[A-Za-z][A-Za-z\d+.-]*:/u.exec(text)?.[0]
  if (scheme === undefined) {
    return text.startsWith("{")
      ? "its scheme is not fixed, so no namespace can follow it"
      : { from: "", to: `${namespace}/` }
  }
  const place = (from: string, to: string): Place => ({ from: scheme + from, to: scheme + to })
  const rest = text.slice(scheme.length)
  if (!rest.startsWith("//")) {
    if (rest.startsWith("/")) return place("/", `/${namespace}/`)
    if (rest.startsWith("{/")) return place("", `/${namespace}`)
    return place("", namespace + (rest === "" ? "" : scheme.toLowerCase() === "urn:" ? ":" : "/"))
  }
  const authority = /^[^/?#{]*/u.exec(rest.slice(2))![0]
  const next = rest.slice(2 + authority.length)
  if (hosts.has(scheme.toLowerCase()) || authority === "" || authority.startsWith("[")) {
    if (next.startsWith("/")) return place(`//${authority}/`, `//${authority}/${namespace}/`)
    if (authority !== "" && !/^(?:[?#]|\{[/?#]|$)/u.test(next)) {
      return "its host is not fixed, so no namespace can follow it"
    }
    if (authority !== "" || next.startsWith("{/")) return place(`//${authority}`, `//${authority}/${namespace}`)
    if (hosts.has(scheme.toLowerCase())) return "its host is not fixed, so no namespace can follow it"
  }
  return place("//", `//${namespace}${next === "" && authority === "" ? "" : "/"}`)
}

const hosts = new Set(["http:", "https:", "ws:", "wss:", "ftp:", "ftps:"])

/** What becomes of the URIs of a catalogue. */
export interface Uris {
  readonly resource: (definition: Resource.Any) => string
  readonly template: (definition: ResourceTemplate.Any) => Place | DefinitionError.DefinitionError
  /** Where a URI has gone; undefined for one that neither a resource nor a template of the catalogue has. */
  readonly find: (uri: string) => string | undefined
  readonly isEmpty: boolean
}

export const make = (catalogue: Provider.Catalogue, namespace: string): Uris => {
  const resources = new Map<string, string>()
  const templates = new Map<string, Place | DefinitionError.DefinitionError>()
  const movable: Array<ResourceTemplate.Any> = []
  for (const definition of catalogue) {
    if (Resource.isResource(definition)) {
      const place = placeOf(definition.uri, namespace)
      // A resource is one URI and has no parts that are not fixed.
      resources.set(definition.uri, typeof place === "string" ? definition.uri : moved(definition.uri, place))
    }
    if (ResourceTemplate.isResourceTemplate(definition)) {
      const place = placeOf(definition.uriTemplate, namespace)
      if (typeof place !== "string") movable.push(definition)
      templates.set(definition.uriTemplate, typeof place === "string" ? invalid(definition, place) : place)
    }
  }
  const there = new Set(resources.values())
  let sorted: ReadonlyArray<ResourceTemplate.Any> | undefined

  /** Whoever reads what stands beside it hears the server's URIs. */
  const isMoved = (uri: string): boolean =>
    there.has(uri) || movable.some((template) => {
      const place = templates.get(template.uriTemplate) as Place
      const before = restored(uri, place)
      return before !== undefined && isSound(template) && ResourceTemplate.match(template, before) !== undefined
    })

  const findWhole = (uri: string): string | undefined => {
    const exact = resources.get(uri)
    if (exact !== undefined || movable.length === 0) return exact
    if (isMoved(uri)) return undefined
    sorted ??= movable.filter(isSound).toSorted(ResourceTemplate.compare)
    for (const template of sorted) {
      const place = templates.get(template.uriTemplate) as Place
      if (uri.startsWith(place.from) && ResourceTemplate.match(template, uri) !== undefined) return moved(uri, place)
    }
    return undefined
  }

  return {
    resource: ({ uri }) => resources.get(uri)!,
    template: ({ uriTemplate }) => templates.get(uriTemplate)!,
    find: (uri) => {
      const whole = findWhole(uri)
      const hash = whole === undefined ? uri.indexOf("#") : -1
      const base = hash < 0 ? undefined : findWhole(uri.slice(0, hash))
      return base === undefined ? whole : base + uri.slice(hash)
    },
    isEmpty: resources.size + templates.size === 0
  }
}

/** What is wrong with the others is told when they are registered. */
const isSound = (template: ResourceTemplate.Any): boolean => {
  try {
    return template.wire() !== undefined
  } catch {
    return false
  }
}

const invalid = ({ uriTemplate }: ResourceTemplate.Any, message: string) =>
  DefinitionError.make(new DefinitionError.InvalidDefinition({ name: JSON.stringify(uriTemplate), message }))
