/**
 * What a server gives another one to serve: its definitions as they are listed there, each of which answers here. A call
 * that comes this way is the same request, on the same fiber; it gets this server's services, middleware, limits and
 * visibility, and keeps its caller, its client and what is left of its budget.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Challenge from "../context/Challenge.ts"
import * as Identity from "../context/Identity.ts"
import * as RequestContext from "../context/RequestContext.ts"
import * as Budget from "../core/Budget.ts"
import type * as Completion from "../definition/Completion.ts"
import * as Definition from "../definition/Definition.ts"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as Prompt from "../definition/Prompt.ts"
import type * as Provider from "../definition/Provider.ts"
import * as Resource from "../definition/Resource.ts"
import * as ResourceTemplate from "../definition/ResourceTemplate.ts"
import * as Tool from "../definition/Tool.ts"
import * as Middleware from "../middleware/Middleware.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Tracing from "../telemetry/Tracing.ts"
import type * as Admission from "../transport/Admission.ts"
import * as handlerContext from "./internal/handlerContext.ts"
import * as lists from "./internal/lists.ts"
import * as permission from "./internal/permission.ts"
import * as resources from "./internal/resources.ts"
import * as siblings from "./internal/siblings.ts"
import * as tools from "./internal/tools.ts"
import * as turn from "./internal/turn.ts"
import * as mounts from "./mounts.ts"
import type * as registry from "./registry.ts"
import type * as subscriptions from "./subscriptions.ts"
import type * as watched from "./watched.ts"

export interface Options {
  readonly node: mounts.Node
  readonly registry: registry.Registry
  readonly updates: subscriptions.Updates
  readonly watched: watched.Watched
  readonly siblings: handlerContext.Siblings
  readonly middleware: Middleware.Wrap<never> | undefined
  /** The server's own services. */
  readonly services: Context.Context<never>
  readonly isVisible: lists.IsVisible
  /** Whether the server itself decides who sees what, beside the definitions. */
  readonly isRestricted: boolean
  readonly listForbidden: boolean
  readonly strict: boolean
  readonly cacheHints: McpSchema.CacheHints
  readonly limit: Semaphore.Semaphore | undefined
  readonly sessionConcurrency: number | undefined
  readonly budget: Budget.Budget
  /** Milliseconds; Infinity for no limit. */
  readonly requestTimeout: number
  readonly admission: Admission.Admission["Service"] | undefined
}

/** How a server is mounted. */
export interface Mounting {
  /** What errors call it. */
  readonly name: string | undefined
  /** Whether later changes follow. */
  readonly live: boolean
  /** All of them when undefined. */
  readonly only: ReadonlyArray<registry.ListName> | undefined
}

export type Mounted = (mounting: Mounting) => Stream.Stream<ReadonlyArray<Copy>, DefinitionError.DefinitionError>

/** What answers for a definition in another server. */
export type Copy =
  | Tool.Handled<string, any, any, any, RequestContext.RequestContext>
  | Resource.Handled<string, any, RequestContext.RequestContext>
  | ResourceTemplate.Handled<string, any, any, RequestContext.RequestContext>
  | Prompt.Handled<string, any, RequestContext.RequestContext>

export const make = (options: Options): Mounted => {
  const shared: Shared = { ...options, homeOf: homes(options) }
  return (mounting) => catalogues(shared, mounting)
}

interface Shared extends Options {
  readonly homeOf: ReturnType<typeof homes>
}

const catalogues = (options: Shared, { live, name = options.node.name, only }: Mounting): ReturnType<Mounted> =>
  Stream.unwrap(Effect.gen(function*() {
    const door = yield* opening(options.admission)
    const copyOf = copying(options, door, name)
    const { prompts, resources, templates, tools } = options.registry
    const has = (list: registry.ListName) => only === undefined || only.includes(list)
    const catalogue = (): ReadonlyArray<Copy> => [
      ...has("tools") ? tools.all().map(copyOf.tool) : [],
      ...has("resources") ? [...resources.all().map(copyOf.resource), ...templates.all().map(copyOf.template)] : [],
      ...has("prompts") ? prompts.all().map(copyOf.prompt) : []
    ]
    if (!live) return Stream.sync(catalogue)
    yield* mounts.join(options.node)
    const changed = yield* Queue.sliding<void>(1)
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        options.registry.onChange((list) => {
          if (has(list)) Queue.offerUnsafe(changed, undefined)
        })
      ),
      (unsubscribe) => Effect.sync(unsubscribe)
    )
    return Stream.map(Stream.concat(Stream.succeed(undefined), Stream.fromQueue(changed)), catalogue)
  }))

