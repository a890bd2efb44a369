/** What a user's browser shows once it is back from the authorization server. */
import type * as Http from "node:http"

export type Page = keyof typeof pages

const pages = {
  Done: {
    title: "You are logged in",
    text: "The program has what it needs. You can close this page and go back to it."
  },
  Refused: {
    title: "You are not logged in",
    text: "The login was not completed. You can close this page; the program says more."
  },
  NotAsked: {
    title: "Nobody has asked for this",
    text: "This page belongs to a login that is over, or that did not begin here. Start again from the program."
  },
  NotHere: { title: "There is nothing here", text: "The program only waits for the end of a login." }
} as const

/** Nothing of what a stranger has sent is shown, and nothing of it is kept by the browser or told to anybody. */
export const send = (response: Http.ServerResponse, status: number, page: Page): void => {
  const { text, title } = pages[page]
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    connection: "close"
  })
  response.end(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
:root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }
main { max-width: 32rem; margin: 20vh auto 0; padding: 0 1.5rem }
h1 { font-size: 1.6rem; line-height: 1.2 }
</style>
<main>
<h1>${title}</h1>
<p>${text}</p>
</main>
</html>
`)
}
