/** Markup out of texts that others have written. What is not `Html` is escaped, here and nowhere else. */

export class Html {
  readonly markup: string
  constructor(markup: string) {
    this.markup = markup
  }
}

export type Value = string | Html | ReadonlyArray<Html> | undefined

/** For the text of an element and for an attribute in double quotes; nowhere else is there room for a value. */
export const html = (strings: TemplateStringsArray, ...values: ReadonlyArray<Value>): Html =>
  new Html(strings.reduce((markup, next, index) => markup + write(values[index - 1]) + next))

const write = (value: Value): string =>
  value === undefined
    ? ""
    : typeof value === "string"
    ? clean(value).replace(/[&<>"'`]/gu, (character) => `&#${character.charCodeAt(0)};`)
    : value instanceof Html
    ? value.markup
    : value.map(({ markup }) => markup).join("")

/**
 * As it reads: without what turns the direction of the words after it, cannot be seen, or climbs over other lines. What
 * joins letters and emoji stays.
 */
const clean = (text: string): string =>
  text
    .replace(/\s/gu, " ")
    .replace(unreadable, "\ufffd")
    .replace(/(\p{M}{4})\p{M}+/gu, "$1")

const unreadable = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu

/** Its beginning, where it would push everything else off a small screen. */
export const shorten = (text: string, most: number): string => {
  const characters = [...clean(text)]
  return characters.length <= most ? characters.join("") : `${characters.slice(0, most - 1).join("")}…`
}