// ----------------------------------------------------------------------------
// who is let in
// ----------------------------------------------------------------------------

/** What the server's `Admission` says of callers whom the server it is mounted in has let in. */
interface Door {
  readonly isGuarded: boolean
  /** Why this caller is not let in. */
  readonly refusal: (identity: Identity.Identity) => Admission.Refused | undefined
  /** Who this caller is here: nobody in particular may be somebody. */
  readonly identityOf: (identity: Identity.Identity) => Identity.Identity
}

const open: Door = { isGuarded: false, refusal: () => undefined, identityOf: (identity) => identity }

/** Who is known there is known here. Nobody in particular is who brings nothing along, and that is asked once. */
const opening = (admission: Admission.Admission["Service"] | undefined): Effect.Effect<Door> =>
  admission === undefined ? Effect.succeed(open) : Effect.map(
    admission.admit({ transport: "memory", header: () => undefined }),
    (verdict): Door => ({
      isGuarded: true,
      refusal: (identity) => {
        if (!Identity.isAuthenticated(identity)) return verdict._tag === "Refused" ? verdict : undefined
        const lacking = admission.lacks?.(identity.scopes) ?? []
        if (lacking.length === 0) return undefined
        const error = McpError.make(new McpError.InsufficientScope({ scopes: lacking }))
        return { _tag: "Refused", status: 403, headers: admission.challenge(error), error }
      },
      identityOf: (identity) =>
        verdict._tag === "Refused" || Identity.isAuthenticated(identity)
          ? identity
          : Context.get(verdict.context, Identity.CurrentIdentity)
    })
  )

// ----------------------------------------------------------------------------
// definitions
// ----------------------------------------------------------------------------

type Any = registry.Registered<registry.AnyDefinition>

type Argument = McpSchema.CompleteParams["argument"]

