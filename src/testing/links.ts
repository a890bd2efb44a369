/** What lies between nodes: each message takes its time, and faults have their way with it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as ClientTransport from "../transport/ClientTransport.ts"
import * as Memory from "../transport/Memory.ts"
import type * as Receiver from "../transport/Receiver.ts"
import * as TransportError from "../transport/TransportError.ts"
import type * as Faults from "./Faults.ts"
import type * as nodes from "./nodes.ts"
import * as Seeded from "./seeded.ts"
import * as system from "./system.ts"
import type * as World from "./world.ts"

type ServerNode = nodes.Node<Receiver.Receiver>

/** One server, or those that serve one address. @category models @since 0.1.0 */
export type Servers = ServerNode | ReadonlyArray<ServerNode>

/**
 * Reaches a server of the lab from whatever node it is used on. Of several behind one address each connection gets one
 * that is up, drawn from the seed. What is sent takes its time, and is subject to faults.
 *
 * @category links
 * @since 0.1.0
 */
export const link = (
  servers: Servers,
  options: Memory.Options = {}
): Layer.Layer<ClientTransport.ClientTransport, never, system.Lab> =>
  Layer.effect(
    ClientTransport.ClientTransport,
    Effect.map(system.Lab, (lab) => {
      const all = "run" in servers ? [servers] : servers
      const address = all.map(({ name }) => name).join(", ")
      return {
        kind: "memory",
        address,
        origin: undefined,
        connect: (listener) =>
          system.here.pipe(
            Effect.flatMap((here) => connect(here, all, address, options, listener)),
            Effect.provideService(system.Lab, lab)
          )
      }
    })
  )

const connect = (
  here: World.Owner,
  servers: ReadonlyArray<ServerNode>,
  address: string,
  options: Memory.Options,
  listener: ClientTransport.Listener
): Effect.Effect<ClientTransport.Connection, TransportError.TransportError, system.Lab | Scope.Scope> =>
  Effect.gen(function*() {
    const lab = yield* system.Lab
    const { world } = lab
    const pair = `${here.name}>${address}`
    const count = (lab.connections.get(pair) ?? 0) + 1
    lab.connections.set(pair, count)
    const seeded = Seeded.make(world.seed, `${pair}#${count}`)
    const later = (action: () => void) => void world.at(world.now() + latency(lab, seeded), action)

    const up = servers.filter((server) => server.life()?.isBuilt === true)
    const server = up[seeded.below(up.length)]
    yield* Effect.sleep(latency(lab, seeded))
    const life = server?.life()
    if (server === undefined || life === undefined) return yield* unreachable(address, "nothing listens there")
    if (system.isParted(lab, here.name, server.name)) return yield* Effect.never
    world.note(here.name, `connects to ${server.name}`)

    const there = life.owner
    const ways: Array<Way> = []
    let isOpen = true
    let serverSide: Scope.Closeable | undefined

    const endServer = () => {
      const scope = serverSide
      serverSide = undefined
      if (scope === undefined) return
      world.post(there, () => void Effect.runForkWith(life.context)(Scope.close(scope, Exit.void)))
    }
    const endClient = (message: string) =>
      world.post(here, () => {
        if (!isOpen) return
        isOpen = false
        listener.closed(TransportError.make(new TransportError.Closed({ message })))
      })
    const cut = () => {
      for (const way of ways) way.stop()
      endClient("it was cut")
      endServer()
    }
    const way = (from: World.Owner, to: World.Owner, deliver: (frame: string) => void, end: () => void) => {
      const made = makeWay(lab, seeded, { from, to, suffix: count === 1 ? "" : `#${count}`, deliver, end, cut })
      ways.push(made)
      return made
    }

    const down = way(
      there,
      here,
      (frame) => isOpen && listener.receive(JsonRpc.parse(frame), undefined),
      () => endClient("it was cut")
    )
    const crashed = () => unreachable(address, "the server has crashed")
    const wire = yield* server.run(Effect.gen(function*() {
      // It may have started anew since.
      if (server.life() !== life) return yield* crashed()
      const scope = yield* Scope.fork(life.scope)
      serverSide = scope
      const wire = yield* Scope.provide(Memory.connectAs(options), scope)
      yield* Queue.take(wire.frames).pipe(
        Effect.map(down.send),
        Effect.forever,
        // It ends of itself where the server ends it: what was on its way before comes first.
        Effect.onExit(() => Effect.sync(() => later(() => endClient("the server has ended it")))),
        Effect.forkIn(scope)
      )
      return wire
    })).pipe(
      Effect.mapError((error) => error._tag === "LabError" ? unreachable(address, error.message) : error)
    )
    // Before anybody would have been told.
    if (there.state === "Down") return yield* crashed()
    const toServer = way(here, there, wire.send, endServer)

    const onCrash = () => later(() => endClient("the server has crashed"))
    const leave = () => {
      isOpen = false
      life.onCrash.delete(onCrash)
      later(endServer)
    }
    const mine = lifeOn(lab, here)
    life.onCrash.add(onCrash)
    mine?.onCrash.add(leave)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        mine?.onCrash.delete(leave)
        leave()
      })
    )
    return {
      send: ({ frame }) => isOpen && toServer.send(frame),
      forget: () => {},
      hasStreams: false,
      hasHeaders: false,
      congested: () => false,
      drained: Effect.void,
      established: () => {}
    }
  })

