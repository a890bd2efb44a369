/** The floor of clients: JSON over the transport, an id for each call, and nothing of the protocol. */
import { spawn } from "node:child_process"
import { Agent, request } from "node:http"
import * as load from "./load.ts"

interface Answer {
  readonly id: number
  readonly result: { readonly content: ReadonlyArray<{ readonly text: string }> }
}

let id = 0

const frame = (a: number, b: number): string =>
  JSON.stringify({ jsonrpc: "2.0", id: ++id, method: "tools/call", params: { name: "add", arguments: { a, b } } })

const textOf = ({ result }: Answer) => result.content[0]!.text

const stdio = (): load.Run => {
  const { args, command } = load.server
  const { stdin, stdout } = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] })
  const waiting = new Map<number, (text: string) => void>()
  let rest = ""
  stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop()!
    for (const line of lines) {
      const answer: Answer = JSON.parse(line)
      waiting.get(answer.id)!(textOf(answer))
      waiting.delete(answer.id)
    }
  })
  return load.promises((a, b) =>
    new Promise((resolve) => {
      const text = frame(a, b)
      waiting.set(id, resolve)
      stdin.write(text + "\n")
    })
  )
}

const http = (): load.Run => {
  const agent = new Agent({ keepAlive: true })
  return load.promises((a, b) =>
    new Promise((resolve, reject) => {
      const text = frame(a, b)
      const headers = { "content-type": "application/json", "content-length": text.length }
      request(load.url, { method: "POST", agent, headers }, (response) => {
        let body = ""
        response.setEncoding("utf8").on("data", (chunk: string) => body += chunk)
        response.on("end", () => resolve(textOf(JSON.parse(body))))
      }).once("error", reject).end(text)
    })
  )
}

load.serve(load.transport === "http" ? http() : stdio())