/** One copy of each, so that what has not changed is the same in the next catalogue. */
const copying = (options: Shared, door: Door, mount: string) => {
  const { isVisible, listForbidden, registry } = options
  const { enter, visit } = entering(options, door, mount)
  const isListed = lists.isListed(options)

  /** Somebody the server around it sees, as this one does. */
  const here = ({ identity, session, ...viewer }: Definition.Viewer): { readonly viewer: Definition.Viewer } => ({
    viewer: {
      ...viewer,
      identity: door.identityOf(identity),
      session: session === undefined ? undefined : handlerContext.mountedValues(session, mount)
    }
  })

  const once = <R extends Any, D extends Provider.AnyDefinition>(copy: (registered: R) => D) => {
    const copies = new WeakMap<R, D>()
    return (registered: R): D => {
      let known = copies.get(registered)
      if (known === undefined) {
        known = Definition.from({ ...copy(registered), ...kept(registered) }, `mount ${mount}`)
        copies.set(registered, known)
      }
      return known
    }
  }

  const kept = (registered: Any): Pick<Definition.Common, "source" | "visible" | "scopes" | "listed" | "unlisted"> => {
    const { listed, scopes, source, unlisted, visible } = registered.definition
    const isForSome = door.isGuarded || (scopes !== undefined && scopes.length > 0)
    return {
      source,
      unlisted,
      visible: options.isRestricted || visible !== undefined
        ? (viewer) => isVisible(registered, here(viewer))
        : undefined,
      // Where the server decides by itself who somebody is, nobody else can tell what they may do.
      scopes: door.isGuarded ? undefined : scopes,
      listed: listForbidden || !isForSome
        ? listed
        : (viewer) => isListed(registered, here(viewer)) && door.refusal(viewer.identity) === undefined
    }
  }

  /** What of a definition its server decides before the handler runs. */
  const guard =
    (registered: Any, missing: () => McpError.McpError) =>
    (request: handlerContext.HandlerContext): McpError.McpError | undefined =>
      isVisible(registered, request) ? permission.refusal(registered.definition, request) : missing()

  const updatesOf = (uri: string): Stream.Stream<void> =>
    Stream.callback((queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const stop = options.updates.subscribe((updated) => {
            if (updated === uri) Queue.offerUnsafe(queue, undefined)
          })
          const release = options.watched(uri)
          return () => {
            stop()
            release()
          }
        }),
        (close) => Effect.sync(close)
      ), { bufferSize: 1, strategy: "sliding" })

  const reading = (
    registered: Any,
    uri: string,
    read: () => Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError>
  ) =>
    enter({
      method: "resources/read",
      target: uri,
      attributes: { [Tracing.attributes.resourceUri]: uri },
      registered,
      params: { uri },
      guard: guard(registered, () => McpError.make(new McpError.ResourceNotFound({ uri }))),
      isLimited: true,
      answer: () =>
        Effect.map(lists.forOne(registered.definition, read()), (result) => ({
          ...result,
          cacheHints: { ...options.cacheHints, ...result.cacheHints }
        }))
    })

  const completing = (
    registered: Any,
    ref: McpSchema.CompleteParams["ref"],
    missing: () => McpError.McpError,
    answer: (
      argument: Argument,
      known: Completion.Context
    ) => Effect.Effect<McpSchema.CompleteResult, McpError.McpError>
  ) =>
  (argument: Argument, context: Completion.Context | undefined) =>
    enter({
      method: "completion/complete",
      target: registered.name,
      attributes: {},
      registered,
      params: { ref, argument, ...(context === undefined ? undefined : { context }) },
      guard: guard(registered, missing),
      answer: () => answer(argument, context ?? { arguments: {} })
    })

  return {
    tool: once((registered: registry.RegisteredTool) => {
      const { definition: tool, name } = registered
      const strict = tool.strict ?? (options.strict ? true : undefined)
      const isAllowed = guard(registered, () => McpError.make(new McpError.ToolNotFound({ name })))
      return Tool.relay(
        (listing) => Tool.describe(tool, { strict: strict ?? listing.strict }),
        (input, outer) => {
          const params = { name, arguments: input }
          const calls = { tools: registry.tools, isVisible, strict: options.strict || outer?.strict === true }
          return enter<McpSchema.CallToolResult>({
            method: "tools/call",
            target: name,
            attributes: { [Tracing.attributes.toolName]: name },
            registered,
            tool,
            params,
            guard: (request) => isAllowed(request) ?? tools.checkCapabilities(tool, request),
            isLimited: true,
            answer: (request) =>
              tools.respond(registered, params, request, calls, undefined) as Effect.Effect<
                McpSchema.CallToolResult,
                McpError.McpError
              >
          })
        },
        {
          ...(tool.requires === undefined ? undefined : { requires: tool.requires }),
          task: tool.task ?? "forbidden",
          ...(strict === undefined ? undefined : { strict }),
          ...(tool.cache === undefined ? undefined : { cache: tool.cache })
        }
      )
    }),
    resource: once((registered: registry.RegisteredResource) => {
      const { definition, description: listed, name: uri } = registered
      const resource = definition as Resource.Handled<string, any, never>
      return Resource.relay(
        { listed, read: () => reading(registered, uri, () => Resource.respond(resource, uri)) },
        { updates: updatesOf(uri) }
      )
    }),
    template: once((registered: registry.RegisteredTemplate) => {
      const { definition, description: listed, name } = registered
      const template = definition as ResourceTemplate.Handled<string, any, any, never>
      const missing = (uri: string) => McpError.make(new McpError.ResourceNotFound({ uri }))
      return ResourceTemplate.relay(
        {
          listed,
          read: (uri) =>
            reading(registered, uri, () => {
              const values = ResourceTemplate.match(template, uri)
              return values === undefined
                ? Effect.fail(missing(uri))
                : values === "Unsafe"
                ? Effect.fail(resources.unsafe(uri))
                : ResourceTemplate.respond(template, uri, values)
            }),
          complete: completing(
            registered,
            { type: "ref/resource", uri: name },
            () => missing(name),
            (argument, known) => ResourceTemplate.complete(template, argument, known)
          )
        },
        {
          updates: updatesOf,
          list: template.list === undefined
            ? undefined
            : visit("resources/list", registered, () => ResourceTemplate.list(template), [])
        }
      )
    }),
    prompt: once((registered: registry.RegisteredPrompt) => {
      const { definition, description: listed, name } = registered
      const prompt = definition as Prompt.Handled<string, any, never>
      const missing = () => McpError.make(new McpError.PromptNotFound({ name }))
      return Prompt.relay({
        listed,
        get: (arguments_) =>
          enter({
            method: "prompts/get",
            target: name,
            attributes: { [Tracing.attributes.promptName]: name },
            registered,
            params: { name, ...(arguments_ === undefined ? undefined : { arguments: arguments_ }) },
            guard: guard(registered, missing),
            isLimited: true,
            answer: () => Prompt.respond(prompt, arguments_)
          }),
        complete: completing(
          registered,
          { type: "ref/prompt", name },
          missing,
          (argument, known) => Prompt.complete(prompt, argument, known)
        )
      })
    })
  }
}

