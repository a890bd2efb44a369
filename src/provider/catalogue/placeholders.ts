/** `{{name}}` in the text of an entry. */

/** A backslash before the braces makes them text. */
const placeholder = /\\\{\{|\{\{\s*([\w.-]+)\s*\}\}/gu

/** The names a text mentions. */
export const namesIn = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(placeholder)).flatMap(([, name]) => name === undefined ? [] : [name])

/** The text with values in their places, and nothing where there is none. What a value looks like is its own affair. */
export const fill = (text: string, valueOf: (name: string) => string | undefined): string =>
  text.replace(placeholder, (_, name: string | undefined) => name === undefined ? "{{" : valueOf(name) ?? "")
