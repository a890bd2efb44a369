/** A task whose server is killed in the middle, and started again; and what came of it. */
import { randomUUID } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type * as assembly from "../../docket/kill/assembly.ts"
import { bundle } from "../../docket/kill/bundle.ts"
import type * as places from "../../docket/kill/places.ts"
import * as processes from "../../docket/kill/processes.ts"

/** Where the server dies: in the handler, or between its runs, when the client kills it. */
export type Place =
  | "start"
  | `in ${"hold" | "pay" | "book"}`
  | `in ${"hold" | "pay" | "book"}, written`
  | "after hold"
  | "after the first answer"
  | "after pay"
  | "after the second answer"
  | "at the end"
  | "created"
  | "waiting for the first answer"
  | "answered"
  | "waiting for the second answer"
  | "completed"

export const everywhere: ReadonlyArray<Place> = [
  "created",
  "start",
  "in hold",
  "in hold, written",
  "after hold",
  "waiting for the first answer",
  "answered",
  "after the first answer",
  "in pay",
  "in pay, written",
  "after pay",
  "waiting for the second answer",
  "after the second answer",
  "in book",
  "in book, written",
  "at the end",
  "completed"
]

export interface Settings {
  readonly address: assembly.Address
  readonly ledger: string
  readonly flag: string
  readonly place: Place
  readonly recovery: "fail" | "resume" | "repeat"
  /** What this process does of it: the front makes and shows tasks, the worker runs them. */
  readonly part: "both" | "front" | "worker"
}

interface Answer {
  readonly result?: any
  readonly error?: any
}

/** Frames over stdio. A request that the server does not live to answer has none. */
const connect = (program: string, settings: Settings) => {
  const started = processes.start(process.execPath, [program, JSON.stringify(settings)])
  const waiting = new Map<number, (answer: Answer | undefined) => void>()
  let rest = ""
  let last = 0
  started.child.stdout!.on("data", (text: string) => {
    const lines = (rest + text).split("\n")
    rest = lines.pop()!
    for (const line of lines) {
      const message = JSON.parse(line)
      waiting.get(message.id)?.(message)
    }
  })
  void started.ended.then(() => waiting.forEach((answer) => answer(undefined)))
  return {
    kill: async () => {
      started.kill("SIGKILL")
      await started.ended
    },
    ended: started.ended,
    hasEnded: started.hasEnded,
    words: started.words,
    request: (method: string, params: object): Promise<Answer | undefined> =>
      new Promise((resolve) => {
        if (started.hasEnded()) return resolve(undefined)
        const id = ++last
        waiting.set(id, resolve)
        const _meta = {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {
            elicitation: { form: {} },
            extensions: { "io.modelcontextprotocol/tasks": {} }
          }
        }
        const frame = { jsonrpc: "2.0", id, method, params: { ...params, _meta } }
        started.child.stdin!.write(`${JSON.stringify(frame)}\n`)
      })
  }
}

export interface Ended {
  readonly status: string
  readonly text: string
  readonly writes: ReadonlyArray<string>
  readonly hasDied: boolean
}

let program: string | undefined

const bundled = (): string => {
  if (program === undefined) {
    program = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "fastmcp-tasks-")), "server.mjs")
    bundle(path.join(import.meta.dirname, "server.ts"), program)
  }
  return program
}

export const clean = (): void => {
  if (program !== undefined) fs.rmSync(path.dirname(program), { recursive: true, force: true })
}

/** Until the task has ended, whatever dies on the way. With `isSplit` another process than the server's runs tasks. */
export const run = async (
  kept: places.Kept,
  place: Place,
  recovery: Settings["recovery"],
  isSplit = false
): Promise<Ended> => {
  const { address, remove } = await kept.make({ leaseMillis: 3000 })
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fastmcp-tasks-"))
  const settings: Settings = {
    address,
    ledger: path.join(folder, "ledger"),
    flag: path.join(folder, randomUUID()),
    place,
    recovery,
    part: isSplit ? "front" : "both"
  }
  const startWorker = () => isSplit ? connect(bundled(), { ...settings, part: "worker" }) : undefined
  let server = connect(bundled(), settings)
  let worker = startWorker()
  let deaths = 0
  const killedAt = async (here: Place) => {
    if (here !== place || deaths > 0) return
    await (worker ?? server).kill()
  }
  /** Asks the next server when there is no answer. */
  const ask = async (method: string, params: object): Promise<Answer> => {
    while (true) {
      if (worker?.hasEnded() === true) {
        if (++deaths > 1) throw new Error(`its worker died twice: ${worker.words()}`)
        worker = startWorker()
      }
      const answer = await server.request(method, params)
      if (answer !== undefined) return answer
      if (++deaths > 1) throw new Error(`it died twice: ${server.words()}`)
      server = connect(bundled(), settings)
    }
  }
  try {
    const created = await ask("tools/call", { name: "journey", arguments: {} })
    const taskId: string = created.result.taskId
    await killedAt("created")
    const answered = new Set<string>()
    let task: any
    await processes.until(`the end of the task, killed ${place}`, 60_000, async () => {
      const looked = await ask("tasks/get", { taskId })
      if (looked.error !== undefined) throw new Error(JSON.stringify(looked.error))
      task = looked.result
      for (const key of Object.keys(task.inputRequests ?? {})) {
        if (answered.has(key)) continue
        answered.add(key)
        await killedAt(key === "seat" ? "waiting for the first answer" : "waiting for the second answer")
        await ask("tasks/update", {
          taskId,
          inputResponses: { [key]: { action: "accept", content: { text: key === "seat" ? "12A" : "none" } } }
        })
        await killedAt("answered")
      }
      return task.status === "completed" || task.status === "failed"
    })
    await killedAt("completed")
    const again = (await ask("tasks/get", { taskId })).result
    if (JSON.stringify(again) !== JSON.stringify(task)) throw new Error("the end of the task has changed")
    return {
      status: task.status,
      text: task.result?.content[0].text ?? task.error.message,
      writes: fs.existsSync(settings.ledger)
        ? fs.readFileSync(settings.ledger, "utf8").trim().split("\n").map((line) => line.replace(`${taskId} `, ""))
        : [],
      hasDied: deaths === 1
    }
  } finally {
    await server.kill()
    await worker?.kill()
    await remove()
    fs.rmSync(folder, { recursive: true, force: true })
  }
}