// ----------------------------------------------------------------------------
// answers
// ----------------------------------------------------------------------------

interface Entry<A> {
  readonly method: string
  /** A name or a URI, as this server has it. */
  readonly target: string
  readonly attributes: { readonly [key: string]: string }
  readonly registered: Any
  readonly tool?: Tool.Any
  readonly params: object
  /** Why its caller may not use it, if so. */
  readonly guard: (request: handlerContext.HandlerContext) => McpError.McpError | undefined
  /** Whether it waits for its turn. */
  readonly isLimited?: boolean
  readonly answer: (request: handlerContext.HandlerContext) => Effect.Effect<A, McpError.McpError>
}

/** How the request of another server comes in here, and is answered. */
const entering = (options: Shared, door: Door, mount: string) => {
  const { homeOf, middleware, services } = options
  const spans = Tracing.makeSpans(services)
  const clock = Context.get(services, Clock.Clock)

  const answered = <A extends object>(
    entry: Entry<A>,
    request: handlerContext.HandlerContext,
    limits: ReadonlyArray<Semaphore.Semaphore>
  ): Effect.Effect<A, McpError.McpError> => {
    const { method, params, registered, tool } = entry
    const refused = entry.guard(request)
    const wrapped = { method, params, context: request, tool: refused === undefined ? tool : undefined }
    if (refused !== undefined) {
      return siblings.wrapped<A>(middleware, { ...wrapped, refused }, Effect.fail(refused))
    }
    let answer = entry.answer(request)
    if (entry.isLimited === true && limits.length > 0) {
      request.turn = turn.make(limits, request.turns)
      answer = request.turn.run(answer)
    }
    const { scopes } = registered.definition
    return scopes === undefined
      ? siblings.wrapped(middleware, wrapped, answer)
      : Effect.mapError(siblings.wrapped(middleware, wrapped, answer), (error) => Challenge.include(error, scopes))
  }

  /**
   * Runs with the services of a definition, as a part of the request that reached it. `orElse` is for those who are not
   * let in.
   */
  const visit = <A>(
    method: string,
    { context, name }: Pick<Any, "context" | "name">,
    answer: (
      request: handlerContext.HandlerContext,
      limits: ReadonlyArray<Semaphore.Semaphore>,
      running: Budget.Running
    ) => Effect.Effect<A, McpError.McpError>,
    orElse?: A
  ): Effect.Effect<A, McpError.McpError, RequestContext.RequestContext> =>
    Effect.contextWith((current: Context.Context<RequestContext.RequestContext>) => {
      const outer = Context.get(current, RequestContext.RequestContext)
      if (!(outer instanceof handlerContext.HandlerContext)) return Effect.fail(alone)
      if (outer.mounts.length >= mounts.maxDepth) return Effect.fail(tooDeep)
      const { home, limits } = homeOf(outer.home)
      const request = outer.mounted(home, method, name, mount)
      let own = Context.add(Middleware.reassembled(current, context), RequestContext.RequestContext, request)
      if (door.isGuarded) {
        const identity = Context.get(current, Identity.CurrentIdentity)
        const refused = door.refusal(identity)
        if (refused !== undefined) {
          if (orElse !== undefined) return Effect.succeed(orElse)
          request.root.challenge = refused.headers
          return Effect.fail(refused.error)
        }
        request.services = Identity.context(door.identityOf(identity))
        own = Context.merge(own, request.services)
      }
      const running = Context.get(current, Budget.CurrentBudget)
      return Effect.updateContext(answer(request, limits, running), () => own)
    })

  const enter = <A extends object>(
    entry: Entry<A>
  ): Effect.Effect<A, McpError.McpError, RequestContext.RequestContext> =>
    visit(entry.method, { context: entry.registered.context, name: entry.target }, (request, limits, running) => {
      const now = clock.currentTimeMillisUnsafe()
      const answer = bounded(options, request, running, now, answered(entry, request, limits))
      return spans === undefined ? answer : traced(spans, clock, now, entry, answer)
    })

  return { enter, visit }
}

