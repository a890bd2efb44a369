/**
 * Tasks of a server: calls of tools that outlive their request, the connection, the process and the machine. An extension
 * on a `Docket`, in both forms: as 2025-11-25 has them, where the client asks for a task, and as
 * `io.modelcontextprotocol/tasks` of 2026-07-28, where the server decides. A tool opts in with its `task` option, and its
 * handler is the same as ever.
 *
 * A task belongs to the principal that made it, and to others does not exist. Callers who are nobody in particular have
 * theirs in common: who knows an id of 128 random bits has the task.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type * as RequestContext from "../context/RequestContext.ts"
import * as DefinitionError from "../definition/DefinitionError.ts"
import * as Docket from "../docket/Docket.ts"
import * as DocketRecords from "../docket/DocketRecords.ts"
import * as Worker from "../docket/Worker.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Extension from "../server/Extension.ts"
import * as creating from "./creating.ts"
import * as legs from "./legs.ts"
import * as serving from "./serving.ts"
import * as TaskSchema from "./TaskSchema.ts"
import * as watching from "./watching.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * How long a task is kept from its creation, whatever has become of it; what still runs then is ended. As a client of
   * 2025-11-25 wants it, else 1 hour.
   */
  readonly ttl?: Duration.Input
  /** The most a client gets, and `Duration.infinity` for as long as the docket is. 1 day. */
  readonly maxTtl?: Duration.Input
  /** How often clients are asked to look. 1 second. */
  readonly pollInterval?: Duration.Input
  /** Tasks of one caller that have not ended, above which more are refused with 429. 1000. */
  readonly maxUnfinished?: number
  /**
   * Who gets `tasks/list` (2025-11-25): callers who are known, or everybody, which is for servers with one caller, as on
   * stdio, for the tasks of all who are nobody in particular are one list. Nobody when left out.
   */
  readonly list?: "identified" | "everybody"
  /** Tasks on one page. 100. */
  readonly pageSize?: number
  /** Claims of the caller that handlers find in its identity; its scopes, as they were at the call, they always find. None. */
  readonly claims?: ReadonlyArray<string>
  /**
   * How this process runs tasks, or false for one that only makes and shows them, and has others run them. 10 at a time.
   */
  readonly worker?: Worker.Options | false
  /** What its tasks are called in the docket, `mcp <name>`: servers with the same tools share them. The server's name. */
  readonly name?: string
}

/**
 * The extension, made while its server is built: `McpServer.layer({ extensions: [McpTasks.extension()] })`.
 *
 * **Details**
 *
 * - The docket says how durable a task is. Its row is written before the call is answered.
 * - A run of a task holds a worker; a task that waits for an answer holds none.
 * - Middleware stands around the call that makes a task, whose result it then is, and around each run.
 * - A handler finds the identity of its caller with the scopes of then, no token, no session and no connection: logs go
 *   to the server alone, and what it says of its progress is the task's status message.
 *
 * @category constructors
 * @since 0.1.0
 */
export const extension = (
  options: Options = {}
): Effect.Effect<
  Extension.Extension<RequestContext.RequestContext>,
  DefinitionError.DefinitionError,
  Docket.Docket | DocketRecords.DocketRecords
> => make(options)

const make = Effect.fnUntraced(function*(options: Options) {
  const wrong = problemOf(options)
  if (wrong !== undefined) {
    return yield* DefinitionError.make(
      new DefinitionError.InvalidDefinition({ name: `The extension ${TaskSchema.extensionId}`, message: wrong })
    )
  }
  const docket = yield* Docket.Docket
  const records = yield* DocketRecords.DocketRecords
  const server = creating.make(docket, records, options)
  const methods = serving.make(server, options)
  return Extension.make<RequestContext.RequestContext, never, RequestContext.RequestContext | Scope.Scope>({
    id: TaskSchema.extensionId,
    eras: ["Stateless"],
    capabilities: (era) =>
      era === "Stateless" ? {} : {
        tasks: {
          ...options.list !== undefined && { list: {} },
          cancel: {},
          requests: { tools: { call: {} } }
        }
      },
    wrap: creating.wrap(server),
    methods,
    listenFilters: { taskIds: { params: McpSchema.TaskIds, listen: watching.listen(server) } },
    attach: (host) =>
      Effect.flatMap(FiberSet.makeRuntime(), (fork) => {
        const name = options.name ?? host.serverInfo.name
        // What one tenant has left on a docket they share is not for the server of another.
        const task = server.attach(host, host.tenant === undefined ? name : JSON.stringify([name, host.tenant]), fork)
        return options.worker === false
          ? Effect.void
          : Effect.provideService(
            Worker.make([legs.handle(task, host, server.release)], options.worker),
            DocketRecords.DocketRecords,
            records
          )
      })
  })
})

const problemOf = (options: Options): string | undefined => {
  for (const option of ["maxUnfinished", "pageSize"] as const) {
    const value = options[option]
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      return `its ${option} is a whole number of at least 1, not ${value}`
    }
  }
  for (const option of ["ttl", "maxTtl", "pollInterval"] as const) {
    const value = options[option]
    if (value !== undefined && !(Duration.toMillis(Duration.fromInputUnsafe(value)) >= 1)) {
      return `its ${option} is a time of at least 1 millisecond`
    }
  }
  if (options.pollInterval !== undefined && !Duration.isFinite(Duration.fromInputUnsafe(options.pollInterval))) {
    return "its pollInterval comes to an end"
  }
  return undefined
}
