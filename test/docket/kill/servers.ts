/** Servers of a run's own, on a port and in a folder of their own, which can be killed and started again. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as Net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import type { Need } from "../../support/services.ts"
import * as processes from "./processes.ts"

export interface Server {
  readonly url: string
  /** As the machine's breakdown would: nothing is put in order. */
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
  /** For good, and its folder with it. */
  readonly remove: () => Promise<void>
}

const inPath = (name: string): string | undefined =>
  (process.env["PATH"] ?? "").split(":").map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file))

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = Net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as Net.AddressInfo
      server.close(() => resolve(port))
    })
  })

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = Net.connect(port, "127.0.0.1")
    const done = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.once("connect", () => done(true)).once("error", () => done(false))
  })

const newFolder = (): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fastmcp-server-"))
  fs.chmodSync(folder, 0o755)
  return folder
}

const redisServer = inPath("redis-server")

export const redis: Need & { readonly make: () => Promise<Server> } = {
  name: "a Redis of their own",
  answers: redisServer !== undefined,
  otherwise: "there is no redis-server",
  make: async () => {
    const [folder, port] = [newFolder(), await freePort()]
    let server: processes.Started | undefined
    const kill = async () => {
      server?.kill("SIGKILL")
      await server?.ended
    }
    const start = async () => {
      server = processes.start(redisServer!, [
        ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""],
        ...["--appendonly", "yes", "--appendfsync", "always"]
      ])
      await server.said("Ready to accept connections")
    }
    await start()
    return {
      url: `redis://127.0.0.1:${port}`,
      kill,
      start,
      remove: async () => {
        await kill()
        fs.rmSync(folder, { recursive: true, force: true })
      }
    }
  }
}

const postgresBin = (): string | undefined => {
  const debian = "/usr/lib/postgresql"
  const folders = fs.existsSync(debian)
    ? fs.readdirSync(debian).sort((a, b) => Number(b) - Number(a)).map((version) => path.join(debian, version, "bin"))
    : []
  const found = inPath("initdb")
  return [...folders, ...found === undefined ? [] : [path.dirname(fs.realpathSync(found))]]
    .find((folder) => fs.existsSync(path.join(folder, "initdb")) && fs.existsSync(path.join(folder, "postgres")))
}

/** Postgres does not run as root. */
const isRoot = process.getuid?.() === 0

const user = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (!isRoot) return undefined
  const entry = /^postgres:[^:]*:(\d+):(\d+):/m.exec(fs.readFileSync("/etc/passwd", "utf8"))
  return entry === null ? undefined : { uid: Number(entry[1]), gid: Number(entry[2]) }
}

const whyNoPostgres = (): string | undefined => {
  if (postgresBin() === undefined) return "there are no initdb and postgres"
  if (isRoot && (user() === undefined || processes.setpriv === undefined)) {
    return "root needs the user postgres, and setpriv to be that user"
  }
  return undefined
}

const childrenOf = (pid: number): ReadonlyArray<number> =>
  fs.readdirSync("/proc").filter((name) => /^\d+$/u.test(name)).filter((name) => {
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, "utf8")
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid
    } catch {
      // It has ended meanwhile.
      return false
    }
  }).map(Number)

export const postgres: Need & { readonly make: () => Promise<Server> } = {
  name: "a Postgres of their own",
  answers: whyNoPostgres() === undefined,
  otherwise: whyNoPostgres() ?? "",
  make: async () => {
    const [bin, folder, port, owner] = [postgresBin()!, newFolder(), await freePort(), user()]
    const data = path.join(folder, "data")
    if (owner !== undefined) fs.chownSync(folder, owner.uid, owner.gid)
    execFileSync(path.join(bin, "initdb"), ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"], {
      ...owner,
      cwd: folder,
      stdio: "ignore"
    })
    let server: processes.Started | undefined
    const kill = async () => {
      if (server === undefined || server.hasEnded()) return
      // The first alone would leave the others to end as they like.
      for (const pid of [server.pid, ...childrenOf(server.pid)]) {
        try {
          process.kill(pid, "SIGKILL")
        } catch {
          // It was quicker.
        }
      }
      await server.ended
    }
    const start = async () => {
      server = processes.start(
        path.join(bin, "postgres"),
        ["-D", data, "-p", String(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"],
        {
          cwd: folder,
          ...owner !== undefined && { setpriv: [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"] }
        }
      )
      await server.said("database system is ready to accept connections")
      await processes.until("Postgres answers", 10_000, () => answers(port))
    }
    await start()
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      kill,
      start,
      remove: async () => {
        await kill()
        fs.rmSync(folder, { recursive: true, force: true })
      }
    }
  }
}
