/** Paths on file systems that take several spellings for one name: here none is at hand, so they are made. */
import { assert, describe, it } from "vitest"
import * as spelling from "../../src/node/internal/spelling.ts"

/** A file system that knows its names by some form of them. */
const system = (paths: ReadonlyArray<string>, form: (path: string) => string): spelling.Names => {
  const folders = Map.groupBy(
    new Set(paths.flatMap((path) => {
      const segments = path.split("/")
      return segments.map((_, index) => segments.slice(0, index + 1).join("/"))
    })),
    (path) => path.slice(0, Math.max(path.lastIndexOf("/"), 0))
  )
  const known = new Set([...folders.values()].flat().map(form))
  return {
    isSame: async (path, other) => known.has(form(path)) && form(path) === form(other),
    names: async (folder) => {
      const found = [...folders].find(([name]) => form(name) === form(folder))?.[1] ?? []
      return new Set(found.map((path) => path.slice(path.lastIndexOf("/") + 1)))
    }
  }
}

const paths = ["private/Key.pem", "docs/été/日本.md", "1~2/3", "A~b", "README.md"]

const systems: { readonly [name: string]: (path: string) => string } = {
  "that tells all spellings apart": (path) => path,
  "that takes any case": (path) => path.toLowerCase(),
  "that takes any case and composition": (path) => path.normalize("NFD").toLowerCase(),
  // As FAT does, but for the numbers.
  "that has short names": (path) =>
    path.toLowerCase().replaceAll(/(?<=^|\/)privat~1(?=\/|$)/gu, "private").replaceAll("1~1", "1~2")
}

for (const [name, form] of Object.entries(systems)) {
  describe(`a file system ${name}`, () => {
    const names = system(paths, form)

    it("has each path as it is on disk", async () => {
      for (const path of ["", ...paths]) assert.isTrue(await spelling.isOnDisk(names, path), path)
    })

    it("has none in another spelling that it takes", async () => {
      let taken = 0
      for (
        const path of [
          "PRIVATE/Key.pem",
          "private/key.pem",
          "privatE/Key.pem",
          "Docs/été/日本.md",
          "docs/ÉTÉ/日本.md",
          "docs/été/日本.md".normalize("NFD"),
          "PRIVAT~1/Key.pem",
          "1~1/3",
          "a~B",
          "readme.MD"
        ]
      ) {
        if (!await names.isSame(path, path)) continue
        taken++
        assert.isFalse(await spelling.isOnDisk(names, path), path)
      }
      assert.strictEqual(taken > 0, name !== "that tells all spellings apart")
    })
  })
}
