/** What several nodes share: a store that lives on a node of its own, and is called over a link. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Faults from "./Faults.ts"
import type * as LabError from "./LabError.ts"
import * as links from "./links.ts"
import * as nodes from "./nodes.ts"
import * as remote from "./remote.ts"
import * as Seeded from "./seeded.ts"
import * as system from "./system.ts"
import type * as World from "./world.ts"

/** @category models @since 0.1.0 */
export interface StoreOptions<I, S> extends nodes.NodeOptions {
  readonly name: string
  readonly service: Context.Key<I, S>
  /**
   * What a call fails with that is not done, or whose answer gets lost: what the store's real layers fail with when
   * nobody can be reached. Without it such a call is a defect.
   */
  readonly unavailable?: () => unknown
}

/** A store on a node of its own, and the layer by which others use it. @category models @since 0.1.0 */
export interface Store<I> {
  readonly node: nodes.Node<I>
  readonly layer: Layer.Layer<I>
}

/**
 * Puts a store that is in memory on a node of its own. Each method that gives an effect becomes a call over the link
 * `caller>name`: it takes its time there and back, goes on when its caller is gone, and is subject to faults. What else
 * the service has is used as it is, but for `isShared`: nodes do share it.
 *
 * @category nodes
 * @since 0.1.0
 */
export const store = <I, S extends object, E, R>(
  layer: Layer.Layer<I, E, R>,
  { name, service, unavailable, ...options }: StoreOptions<I, S>
): Effect.Effect<Store<I>, E | LabError.LabError, R | system.Lab | Scope.Scope> =>
  Effect.gen(function*() {
    const lab = yield* system.Lab
    const node = yield* nodes.node(name, layer, options)
    const inner = remote.ofLife(node, (life) => Context.get(life.context, service))
    const counts = new Map<string, number>()
    const seeded = Seeded.make(lab.world.seed, `store ${name}`)
    const failure = (): Exit.Exit<never, unknown> =>
      unavailable === undefined
        ? Exit.die(new Error(`${name} cannot be reached; give the store an \`unavailable\` to fail with`))
        : Exit.fail(unavailable())

    /** On its way to the store, there, and back. */
    const call = (
      here: World.Owner,
      caller: Context.Context<never>,
      member: string,
      effect: () => Effect.Effect<unknown, unknown, unknown>,
      resume: (exit: Exit.Exit<unknown, unknown>) => void
    ) => {
      const { plan, world } = lab
      const link = `${here.name}>${name}`
      const count = (counts.get(link) ?? 0) + 1
      counts.set(link, count)
      world.note(here.name, `asks   ${link} ${count}: ${member}`)
      const pair = { from: here.name, to: name }
      const isParted = () => system.isParted(lab, here.name, name)
      let way = links.latency(lab, seeded)
      let isDone = true
      let isAnswered = true
      for (const { key, kind, millis } of plan.message(pair, link, count, world.now(), kinds)) {
        const what = links.tell(kind, link, count, millis)
        world.write({ _tag: "Fault", at: world.now(), node: here.name, key, what })
        if (kind === "Fail") isDone = false
        else if (kind === "Unanswered") isAnswered = false
        else way += millis
      }
      const answer = (exit: Exit.Exit<unknown, unknown>) => {
        world.at(world.now() + links.latency(lab, seeded), () =>
          world.post(here, () => {
            const got = isAnswered && !isParted() ? exit : failure()
            world.note(
              here.name,
              `learns ${link} ${count}: ${Exit.isSuccess(got) ? remote.brief(got.value) : "it failed"}`
            )
            resume(got)
          }))
      }
      world.at(world.now() + way, () => {
        const life = node.life()
        if (!isDone || life?.isBuilt !== true || isParted()) return answer(failure())
        const crashed = () => answer(failure())
        life.onCrash.add(crashed)
        world.post(life.owner, () => {
          const work = Effect.suspend(effect) as Effect.Effect<unknown, unknown>
          Effect.runForkWith(Context.merge(caller, life.context))(work).addObserver((exit) => {
            life.onCrash.delete(crashed)
            answer(exit)
          })
        })
      })
    }

    const proxy = remote.make(inner, (member, effect) =>
      Effect.flatMap(Effect.provideService(system.here, system.Lab, lab), (here) =>
        Effect.contextWith((caller: Context.Context<never>) =>
          Effect.callback<unknown, unknown>((resume) =>
            call(here, caller, member, effect, resume)
          )
        )))
    return { node, layer: Layer.succeed(service, asShared(proxy)) }
  })

/** A store that says whether other processes have it as well, is now one that they have. */
const asShared = <S extends object>(store: S): S =>
  new Proxy(store, { get: (target, key): unknown => key === "isShared" || Reflect.get(target, key) })

const kinds: ReadonlySet<Faults.MessageKind> = new Set<Faults.MessageKind>(["Delay", "Stall", "Fail", "Unanswered"])
