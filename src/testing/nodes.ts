/** What runs for itself in a lab: a layer in a scope of its own, with its own clock, that can crash and start anew. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as LabError from "./LabError.ts"
import type * as Plan from "./plan.ts"
import * as system from "./system.ts"
import type * as World from "./world.ts"

/** How a node is set up. @category models @since 0.1.0 */
export interface NodeOptions {
  /** How much its clock is ahead of the one on the wall; behind, when negative. In milliseconds. 0. */
  readonly skew?: number
  /** How much its clock gains, as a fraction: 0.01 for a hundredth, -0.01 for losing it. 0. */
  readonly drift?: number
}

/** Something of a lab that runs for itself. @category models @since 0.1.0 */
export interface Node<ROut> {
  readonly name: string
  readonly state: () => "Up" | "Frozen" | "Down"
  /**
   * Runs the effect there, with what the node's layer has made and by the node's clock, and waits for its end. It fails
   * with `Crashed` when the node goes down meanwhile, or is down.
   */
  readonly run: <A, E, R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | LabError.LabError, Exclude<R, ROut | Scope.Scope>>
  /** What it has in its memory is gone, and no finalizer runs. */
  readonly crash: Effect.Effect<void>
  /** Builds its layer once more; it crashes before, unless it is down. Nothing, once its scope closes. */
  readonly restart: Effect.Effect<void>
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** Each of its steps takes that long from now on. */
  readonly slow: (step: Duration.Input) => Effect.Effect<void>
  /** Its life at present, for what connects nodes; undefined while it is down. */
  readonly life: () => Life<ROut> | undefined
}

/** From a start to a crash, or the end. @category models @since 0.1.0 */
export interface Life<ROut> {
  readonly owner: World.Owner
  /** Its own services, and those of its layer once that is built. */
  context: Context.Context<ROut>
  readonly scope: Scope.Closeable
  isBuilt: boolean
  /** Called when its layer is built. */
  readonly onBuilt: Set<() => void>
  /** Called when it goes down without a word. */
  readonly onCrash: Set<() => void>
}

/**
 * Builds the layer on a node of its own, which ends with the scope.
 *
 * @category nodes
 * @since 0.1.0
 */
export const node: {
  (name: string, options?: NodeOptions): Effect.Effect<
    Node<never>,
    LabError.LabError,
    system.Lab | Scope.Scope
  >
  <ROut, E, R>(
    name: string,
    layer: Layer.Layer<ROut, E, R>,
    options?: NodeOptions
  ): Effect.Effect<Node<ROut>, E | LabError.LabError, R | system.Lab | Scope.Scope>
} = <ROut, E, R>(
  name: string,
  layerOrOptions?: Layer.Layer<ROut, E, R> | NodeOptions,
  more?: NodeOptions
): Effect.Effect<Node<ROut>, E | LabError.LabError, R | system.Lab | Scope.Scope> =>
  isLayer(layerOrOptions)
    ? make(name, layerOrOptions, more)
    : make(name, Layer.empty as Layer.Layer<any, never, never>, layerOrOptions)

const isLayer = <ROut, E, R>(
  either: Layer.Layer<ROut, E, R> | NodeOptions | undefined
): either is Layer.Layer<ROut, E, R> => Layer.isLayer(either)

