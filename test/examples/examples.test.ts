import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { assert, describe, it } from "vitest"
import { type Ended, root, run } from "./program.ts"

const stories = fs.readdirSync(path.join(root, "examples"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory()).map(({ name }) => name)

/** What a person would start to see an example; the tests of `examples/testing` run in `testing.test.ts`. */
const programs = stories.flatMap((story) =>
  ["client.ts", "main.ts", "demo.ts"].map((file) => `examples/${story}/${file}`)
).filter((file) => fs.existsSync(path.join(root, file)))

const assertEnded = ({ code, outlived, stderr, stdout }: Ended) => {
  assert.strictEqual(code, 0, stdout + stderr)
  assert.isFalse(outlived, "a process it started is still there")
}

describe("examples", () => {
  it.each(programs)("%s exits with 0", async (file) => {
    // It starts three processes one after the other, and waits until what a dead one did may be gone on with.
    assertEnded(await run(file, file.startsWith("examples/production/") ? { limit: 60 } : {}))
  }, 70_000)

  it("everything has its tour where it is mounted, too", async () => {
    let tour: Ended | undefined
    const ended = await run("examples/everything/mounted.ts", {
      args: ["http"],
      env: { PORT: "0" },
      until: /http:\/\/\S+\/mcp/,
      meanwhile: async ([url]) => {
        tour = await run("examples/everything/client.ts", { args: [url] })
      }
    })
    assertEnded(ended)
    assertEnded(tour!)
  }, 40_000)

  it("hello answers on stdio until its input ends", async () => {
    const ended = await run("examples/hello/server.ts", {
      input: `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" })}\n`
    })
    assertEnded(ended)
    assert.deepStrictEqual(JSON.parse(ended.stdout), { jsonrpc: "2.0", id: 1, result: {} })
  }, 40_000)

  it("hello answers on HTTP until a signal comes", async () => {
    let status: number | undefined
    const ended = await run("examples/hello/server.ts", {
      args: ["http"],
      env: { PORT: "0" },
      until: /http:\/\/\S+\/mcp/,
      meanwhile: async ([url]) => {
        const response = await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
          body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" })
        })
        await response.text()
        status = response.status
      }
    })
    assertEnded(ended)
    assert.strictEqual(status, 200)
    assert.strictEqual(ended.stdout, "")
  }, 40_000)

  it("are found out when they fail, hang, or leave a process behind", async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "planted-"))
    const plant = async (name: string, code: string, limit?: number) => {
      const file = path.join(directory, name)
      fs.writeFileSync(file, code)
      return run(file, limit === undefined ? {} : { limit })
    }
    try {
      assert.strictEqual((await plant("fails.mjs", "throw new Error()")).code, 1)
      assert.strictEqual((await plant("hangs.mjs", "setInterval(() => {}, 1000)", 1)).code, null)
      const child = "import { spawn } from 'node:child_process'\n"
        + "spawn(process.execPath, ['-e', 'setTimeout(() => {}, 10000)'], { stdio: 'ignore' }).unref()\n"
      const { code, outlived } = await plant("leaves.mjs", child)
      assert.deepStrictEqual({ code, outlived }, { code: 0, outlived: true })
    } finally {
      fs.rmSync(directory, { recursive: true })
    }
  }, 40_000)

  it("show each middleware", () => {
    const imports = stories.flatMap((story) => fs.globSync(`${root}/examples/${story}/*.ts`))
      .map((file) => fs.readFileSync(file, "utf8")).join("\n")
    // What makes one: the others are stores.
    const middlewares = fs.globSync(`${root}/src/middleware/*.ts`).filter((file) =>
      /^export const make = [^{]*\bMiddleware</m.test(fs.readFileSync(file, "utf8").replaceAll(/\{.*\}/g, ""))
    ).map((file) => path.basename(file, ".ts"))
    assert.isAtLeast(middlewares.length, 10)
    assert.deepStrictEqual(middlewares.filter((name) => !imports.includes(`fastmcp-effect/middleware/${name}"`)), [])
  })

  it("are all here, each with a program and a page of its own", () => {
    const started = new Set(programs.map((file) => file.split("/")[1]!))
    assert.deepStrictEqual([...started, "testing"].sort(), [...stories].sort())
    assert.deepStrictEqual(
      stories.filter((story) => !fs.existsSync(path.join(root, "examples", story, "README.md"))),
      []
    )
  })

  it("say on their page how to start them", () => {
    for (const file of programs) {
      const page = fs.readFileSync(path.join(root, path.dirname(file), "README.md"), "utf8")
      assert.include(page, file)
    }
  })

  it("import the package as its users do", () => {
    const inside = stories.flatMap((story) =>
      fs.readdirSync(path.join(root, "examples", story)).filter((name) => name.endsWith(".ts")).flatMap((name) =>
        Array.from(
          fs.readFileSync(path.join(root, "examples", story, name), "utf8").matchAll(/ from "(\.[^"]*)"/g),
          ([, specifier]) => specifier!
        ).filter((specifier) => !/^\.\/[^/]+\.ts$/.test(specifier))
      )
    )
    assert.deepStrictEqual(inside, [])
  })
})
