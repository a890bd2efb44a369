/** The parts of `docs/reference/client-interop.md` that are made of what the tests saw, one for each server. */
import * as Fs from "node:fs"
import { table } from "../support/markdown.ts"
import type * as clientHarness from "./clientHarness.ts"
import { type Feature, features, type Peer, titleOf } from "./clientPeer.ts"

const page = new URL("../../docs/reference/client-interop.md", import.meta.url)

const begin = (id: string) => `<!-- Written by npm run generate from what test/interop saw: ${id}. -->\n`
const end = "\n<!-- The end of what is generated. -->"

/** The page before, within and after the marks of a server. */
const parts = (id: string): readonly [before: string, part: string, after: string] => {
  const text = Fs.readFileSync(page, "utf8")
  const from = text.indexOf(begin(id)) + begin(id).length
  const to = text.indexOf(end, from - 1)
  if (from < begin(id).length || to < 0) throw new Error(`the page has lost its marks for ${id}`)
  return [text.slice(0, from), text.slice(from, to), text.slice(to)]
}

export const read = (id: string): string => parts(id)[1]

export const write = (id: string, part: string): void => {
  const [before, , after] = parts(id)
  Fs.writeFileSync(page, before + part + after)
}

/** What was seen in a cell, as it is told to be there. */
export type Seen = (wire: clientHarness.Wire, feature: Feature) => string

export const render = ({ features: of, wires }: Peer, seen: Seen): string => {
  const reasons = new Map<string, Set<string>>()
  for (const wire of wires) {
    for (const [feature, proof] of Object.entries(of(wire))) {
      if (typeof proof !== "function") reasons.set(feature, (reasons.get(feature) ?? new Set()).add(proof.since))
    }
  }
  return [
    "",
    table(
      ["", ...wires.map(titleOf)],
      features.map((feature) => [feature, ...wires.map((wire) => seen(wire, feature))])
    ),
    ...(reasons.size === 0
      ? []
      : [
        features.flatMap((feature) => {
          const since = reasons.get(feature)
          return since === undefined ? [] : [`- ${feature}: ${[...since].join("; ")}`]
        }).join("\n")
      ])
  ].join("\n\n").slice(1) + "\n"
}
