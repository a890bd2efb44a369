/** The counterpart as a process. */
import { converse } from "./counterpart.ts"

const receive = converse({
  send: (frame) => void process.stdout.write(`${frame}\n`),
  end: () => void process.stdout.write("", () => process.exit(0))
})
let rest = ""
process.stdin.setEncoding("utf8").on("data", (chunk: string) => {
  const lines = (rest + chunk).split("\n")
  rest = lines.pop()!
  for (const line of lines) receive(line)
})
