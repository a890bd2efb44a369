/**
 * What a server lists, as data: to be kept in a file, compared with what the next version lists, and served by a mock.
 * What its tools do is not in it.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as McpClient from "../client/McpClient.ts"
import type * as Identity from "../context/Identity.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import * as Revisions from "../protocol/Revisions.ts"
import type * as Receiver from "../transport/Receiver.ts"
import type * as TransportError from "../transport/TransportError.ts"
import * as contractChanges from "./contractChanges.ts"
import * as McpTest from "./McpTest.ts"

/** What clients of one revision are shown. @category models @since 0.1.0 */
export const Listing = Schema.Struct({
  capabilities: McpSchema.ServerCapabilities,
  instructions: Schema.optionalKey(Schema.String),
  tools: Schema.Array(McpSchema.Tool),
  resources: Schema.Array(McpSchema.Resource),
  resourceTemplates: Schema.Array(McpSchema.ResourceTemplate),
  prompts: Schema.Array(McpSchema.Prompt)
})

/** @category models @since 0.1.0 */
export type Listing = typeof Listing.Type

/** @category models @since 0.1.0 */
export const Contract = Schema.Struct({
  server: McpSchema.Implementation,
  /** By version; a revision that is not here is not promised. */
  revisions: Schema.Record(Schema.String, Listing)
})

/** @category models @since 0.1.0 */
export type Contract = typeof Contract.Type

// ----------------------------------------------------------------------------
// where a contract comes from
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface Options {
  /** All when left out. */
  readonly revisions?: ReadonlyArray<Revisions.Version>
  /** Who is shown the lists: what others do not see is not in the contract. Nobody in particular when left out. */
  readonly identity?: Identity.Identity
}

/**
 * Builds the server and reads what it lists, in each revision.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = <E>(
  server: Layer.Layer<Receiver.Receiver, E>,
  { identity, revisions = Revisions.versions as ReadonlyArray<Revisions.Version> }: Options = {}
): Effect.Effect<Contract, E | McpError.McpError | TransportError.TransportError> =>
  Effect.gen(function*() {
    const built = Layer.succeedContext(yield* Layer.build(server))
    const read = yield* Effect.forEach(revisions, (revision) =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(built, {
          revision,
          ...(identity === undefined ? undefined : { identity })
        })
        const about = yield* introduction(client)
        const { capabilities } = about
        const has = (offered: unknown, list: Effect.Effect<ReadonlyArray<any>, McpError.McpError>) =>
          offered === undefined ? Effect.succeed([]) : list
        const lists = yield* Effect.all({
          tools: has(capabilities.tools, client.listTools),
          resources: has(capabilities.resources, client.listResources),
          resourceTemplates: has(capabilities.resources, client.listResourceTemplates),
          prompts: has(capabilities.prompts, client.listPrompts)
        })
        return { revision, server: about.server, listing: listingOf(about, lists) }
      }))
    return {
      // A later revision knows more of what a server can say of itself.
      server: read.toSorted((a, b) => a.revision < b.revision ? 1 : -1)[0]?.server ?? { name: "", version: "" },
      revisions: Object.fromEntries(read.map(({ listing, revision }) => [revision, listing]))
    }
  }).pipe(Effect.scoped)

/**
 * The same of a server that a client is connected to, wherever it is, in the revision that they speak.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ofClient = (client: McpClient.Client): Effect.Effect<Contract, McpClient.CallError> =>
  Effect.gen(function*() {
    const anew: McpClient.CallOptions = { refresh: true, unchecked: true }
    const lists = yield* Effect.all({
      tools: client.listTools(anew),
      resources: client.listResources(anew),
      resourceTemplates: client.listResourceTemplates(anew),
      prompts: client.listPrompts(anew)
    })
    const { capabilities, info = { name: "", version: "" }, instructions, revision } = client.server()
    return { server: info, revisions: { [revision]: listingOf({ capabilities, instructions }, lists) } }
  })

const listingOf = (
  about: { readonly capabilities: McpSchema.ServerCapabilities; readonly instructions?: string | undefined },
  lists: Omit<Listing, "capabilities" | "instructions">
): Listing => ({
  capabilities: about.capabilities,
  ...(about.instructions === undefined ? undefined : { instructions: about.instructions }),
  ...lists
})

/** What the server has said of itself: in its first answer, or when it is asked. */
const introduction = (client: McpTest.Client) =>
  Effect.map(
    client.revision < "2026-07-28"
      ? Effect.map(client.frames, ([frame]) => (JsonRpc.parse(frame!) as JsonRpc.Response).result!)
      : client.request("server/discover"),
    (result) => {
      const { _meta, capabilities, instructions, serverInfo = (_meta as JsonObject | undefined)?.[Meta.serverInfo] } =
        result
      return {
        capabilities: capabilities as McpSchema.ServerCapabilities,
        instructions: instructions as string | undefined,
        server: serverInfo as unknown as McpSchema.Implementation
      }
    }
  )

// ----------------------------------------------------------------------------
// files
// ----------------------------------------------------------------------------

/** As text for a file, the same for the same contract. @category encoding @since 0.1.0 */
export const encode = (contract: Contract): string => `${JSON.stringify(contract, null, 2)}\n`

