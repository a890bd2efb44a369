/**
 * A registry that does not carry the binaries of other platforms leaves them out of package-lock.json, and `npm ci` then
 * refuses the file as incomplete. This names them: exact version, platform, optional; npm skips what is for another
 * platform without asking for it.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { root } from "./steps.ts"

interface Entry {
  readonly dev?: boolean
  readonly devDependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
  readonly version?: string
  readonly optional?: boolean
  readonly os?: ReadonlyArray<string>
  readonly cpu?: ReadonlyArray<string>
  readonly libc?: ReadonlyArray<string>
  readonly optionalDependencies?: Record<string, string>
}

export interface Lock {
  readonly packages: Readonly<Record<string, Entry>>
}

const systems = /\b(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)\b/
const processors = /\b(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|wasm32|x64)\b/
const libraries = /\b(gnu|glibc|musl)/

/** The version of `name` that Node finds from the package at `place`, if the lock has one. */
const versionSeen = (lock: Lock, place: string, name: string): string | undefined => {
  for (let at = place;; at = at.slice(0, Math.max(at.lastIndexOf("/node_modules/"), 0))) {
    const entry = lock.packages[`${at === "" ? "" : `${at}/`}node_modules/${name}`]
    if (entry || at === "") return entry?.version
  }
}

/** The entries a lock lacks: optional dependencies of its packages that are not in it. */
export const missing = (lock: Lock): Record<string, Entry> => {
  const found: Record<string, Entry> = {}
  for (const [place, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const [os, cpu, libc] = [systems, processors, libraries].map((pattern) => pattern.exec(name)?.[1])
      if (!/^\d/.test(version) || (os === undefined && cpu === undefined)) continue
      const known = { packages: { ...lock.packages, ...found } }
      const seen = versionSeen(known, place, name)
      if (seen === version) continue
      // Beside the package that wants it, where another version stands in the way of the top.
      const folder = seen === undefined ? "node_modules/" : place.slice(0, place.lastIndexOf("node_modules/") + 13)
      found[folder + name] = {
        version,
        ...cpu === undefined ? {} : { cpu: [cpu] },
        ...dev ? { dev } : {},
        ...libc === undefined ? {} : { libc: [libc === "musl" ? "musl" : "glibc"] },
        optional: true,
        ...os === undefined ? {} : { os: [os] }
      }
    }
  }
  return found
}

const file = path.join(root, "package-lock.json")

export const readLock = (): Lock => JSON.parse(fs.readFileSync(file, "utf8"))

/** Writes the missing entries in npm's order; `true` if there were any. */
export const completeLock = (): boolean => {
  const lock = readLock()
  const found = missing(lock)
  if (Object.keys(found).length === 0) return false
  const packages = Object.fromEntries(
    Object.entries({ ...lock.packages, ...found }).sort(([a], [b]) => a.localeCompare(b, "en"))
  )
  fs.writeFileSync(file, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`)
  return true
}
