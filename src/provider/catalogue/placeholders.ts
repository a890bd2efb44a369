/** `{{name}}` in the text of an entry. */

/** A backslash before the braces makes them text, and so does nothing between them. */
const placeholder = /\\\{\{|\{\{([^{}]*)\}\}/gu

const nameOf = (between: string | undefined): string => between?.trim() ?? ""

/** The names a text mentions. */
export const namesIn = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(placeholder), ([, between]) => nameOf(between)).filter((name) => name !== "")

/** The text with values in their places, and nothing where there is none. What a value looks like is its own affair. */
export const fill = (text: string, valueOf: (name: string) => string | undefined): string =>
  text.replace(placeholder, (found, between: string | undefined) => {
    const name = nameOf(between)
    return between === undefined ? "{{" : name === "" ? found : valueOf(name) ?? ""
  })