/** Of the node that runs here; undefined for the system's own fiber. */
export const lifeOn = (lab: system.Lab["Service"], here: World.Owner): nodes.Life<unknown> | undefined =>
  [...lab.nodes.values()].find((node) => node.life()?.owner === here)?.life()

const unreachable = (address: string, message: string) =>
  TransportError.make(new TransportError.Unreachable({ address, message }))

/** How long something takes, in whole milliseconds. */
export const latency = ({ latency: { max, min } }: system.Lab["Service"], seeded: Seeded.Seeded): number =>
  Math.round(min + seeded.next() * (max - min))

// ----------------------------------------------------------------------------
// one direction
// ----------------------------------------------------------------------------

export interface WayOptions {
  readonly from: World.Owner
  readonly to: World.Owner
  /** Tells connections of the same pair apart. */
  readonly suffix: string
  /** Runs on the node that gets it. */
  readonly deliver: (frame: string) => void
  /** Tells the node that would have got something that nothing comes any more. */
  readonly end: () => void
  /** Ends the connection for both. */
  readonly cut: () => void
}

export interface Way {
  readonly send: (frame: string) => void
  readonly stop: () => void
}

const kinds: ReadonlySet<Faults.MessageKind> = new Set<Faults.MessageKind>([
  "Delay",
  "Drop",
  "Duplicate",
  "Reorder",
  "Cut",
  "Stall",
  "Corrupt",
  "HalfClose"
])

/** One direction of a connection. */
export const makeWay = (lab: system.Lab["Service"], seeded: Seeded.Seeded, options: WayOptions): Way => {
  const { cut, deliver, end, from, suffix, to } = options
  const { plan, world } = lab
  const pair = { from: from.name, to: to.name }
  const link = `${pair.from}>${pair.to}${suffix}`
  /** What has arrived and not been read: in the order of arrival, in whatever order the node comes to it. */
  const arrived: Array<{ readonly message: number; readonly frame: string; readonly isChanged: boolean }> = []
  let count = 0
  let busyUntil = 0
  let isStopped = false

  const read = () => {
    const { frame, isChanged, message } = arrived.shift()!
    if (isStopped) return
    world.write({
      _tag: "Delivered",
      at: world.now(),
      node: to.name,
      link,
      message,
      ...(isChanged ? { frame } : undefined)
    })
    deliver(frame)
  }

  const lost = (message: number) => world.note(to.name, `does not get ${link} ${message}: nothing passes`)

  return {
    stop: () => {
      isStopped = true
    },
    send: (sent) => {
      const message = ++count
      world.write({ _tag: "Sent", at: world.now(), node: from.name, link, message, frame: sent })
      if (isStopped) return
      let frame = sent
      let extra = 0
      let copies = 1
      let isOvertaken = false
      let fate: "Drop" | "Cut" | "HalfClose" | undefined
      for (const { draw, key, kind, millis } of plan.message(pair, link, message, world.now(), kinds)) {
        world.write({ _tag: "Fault", at: world.now(), node: from.name, key, what: tell(kind, link, message, millis) })
        switch (kind) {
          case "Delay":
            extra += millis
            break
          case "Reorder":
            extra += millis
            isOvertaken = true
            break
          case "Stall":
            busyUntil = Math.max(busyUntil, world.now() + millis)
            break
          case "Duplicate":
            copies++
            break
          case "Corrupt":
            frame = corrupt(frame, draw)
            break
          case "Drop":
          case "Cut":
          case "HalfClose":
            fate = kind
        }
      }
      let due = world.now() + latency(lab, seeded) + extra
      if (!isOvertaken) {
        due = Math.max(due, busyUntil)
        busyUntil = due
      }
      if (fate === "Drop") return
      world.at(due, () => {
        if (isStopped) return
        if (system.isParted(lab, pair.from, pair.to)) return lost(message)
        if (fate === "Cut") return cut()
        if (fate === "HalfClose") {
          isStopped = true
          return end()
        }
        for (let copy = 0; copy < copies; copy++) {
          arrived.push({ message, frame, isChanged: frame !== sent })
          world.post(to, read)
        }
      })
    }
  }
}

/** One character is another one. */
const corrupt = (frame: string, draw: number): string => {
  const at = Math.floor(draw * frame.length)
  return `${frame.slice(0, at)}${frame[at] === "#" ? "?" : "#"}${frame.slice(at + 1)}`
}

/** For people. */
export const tell = (kind: Faults.MessageKind, link: string, message: number, millis: number): string => {
  const it = `${link} ${message}`
  switch (kind) {
    case "Delay":
      return `${it} takes ${millis} ms longer`
    case "Drop":
      return `${it} gets lost`
    case "Duplicate":
      return `${it} comes twice`
    case "Reorder":
      return `${it} is overtaken for ${millis} ms`
    case "Cut":
      return `${it} does not arrive: the connection is cut`
    case "Stall":
      return `${it} and all behind it stall for ${millis} ms`
    case "Corrupt":
      return `${it} is corrupted`
    case "HalfClose":
      return `${it} does not arrive: for who waits for it, the connection is over`
    case "Fail":
      return `${it} fails`
    case "Unanswered":
      return `${it} is done, and its answer gets lost`
  }
}
