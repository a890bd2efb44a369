/** What a server is composed of, and what each part costs: groups of servers, the first of a group is its base. */
import type { Command } from "./drive/child.ts"
import { legacy } from "./drive/wire.ts"
import { build, entry, type Peer, serverOf } from "./peers.ts"

export interface Composition {
  readonly title: string
  readonly carrier: "stdio" | "http"
  readonly rows: ReadonlyArray<Peer>
}

/** `work` is where `stripPeers` left its files. */
export const compositions = (work: string): ReadonlyArray<Composition> => {
  const group = (
    title: string,
    carrier: Composition["carrier"],
    rows: ReadonlyArray<readonly [name: string, env: NonNullable<Command["env"]>]>
  ): Composition => ({
    title,
    carrier,
    rows: rows.map(([name, env]) => ({
      id: "ours",
      name,
      kind: "ours",
      eras: [legacy],
      needs: [entry],
      prepare: build(work),
      ...serverOf(work, env)
    }))
  })
  return [
    group("Middlewares that do nothing", "stdio", [
      ["none", {}],
      ["5 middlewares", { FASTMCP_BENCH_MIDDLEWARES: "5" }],
      ["10 middlewares", { FASTMCP_BENCH_MIDDLEWARES: "10" }]
    ]),
    group("One tool of many", "stdio", [
      ["10 tools", { FASTMCP_BENCH_TOOLS: "10" }],
      ["10,000 tools", { FASTMCP_BENCH_TOOLS: "10000" }]
    ]),
    group("A namespace over 1,000 tools", "stdio", [
      ["1,000 tools", { FASTMCP_BENCH_TOOLS: "1000" }],
      ["in a namespace", { FASTMCP_BENCH_TOOLS: "1000", FASTMCP_BENCH_WITHIN: "namespace" }]
    ]),
    group("Within another server", "stdio", [
      ["by itself", {}],
      ["mounted", { FASTMCP_BENCH_WITHIN: "mount" }]
    ]),
    group("A proxy in front, to a process over stdio", "stdio", [
      ["direct", {}],
      ["one hop", { FASTMCP_BENCH_WITHIN: "stdio" }]
    ]),
    group("A proxy in front, to a process over HTTP", "http", [
      ["direct", {}],
      ["one hop", { FASTMCP_BENCH_WITHIN: "http" }]
    ])
  ]
}
