/**
 * 1,000 streams of 200 events from two processes that share a store, read by clients that lose their connection at any
 * moment and come back at either process: every event arrives once, in order, and memory stays within bounds.
 */
import * as fs from "node:fs"
import * as client from "../session/cluster/client.ts"
import { startNode, stopNode } from "../session/cluster/cluster.ts"
import { postgres, redis } from "../support/services.ts"

/** Fewer for a quick look. */
const sessions = Number(process.env["PROOF_SESSIONS"] ?? 50)
const streamsOfEach = 20
const events = 200

const residentMegabytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1000

/** Reads one stream to its end, through however many connections that takes. */
const readStream = async (
  urls: ReadonlyArray<string>,
  session: client.Client,
  random: () => number
): Promise<{ readonly progress: ReadonlyArray<number>; readonly results: number; readonly connections: number }> => {
  let answer: client.Answer = await session.call("steps", { count: events, millis: 20 })
  const frames: Array<client.Frame> = []
  let lastEventId: string | undefined
  for (let connections = 1;; connections++) {
    // The first connection is not cut before there is something to come back with.
    const patience = random() < 0.7 ? 30 + random() * 1500 : Infinity
    const cut = new Promise<"cut">((resolve) => {
      if (patience !== Infinity) setTimeout(() => resolve("cut"), patience)
    })
    const how = await Promise.race([answer.ended.then(() => "ended" as const), cut])
    if (how === "cut") {
      await client.until(() => answer.lastEventId() !== undefined || answer.isOver(), "an event id")
      answer.cut()
      await answer.ended
    }
    frames.push(...answer.frames)
    lastEventId = answer.lastEventId() ?? lastEventId
    const results = frames.filter(({ result }) => result !== undefined).length
    if (results > 0) {
      const progress = frames.flatMap(({ method, params }) =>
        method === "notifications/progress" ? [params.progress as number] : []
      )
      return { progress, results, connections }
    }
    if (connections > 200) throw new Error("200 connections, and no result")
    answer = await session.get(lastEventId, urls[Math.floor(random() * urls.length)])
    if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.frames)}`)
  }
}

/** The same disturbances in each run of a seed. */
const seeded = (seed: number) => () => {
  seed = Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0
  return ((seed ^ (seed >>> 13)) >>> 0) / 2 ** 32
}

const on = async (backend: string): Promise<ReadonlyArray<string>> => {
  const failures: Array<string> = []
  const prefix = backend === "redis" ? `proof-${process.pid}:` : `proof_${process.pid}_`
  const nodes = await Promise.all([startNode([backend, prefix]), startNode([backend, prefix])])
  const urls = nodes.map(({ port }) => `http://127.0.0.1:${port}/mcp`)
  const random = seeded(process.pid)
  const before = nodes.map(({ child }) => residentMegabytes(child.pid!))
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, ...nodes.map(({ child }) => residentMegabytes(child.pid!)))
  }, 100)
  const start = performance.now()
  const opened = await Promise.all(
    Array.from({ length: sessions }, (_, index) => client.open(urls[index % urls.length]!, urls[(index + 1) % 2]!))
  )
  const read = await Promise.allSettled(
    opened.flatMap((session) => Array.from({ length: streamsOfEach }, () => readStream(urls, session, random)))
  )
  clearInterval(watch)
  const expected = Array.from({ length: events }, (_, index) => index + 1).join()
  let connections = 0
  for (const outcome of read) {
    if (outcome.status === "rejected") failures.push(`${backend}: ${String(outcome.reason)}`)
    else {
      connections += outcome.value.connections
      if (outcome.value.results !== 1) failures.push(`${backend}: ${outcome.value.results} results`)
      if (outcome.value.progress.join() !== expected) failures.push(`${backend}: ${outcome.value.progress.join()}`)
    }
  }
  console.log(
    `${backend}: ${read.length} streams of ${events} events over ${connections} connections in `
      + `${((performance.now() - start) / 1000).toFixed(1)} s; at most ${peak.toFixed(0)} MB a process, `
      + `${before.map((megabytes) => megabytes.toFixed(0)).join(" and ")} MB before`
  )
  if (peak > Math.max(...before) + 400) failures.push(`${backend}: ${peak} MB`)
  const codes = await Promise.all(nodes.map(stopNode))
  if (codes.some((code) => code !== 0)) failures.push(`${backend}: the processes ended with ${codes.join(", ")}`)
  return failures
}

export const run = async (): Promise<ReadonlyArray<string>> => {
  const failures: Array<string> = []
  for (const [backend, service] of [["redis", redis], ["postgres", postgres]] as const) {
    if (service.answers) failures.push(...await on(backend))
    else failures.push(`${backend} does not answer at ${service.url}`)
  }
  return failures
}
