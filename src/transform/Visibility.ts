/**
 * Who sees what: some definitions only, for everybody (`include`, `exclude`), for some callers (`to`), or as a session
 * switches them on and off (`switched`). What somebody does not see is not listed, and cannot be called, read or
 * completed: it is not found. To tell a caller which scope is missing instead, give the definition `scopes`.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Identity from "../context/Identity.ts"
import * as RequestContext from "../context/RequestContext.ts"
import * as SessionState from "../context/SessionState.ts"
import type * as Definition from "../definition/Definition.ts"
import * as Provider from "../definition/Provider.ts"

/**
 * What all of its members agree on; everything, without any.
 *
 * @category models
 * @since 0.1.0
 */
export interface Selection {
  readonly kinds?: ReadonlyArray<RequestContext.Kind>
  /** Names of tools and prompts, URIs of resources, templates as they are written. */
  readonly names?: ReadonlyArray<string>
  /** At least one of these tags, in any case. */
  readonly tags?: ReadonlyArray<string>
  /** All of these tags, in any case. */
  readonly allTags?: ReadonlyArray<string>
  /** At least one of the scopes that a definition asks for. */
  readonly scopes?: ReadonlyArray<string>
  readonly where?: (definition: Provider.AnyDefinition) => boolean
}

/** Only what is selected is there. @category constructors @since 0.1.0 */
export const include = (selection: Selection): Provider.Transform => {
  const isSelected = predicate(selection)
  return (self) => Provider.map(self, (catalogue) => catalogue.filter(isSelected))
}

/** What is selected is not there. @category constructors @since 0.1.0 */
export const exclude = (selection: Selection): Provider.Transform => {
  const isSelected = predicate(selection)
  return (self) => Provider.map(self, (catalogue) => catalogue.filter((definition) => !isSelected(definition)))
}

/** Callers that all of its members agree on. @category models @since 0.1.0 */
export interface Audience {
  /** Who has been granted all of these. */
  readonly scopes?: ReadonlyArray<string>
  readonly identity?: (identity: Identity.Identity) => boolean
  /** May look at the session, where there is one: from 2026-07-28 lists do not depend on the connection. */
  readonly viewer?: (viewer: Definition.Viewer) => boolean
}

/**
 * What is selected, or everything, is there for these callers alone; beside what a definition says of itself.
 *
 * @category constructors
 * @since 0.1.0
 */
export const to = (audience: Audience, selection: Selection = {}): Provider.Transform => {
  const { identity, scopes = [], viewer } = audience
  const isSelected = predicate(selection)
  return restrict(isSelected, () => (seen) =>
    Identity.hasScopes(seen.identity, scopes)
    && (identity === undefined || identity(seen.identity))
    && (viewer === undefined || viewer(seen)))
}

const restrict = (
  isSelected: (definition: Provider.AnyDefinition) => boolean,
  rule: (definition: Provider.AnyDefinition) => (viewer: Definition.Viewer) => boolean
): Provider.Transform =>
(self) =>
  Provider.map(self, (catalogue) =>
    catalogue.map((definition) => {
      if (!isSelected(definition)) return definition
      const { visible } = definition
      const allows = rule(definition)
      return {
        ...definition,
        visible: visible === undefined ? allows : (viewer: Definition.Viewer) => visible(viewer) && allows(viewer)
      }
    }))

const predicate = (selection: Selection): (definition: Provider.AnyDefinition) => boolean => {
  const { kinds, names, scopes, where } = selection
  const tags = selection.tags?.map(folded)
  const allTags = selection.allTags?.map(folded)
  return (definition) => {
    const own = new Set(definition.tags?.map(folded))
    return (kinds === undefined || kinds.includes(Provider.kindOf(definition)))
      && (names === undefined || names.includes(Provider.nameOf(definition)))
      && (tags === undefined || tags.some((tag) => own.has(tag)))
      && (allTags === undefined || allTags.every((tag) => own.has(tag)))
      && (scopes === undefined || scopes.some((scope) => definition.scopes?.includes(scope) === true))
      && (where === undefined || where(definition))
  }
}

const folded = (tag: string): string => tag.toLowerCase()

// ----------------------------------------------------------------------------
// sessions
// ----------------------------------------------------------------------------

/** What a session has switched; `names` as in `Selection`. @category models @since 0.1.0 */
export interface Switch {
  /** Of `SessionState`, and shared by all that have the same. */
  readonly key: string
  /** Turns definitions off for the session of the request. */
  readonly off: (...names: ReadonlyArray<string>) => Switching
  /** Turns them on. */
  readonly on: (...names: ReadonlyArray<string>) => Switching
  /** What can be switched; to others it makes no difference. */
  readonly transform: Provider.Transform
}

/** @category models @since 0.1.0 */
export type Switching = Effect.Effect<void, SessionState.SessionStateError, RequestContext.RequestContext>

/**
 * Lets a handler turn definitions on and off for its session, and tells that client that its lists have changed. Only
 * revisions with sessions have it: from 2026-07-28 a list may not depend on the connection, so there everything is as
 * `isOn` has it, and `on` and `off` fail with `NoSession`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const switched = (
  key: string,
  options: Selection & {
    /** As a session finds it. True. */
    readonly isOn?: boolean
  } = {}
): Switch => {
  const { isOn = true } = options
  const state = SessionState.make(key, Schema.Array(Schema.String), { default: [] })
  const isSelected = predicate(options)
  const isSwitched = ({ session }: Definition.Viewer, name: string): boolean => {
    const names = session?.get(key)
    return Array.isArray(names) && names.includes(name)
  }
  const change = (names: ReadonlyArray<string>, isSwitched: boolean): Switching =>
    Effect.flatMap(
      state.update((current) => {
        const others = current.filter((name) => !names.includes(name))
        return isSwitched ? [...others, ...new Set(names)] : others
      }),
      () =>
        RequestContext.RequestContext.use(({ notify }) =>
          Effect.forEach(
            ["tools", "resources", "prompts"],
            (list) => notify(`notifications/${list}/list_changed`, {}),
            { discard: true }
          )
        )
    )
  return {
    key,
    off: (...names) => change(names, isOn),
    on: (...names) => change(names, !isOn),
    transform: restrict(
      isSelected,
      (definition) => (viewer) => isSwitched(viewer, Provider.nameOf(definition)) !== isOn
    )
  }
}
