import * as fs from "node:fs"
import * as path from "node:path"
import { assert, it } from "vitest"
import { documents } from "./fences.ts"

const root = path.resolve(import.meta.dirname, "../..")
const read = (file: string) => fs.readFileSync(path.join(root, file), "utf8")
const pages = documents(root).filter((file) => file.endsWith(".md"))

/** As GitHub makes it of a heading. */
const anchors = (file: string) =>
  [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!.toLowerCase().replace(/[^\w\s-]/g, "").trim().replace(/\s/g, "-")
  )

const broken = (page: string) =>
  [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [file, anchor] = link.split("#")
      const target = file === "" ? page : path.posix.join(path.posix.dirname(page), file!)
      if (!fs.existsSync(path.join(root, target))) return true
      return anchor !== undefined && !anchors(target).includes(anchor)
    })
    .map((link) => `${page}: ${link}`)

it("no link of README or docs leads nowhere", () => {
  assert.isAbove(pages.length, 10)
  assert.deepStrictEqual(pages.flatMap(broken), [])
})

it("every page can be reached from the index", () => {
  const linked = new Set(["docs/index.md"])
  for (const page of linked) {
    for (const [, link] of read(page).matchAll(/\]\(([^)\s#]+\.md)[^)]*\)/g)) {
      const target = path.posix.join(path.posix.dirname(page), link!)
      if (fs.existsSync(path.join(root, target))) linked.add(target)
    }
  }
  assert.deepStrictEqual(pages.filter((page) => page.startsWith("docs/") && !linked.has(page)), [])
})
