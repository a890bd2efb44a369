/** The way of a person through the pages of a server: reads forms, fills them in, and goes where it is sent. */
import type { Person } from "../../server/engine.ts"

export interface Page {
  readonly url: URL
  readonly status: number
  readonly text: string
}

export interface Walk {
  /** What the server showed, in order. */
  readonly pages: ReadonlyArray<Page>
  /** Where it has sent the person, away from itself. */
  readonly left: URL | undefined
}

/** Asks for the password. */
export const isLogin = ({ text }: Page) => /<input[^>]*type="?password/iu.test(text)

// ----------------------------------------------------------------------------
// forms
// ----------------------------------------------------------------------------

type Attributes = { readonly [name: string]: string | undefined }

const entities: { readonly [name: string]: string } = { amp: "&", lt: "<", gt: ">", quot: "\"", apos: "'" }

const unescape = (text: string) =>
  text.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/giu, (whole, hex, decimal, name) =>
    hex !== undefined
      ? String.fromCodePoint(Number.parseInt(hex, 16))
      : decimal !== undefined
      ? String.fromCodePoint(Number(decimal))
      : entities[name] ?? whole)

const attributesOf = (tag: string): Attributes => {
  const attributes: { [name: string]: string } = {}
  for (
    const [, name, double, single, bare] of tag.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/gu)
  ) {
    attributes[name!.toLowerCase()] = unescape(double ?? single ?? bare ?? "")
  }
  return attributes
}

interface Button {
  readonly attributes: Attributes
  readonly isNo: boolean
}

interface Form {
  readonly action: string | undefined
  readonly method: string
  readonly fields: ReadonlyArray<Attributes>
  readonly buttons: ReadonlyArray<Button>
}

const buttonsIn = (html: string): ReadonlyArray<Button> =>
  [...html.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>|<input\b([^>]*type="?submit[^>]*)>/giu)].map(
    ([, button, text, input]) => {
      const attributes = attributesOf(button ?? input!)
      const words = [attributes["name"], attributes["value"], text].join(" ")
      return { attributes, isNo: /\b(no|deny|cancel|refuse|reject|decline|abort|stay)\b/iu.test(words) }
    }
  )

const formsOf = (html: string): ReadonlyArray<Form> =>
  [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/giu)].map(([, tag, body]) => {
    const { action, id, method = "get" } = attributesOf(tag!)
    return {
      action,
      method: method.toUpperCase(),
      fields: [...body!.matchAll(/<input\b([^>]*)>/giu)].map(([, tag]) => attributesOf(tag!))
        .filter(({ type }) => type?.toLowerCase() !== "submit"),
      buttons: [
        ...buttonsIn(body!),
        ...buttonsIn(html.replace(body!, "")).filter(({ attributes }) => id !== undefined && attributes["form"] === id)
      ]
    }
  })

/** What the form sends when it is filled in and a button is pressed; nothing where it has no such button. */
const fill = (form: Form, says: "yes" | "no"): URLSearchParams | undefined => {
  const pressed = form.buttons.find(({ isNo }) => isNo === (says === "no"))
  if (pressed === undefined && (says === "no" || form.buttons.length > 0)) return undefined
  const values = new URLSearchParams()
  for (const { name, type = "text", value } of form.fields) {
    if (name === undefined) continue
    if (type === "password") values.append(name, "correct horse")
    else if (type === "text" || type === "email") values.append(name, "anna")
    else values.append(name, value ?? "on")
  }
  const { name, value } = pressed?.attributes ?? {}
  if (name !== undefined) values.append(name, value ?? "")
  return values
}

// ----------------------------------------------------------------------------
// walking
// ----------------------------------------------------------------------------

/** By a redirect, or by a page that goes on of its own accord. */
const sentTo = ({ headers, status }: Response): string | undefined =>
  status >= 300 && status < 400
    ? headers.get("location") ?? undefined
    : /^\s*0\s*;\s*url=(.+)$/iu.exec(headers.get("refresh") ?? "")?.[1]

/** Where a page leads that does not go on of its own accord. */
const linkOf = ({ text }: Page): URL | undefined => {
  const link = /<a\b([^>]*)>/iu.exec(text)
  const { href } = attributesOf(link?.[1] ?? "")
  return href === undefined ? undefined : new URL(href)
}

/** Goes there and on, filling in every form, until the server sends the person away or has no more to ask. */
export const walk = async (
  fetch: Person["fetch"],
  start: string,
  { init = {}, says = "yes" }: { readonly init?: RequestInit; readonly says?: "yes" | "no" } = {}
): Promise<Walk> => {
  const pages: Array<Page> = []
  const { origin } = new URL(start)
  let url = new URL(start)
  let next = init
  for (let step = 0; step < 30; step++) {
    const response = await fetch(url.href, next)
    next = {}
    const to = sentTo(response)
    if (to !== undefined) {
      url = new URL(to, url)
      if (url.origin !== origin) return { pages, left: url }
      continue
    }
    const page = { url, status: response.status, text: await response.text() }
    pages.push(page)
    if (page.status >= 400) return { pages, left: linkOf(page) }
    const forms = formsOf(page.text)
    // Nobody can refuse to log in, so who says no says it afterwards.
    const answer = isLogin(page) ? "yes" : says
    const found = forms.map((form) => ({ form, values: fill(form, answer) })).find(({ values }) => values !== undefined)
    if (found?.values === undefined) return { pages, left: undefined }
    url = new URL(found.form.action ?? url.href, url)
    if (found.form.method === "POST") {
      next = {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", origin },
        body: found.values.toString()
      }
    } else url.search = found.values.toString()
  }
  throw new Error(`it does not end: ${pages.map(({ url }) => url.href).join(" ")}`)
}