const make = <ROut, E, R>(
  name: string,
  layer: Layer.Layer<ROut, E, R>,
  { drift = 0, skew = 0 }: NodeOptions = {}
): Effect.Effect<Node<ROut>, E | LabError.LabError, R | system.Lab | Scope.Scope> =>
  Effect.gen(function*() {
    const lab = yield* system.Lab
    const caller = Context.omit(Tracer.ParentSpan)(yield* Effect.context<R>()) as Context.Context<R>
    const { nodes, services, world } = lab
    if (nodes.has(name) || name === system.mainName) {
      return yield* LabError.make(new LabError.Misnamed({ message: `There is a node named ${name} already` }))
    }
    let life: Life<ROut> | undefined
    /** Its scope closes: it goes down no more by a fault, and does not start anew. */
    let isOver = false
    let building = makeWork()

    const start = (): Life<ROut> => {
      const owner = world.owner(name)
      building = makeWork()
      return {
        owner,
        context: services(owner, { skewMillis: skew, drift }) as Context.Context<ROut>,
        scope: Scope.makeUnsafe(),
        isBuilt: false,
        onBuilt: new Set(),
        onCrash: new Set()
      }
    }

    /** With a memory of its own: two lives, or two nodes, share nothing that is built. */
    const build = (life: Life<ROut>): Effect.Effect<void, E | LabError.LabError> =>
      Effect.map(
        runIn(
          world,
          life,
          Effect.provideContext(
            Layer.buildWithMemoMap(layer, Layer.makeMemoMapUnsafe(), life.scope),
            Context.merge(caller, life.context)
          ),
          name,
          building
        ),
        (built) => {
          life.context = Context.merge(life.context, built)
          life.isBuilt = true
          for (const tell of life.onBuilt) tell()
        }
      )

    const crash = () => {
      if (life === undefined) return
      const { onCrash, owner } = life
      life = undefined
      world.crash(owner)
      for (const tell of onCrash) tell()
    }

    const restart: Effect.Effect<void> = Effect.suspend(() => {
      if (isOver) return Effect.void
      crash()
      const next = start()
      life = next
      world.note(name, "starts")
      const cannot = (error: E | LabError.LabError) =>
        Effect.sync(() => {
          world.note(name, `cannot start: ${error instanceof Error ? error.message : String(error)}`)
          if (life === next) crash()
        })
      return Effect.catchCause(
        Effect.matchEffect(build(next), { onFailure: cannot, onSuccess: () => Effect.void }),
        // Its scope has closed meanwhile, and interrupted what was being built.
        (cause) => isOver ? Effect.void : Effect.failCause(cause)
      )
    })

    const slow = (step: number) => {
      if (life !== undefined) life.owner.step = step
    }
    const told = (what: string, change: () => void) =>
      Effect.sync(() => {
        world.note(name, what)
        change()
      })
    const freeze = () => life !== undefined && world.freeze(life.owner)
    const thaw = () => life !== undefined && world.thaw(life.owner)

    /** Not while it is just starting: what its layer makes is not there yet. */
    const started = Effect.callback<void>((resume) => {
      const starting = life
      if (starting === undefined || starting.isBuilt) return resume(Effect.void)
      const tell = () => {
        starting.onBuilt.delete(tell)
        starting.onCrash.delete(tell)
        resume(Effect.void)
      }
      starting.onBuilt.add(tell)
      starting.onCrash.add(tell)
    })

    const self: Node<ROut> = {
      name,
      state: () => life?.owner.state ?? "Down",
      run: (effect) =>
        Effect.andThen(
          started,
          // It may have begun to start once more since.
          Effect.suspend(() => life?.isBuilt === false ? self.run(effect) : runIn(world, life, effect, name))
        ),
      crash: told("crashes", crash),
      restart,
      freeze: told("freezes", freeze),
      thaw: told("goes on", thaw),
      slow: (step) =>
        Effect.suspend(() => {
          const millis = Duration.toMillis(Duration.fromInputUnsafe(step))
          return told(`takes ${millis} ms a step`, () => slow(millis))
        }),
      life: () => life
    }

    const suffer = (fault: Plan.OnNode) => {
      const { at, key, kind, millis, step } = fault
      if (kind === "Partition") return
      world.at(at, () => {
        // What is down cannot go wrong.
        if (isOver || life === undefined || !lab.plan.takes(key)) return
        const then = (after: () => void) => {
          const suffering = life
          if (millis < Infinity) world.at(world.now() + millis, () => life === suffering && after())
        }
        const say = (what: string) => world.write({ _tag: "Fault", at: world.now(), node: name, key, what })
        switch (kind) {
          case "Crash":
            say("crashes")
            crash()
            then(() => {
              const starter = world.owner(name)
              world.post(starter, () => {
                Effect.runForkWith(services(starter, { skewMillis: skew, drift }))(restart)
              })
            })
            break
          case "Freeze":
            say(`freezes for ${millis} ms`)
            freeze()
            then(thaw)
            break
          case "Slow":
            say(`takes ${step} ms a step for ${millis} ms`)
            slow(step)
            then(() => slow(0))
        }
      })
    }

    life = start()
    nodes.set(name, self)
    yield* Effect.addFinalizer((exit) =>
      Effect.suspend(() => {
        isOver = true
        thaw()
        slow(0)
        const last = life
        if (last === undefined) return Effect.void
        const { isBuilt, scope } = last
        building.isWanted = false
        const close = Scope.close(scope, exit)
        // What has not been built closes too, what there is of it; not while it goes on to be built.
        const ended = isBuilt || building.fiber === undefined
          ? close
          : Effect.andThen(Fiber.interrupt(building.fiber), close)
        return Effect.ignore(runIn(world, last, ended, name))
      })
    )
    yield* build(life)
    for (const fault of lab.plan.onNodes) {
      if ((fault.node === name || fault.node === "*") && fault.at >= world.now()) suffer(fault)
    }
    return self
  })

/** What is done on a node for somebody, or is about to begin. */
interface Work {
  isWanted: boolean
  fiber: Fiber.Fiber<unknown, unknown> | undefined
}

const makeWork = (): Work => ({ isWanted: true, fiber: undefined })

/** On the node, with its services over the caller's; whoever asked waits on its own. */
const runIn = <A, E, R, ROut>(
  world: World.World,
  life: Life<ROut> | undefined,
  effect: Effect.Effect<A, E, R>,
  name: string,
  asked?: Work
): Effect.Effect<A, E | LabError.LabError, Exclude<R, ROut | Scope.Scope>> =>
  Effect.contextWith((caller: Context.Context<Exclude<R, ROut | Scope.Scope>>) =>
    Effect.callback<A, E | LabError.LabError>((resume) => {
      const crashed = () => resume(LabError.make(new LabError.Crashed({ node: name })))
      // Whoever asked may have given way since it looked.
      if (life === undefined || life.owner.state === "Down") return crashed()
      const work = asked ?? makeWork()
      life.onCrash.add(crashed)
      world.post(life.owner, () => {
        if (!work.isWanted) {
          life.onCrash.delete(crashed)
          return resume(Effect.interrupt)
        }
        const context = Context.merge(caller, life.context) as Context.Context<Exclude<R, Scope.Scope>>
        const fiber = Effect.runForkWith(context)(Effect.scoped(effect))
        work.fiber = fiber
        fiber.addObserver((exit) => {
          life.onCrash.delete(crashed)
          resume(exit)
        })
      })
      return Effect.sync(() => {
        work.isWanted = false
        life.onCrash.delete(crashed)
        work.fiber?.interruptUnsafe()
      })
    })
  )