/** What `encode` wrote. @category encoding @since 0.1.0 */
export const decode: (text: string) => Effect.Effect<Contract, Schema.SchemaError> = Schema.decodeUnknownEffect(
  Schema.fromJsonString(Contract)
)

// ----------------------------------------------------------------------------
// what has changed
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export type Kind = "server" | "tool" | "resource" | "resource template" | "prompt"

/** One thing that is not as it was. @category models @since 0.1.0 */
export interface Change {
  readonly kind: Kind
  /** Its name, or what stands for one: a resource's URI, a template's text. */
  readonly name: string
  /** Where in it: `arguments.text`, `result.items[].id`, `annotations.readOnlyHint`. Empty for the whole. */
  readonly path: string
  /** Whether who uses the server as it was may fail with it as it is. */
  readonly isBreaking: boolean
  /** What has changed and, where it breaks, for whom. */
  readonly message: string
  /** In which revisions, newest first. */
  readonly revisions: ReadonlyArray<string>
}

/**
 * What is not as it was, breaking changes first, each once with the revisions in which it can be seen. A caller may send
 * all that the old input schema takes and reads all that the old output schema promises: less taken or less promised is
 * a break, the reverse is not.
 *
 * @category comparisons
 * @since 0.1.0
 */
export const diff = (before: Contract, after: Contract): ReadonlyArray<Change> => {
  const found = new Map<string, Change>()
  const versions = [...new Set([...Object.keys(before.revisions), ...Object.keys(after.revisions)])].toSorted()
    .reverse()
  const add = (change: Omit<Change, "revisions">, revision: string) => {
    const key = JSON.stringify([change.kind, change.name, change.path, change.message])
    found.set(key, { ...change, revisions: [...found.get(key)?.revisions ?? [], revision] })
  }
  for (const revision of versions) {
    const [was, is] = [before.revisions[revision], after.revisions[revision]]
    const whole = { kind: "server", name: after.server.name, path: "revisions" } as const
    if (was === undefined) add({ ...whole, isBreaking: false, message: `speaks ${revision}` }, revision)
    else if (is === undefined) {
      add(
        { ...whole, isBreaking: true, message: `speaks ${revision} no more: clients that know no other are lost` },
        revision
      )
    } else for (const change of between(before, after, was, is)) add(change, revision)
  }
  return [...found.values()].toSorted((a, b) => Number(b.isBreaking) - Number(a.isBreaking))
}

type OfRevision = Omit<Change, "revisions">

const between = (before: Contract, after: Contract, was: Listing, is: Listing): ReadonlyArray<OfRevision> => {
  const server = { kind: "server", name: after.server.name } as const
  const reworded = (path: string, old: unknown, now: unknown): ReadonlyArray<OfRevision> =>
    old === now ? [] : [{ ...server, path, isBreaking: false, message: "says something else" }]
  return [
    ...reworded("name", before.server.name, after.server.name),
    ...reworded("instructions", was.instructions, is.instructions),
    ...contractChanges.capabilities(was.capabilities, is.capabilities).map((found) => ({ ...server, ...found })),
    ...each("tool", was.tools, is.tools, ({ name }) => name, contractChanges.tools),
    ...each("resource", was.resources, is.resources, ({ uri }) => uri, contractChanges.resources),
    ...each(
      "resource template",
      was.resourceTemplates,
      is.resourceTemplates,
      ({ uriTemplate }) => uriTemplate,
      contractChanges.resources
    ),
    ...each("prompt", was.prompts, is.prompts, ({ name }) => name, contractChanges.prompts)
  ]
}

const each = <A>(
  kind: Kind,
  before: ReadonlyArray<A>,
  after: ReadonlyArray<A>,
  nameOf: (listed: A) => string,
  compare: (before: A, after: A) => ReadonlyArray<contractChanges.Difference>
): ReadonlyArray<OfRevision> => {
  const [had, has] = [before, after].map((list) => new Map(list.map((listed) => [nameOf(listed), listed] as const)))
  return [
    ...[...had!].flatMap(([name, listed]) => {
      const now = has!.get(name)
      return now === undefined
        ? [{ kind, name, path: "", isBreaking: true, message: "is gone: who uses it fails" }]
        : compare(listed, now).map((found) => ({ kind, name, ...found }))
    }),
    ...[...has!.keys()].flatMap((name) =>
      had!.has(name) ? [] : [{ kind, name, path: "", isBreaking: false, message: "is new" }]
    )
  ]
}

/** @category comparisons @since 0.1.0 */
export const isBreaking = (changes: ReadonlyArray<Change>): boolean => changes.some(({ isBreaking }) => isBreaking)

/** For people: a line a change. @category encoding @since 0.1.0 */
export const report = (changes: ReadonlyArray<Change>): string =>
  changes.map(({ isBreaking, kind, message, name, path, revisions }) =>
    `${isBreaking ? "breaks" : "fits  "}  ${kind} ${JSON.stringify(name)}${
      path === "" ? "" : `, ${path}`
    }: ${message} (${revisions.join(", ")})\n`
  ).join("")

export {
  /**
   * A server that lists what the contract does and answers from it; see the guide of the test kit.
   *
   * @category layers
   * @since 0.1.0
   */
  mock
} from "./mocking.ts"
