/**
 * `${...}` in what a file says of a server, each host's own kinds of it. A text in braces that the host does not know is
 * left as it stands, as the host leaves it.
 */
import * as Effect from "effect/Effect"
import type { Placeholders } from "./hosts.ts"

export interface Sources<E, R> {
  readonly kind: Placeholders
  /** The host's name. */
  readonly title: string
  readonly variable: (name: string) => Effect.Effect<string | undefined, E, R>
  /** `userHome`, `workspaceFolder` and the like; undefined for one that is not known. */
  readonly places: { readonly [name: string]: string | undefined }
  /** The answer to an input, or why there is none. */
  readonly input: (id: string) => Effect.Effect<Answer, E, R>
}

export type Answer = { readonly value: string } | { readonly problem: string }

/** `problem` is told with the place of the text. */
export const fill = <E, R>(
  text: string,
  sources: Sources<E, R>,
  problem: (text: string) => void
): Effect.Effect<string, E, R> =>
  Effect.gen(function*() {
    if (sources.kind === "none" || !text.includes("$")) return text
    const pattern = sources.kind === "dollar" ? /\$\{([^}]*)\}|\$([A-Za-z_]\w*)/g : /\$\{([^}]*)\}/g
    let filled = ""
    let end = 0
    for (const match of text.matchAll(pattern)) {
      const [whole, inner, bare] = match
      const answer = bare !== undefined
        ? yield* orLiteral(sources.variable(bare), whole)
        : yield* answerTo(inner!, whole, sources)
      if ("problem" in answer) problem(answer.problem)
      else filled += text.slice(end, match.index) + answer.value
      end = match.index + whole.length
    }
    return filled + text.slice(end)
  })

/** The host's own leniency: a dollar in a password is no variable. */
const orLiteral = <E, R>(value: Effect.Effect<string | undefined, E, R>, whole: string) =>
  Effect.map(value, (value): Answer => ({ value: value ?? whole }))

const answerTo = <E, R>(inner: string, whole: string, sources: Sources<E, R>): Effect.Effect<Answer, E, R> => {
  const { kind, title } = sources
  if (inner.includes("${")) {
    return Effect.succeed({
      problem: `${whole} has a variable inside another one, which ${title} does not read; use one`
    })
  }
  const isEditor = kind === "editor" || kind === "any"
  const isShell = kind === "shell" || kind === "any"
  if (isEditor && Object.hasOwn(sources.places, inner)) {
    const value = sources.places[inner]
    return Effect.succeed(
      value === undefined ? { problem: `${whole} is not known here; give it as an option` } : { value }
    )
  }
  const [, prefix, name] = /^(\w+):(?!-)([\s\S]+)$/.exec(inner) ?? []
  if (prefix !== undefined && name !== undefined) {
    if (prefix === "env" && isEditor) {
      const [variable, ...rest] = isShell ? name.split(":-") : [name]
      return fromVariable(variable!, rest.length === 0 ? undefined : rest.join(":-"), whole, sources)
    }
    if (prefix === "env") {
      return Effect.succeed({ problem: `${whole} is how other hosts write a variable; ${title} reads \${${name}}` })
    }
    if (prefix === "input" && isEditor) return sources.input(name)
    if (/^(command|config|file)$/.test(prefix) && isEditor) {
      return Effect.succeed({
        problem: `${whole} can be filled in by ${title} alone; write the value, or \${env:NAME}`
      })
    }
  }
  const [, variable, fallback] = /^([A-Za-z_]\w*)(?::-([\s\S]*))?$/.exec(inner) ?? []
  if (variable !== undefined && (isShell || kind === "dollar")) return fromVariable(variable, fallback, whole, sources)
  return Effect.succeed({ value: whole })
}

const fromVariable = <E, R>(
  name: string,
  fallback: string | undefined,
  whole: string,
  sources: Sources<E, R>
): Effect.Effect<Answer, E, R> =>
  Effect.map(sources.variable(name), (value) => {
    if (value !== undefined && value !== "") return { value }
    return fallback === undefined
      ? { problem: `${whole} needs the environment variable ${name}, which is not set or empty; set it` }
      : { value: fallback }
  })