const alone = McpError.invalidRequest(
  "What a server has from a mount answers the requests of that server; it does not run alone."
)

const tooDeep = McpError.invalidRequest(`A request may go through ${mounts.maxDepth} mounts at most.`)

/** What the requests of one connection have in common here; made once for each. */
const homes = ({ limit, sessionConcurrency, siblings }: Options) => {
  const known = new WeakMap<handlerContext.Home, {
    readonly home: handlerContext.Home
    readonly limits: ReadonlyArray<Semaphore.Semaphore>
  }>()
  return (outer: handlerContext.Home) => {
    let found = known.get(outer)
    if (found === undefined) {
      const limits = [
        limit,
        sessionConcurrency === undefined ? undefined : Semaphore.makeUnsafe(sessionConcurrency)
      ].filter((limit) => limit !== undefined)
      const { connection, task } = outer
      found = {
        home: {
          connection,
          siblings,
          backChannel: (request) => outer.backChannel(request),
          ...(task === undefined ? undefined : { task })
        },
        limits
      }
      known.set(outer, found)
    }
    return found
  }
}

/**
 * Under the server's own limits, too. Where what is left of the request is less than they allow, as it is between two
 * servers that allow the same, nothing has to be watched.
 */
const bounded = <A>(
  { budget, requestTimeout }: Options,
  request: handlerContext.HandlerContext,
  running: Budget.Running,
  now: number,
  answer: Effect.Effect<A, McpError.McpError>
): Effect.Effect<A, McpError.McpError> => {
  // A task outlives the time of a request, here as in its own server.
  const millis = request.taskId === undefined ? requestTimeout : Infinity
  const isLimited = budget.deadline !== Infinity || budget.pollQuota !== Infinity || budget.costQuota !== Infinity
    || budget.priority > running.budget.priority
  const isCovered = millis === Infinity
    || (request.depth === 0 && !running.isHeld && running.deadline <= now + millis)
  return !isLimited && isCovered
    ? answer
    : Budget.nested(answer, millis === Infinity ? budget : { ...budget, timeout: millis })
}

const traced = <A>(
  spans: Tracing.Spans,
  clock: Clock.Clock,
  now: number,
  { attributes, method, registered, target }: Entry<any>,
  answer: Effect.Effect<A, McpError.McpError>
): Effect.Effect<A, McpError.McpError> =>
  Effect.contextWith((current: Context.Context<never>) => {
    const name = Tracing.spanName(method, Resource.isResource(registered.definition) ? undefined : target)
    const span = spans.start(name, "internal", Context.getOrUndefined(current, Tracer.ParentSpan), now)
    span.attribute(Tracing.attributes.method, method)
    for (const [key, value] of Object.entries(attributes)) span.attribute(key, value)
    return Effect.onExit(
      Effect.provideService(answer, Tracer.ParentSpan, span),
      (exit) => Effect.sync(() => spans.end(span, exit, clock.currentTimeMillisUnsafe()))
    )
  })
