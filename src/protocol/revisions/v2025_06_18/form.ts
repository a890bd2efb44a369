/**
 * Elicitation as clients of 2025-06-18 can show it: a form of strings, numbers, booleans and single choices. A default
 * is said in the description and stands in for a field left empty; a multiple choice is one checkbox for each option,
 * and the checked ones are its answer. A client that has no URL mode is shown the URL as text.
 */
import type * as McpSchema from "../../McpSchema.ts"
import * as stateful from "../stateful.ts"

type Property = { readonly [keyword: string]: unknown }

interface Option {
  readonly value: string
  readonly title: string
}

/** One property of the model's form: the fields it becomes, and how their answers become its own. */
interface Field {
  readonly name: string
  readonly properties: ReadonlyArray<readonly [name: string, property: Property]>
  readonly isRequired: boolean
  /** `undefined` when nothing was answered. */
  readonly read: (content: Content) => unknown
}

/** Not decoded yet. */
type Content = { readonly [name: string]: unknown }

const select = (property: Property, keywords: ReadonlyArray<string>): Property =>
  Object.fromEntries(keywords.flatMap((keyword) => keyword in property ? [[keyword, property[keyword]]] : []))

const isList = Array.isArray as (value: unknown) => value is ReadonlyArray<any>

/** Titled or not, old or new. */
const optionsOf = (schema: Property): ReadonlyArray<Option> => {
  const titled = schema.oneOf ?? schema.anyOf
  if (isList(titled)) return titled.map(({ const: value, title = value }) => ({ value, title }))
  const { enum: values, enumNames } = schema
  if (!isList(values)) return []
  return values.map((value, index) => ({ value, title: isList(enumNames) ? enumNames[index] ?? value : value }))
}

const common = ["type", "title", "description"]

const choice = (property: Property, options: ReadonlyArray<Option>): Property => ({
  ...select(property, common),
  enum: options.map(({ value }) => value),
  ...(options.every(({ title, value }) => title === value)
    ? undefined
    : { enumNames: options.map(({ title }) => title) })
})

const single = (property: Property): Property => {
  const options = optionsOf(property)
  if (options.length > 0) return choice(property, options)
  switch (property.type) {
    case "string":
      return select(property, [...common, "format", "minLength", "maxLength"])
    case "number":
    case "integer":
      return select(property, [...common, "minimum", "maximum"])
    case "boolean":
      return select(property, [...common, "default"])
    default:
      return property
  }
}

const sentence = (...parts: ReadonlyArray<unknown>): { readonly description?: string } => {
  const description = parts.filter((part) => typeof part === "string" && part !== "").join(" ")
  return description === "" ? {} : { description }
}

/** How many may be chosen, which checkboxes cannot say. */
const bounds = ({ maxItems, minItems }: Property): string | undefined =>
  minItems === undefined && maxItems === undefined
    ? undefined
    : minItems === undefined
    ? `(Choose at most ${maxItems}.)`
    : maxItems === undefined
    ? `(Choose at least ${minItems}.)`
    : `(Choose ${minItems} to ${maxItems}.)`

const answer = (name: string) => (content: Content): unknown => Object.hasOwn(content, name) ? content[name] : undefined

const fields = (
  { requestedSchema: { properties, required = [] } }: McpSchema.ElicitFormParams
): ReadonlyArray<Field> => {
  const taken = new Set(Object.keys(properties))
  const free = (name: string): string => taken.has(name) ? free(`${name}_`) : (taken.add(name), name)

  return Object.entries(properties).map(([name, property]): Field => {
    const isRequired = required.includes(name)
    if (property.type === "array") {
      const chosen = isList(property.default) ? property.default : undefined
      const boxes = optionsOf((property.items ?? {}) as Property).map(({ title, value }) => ({
        value,
        name: free(`${name}.${value}`),
        property: {
          type: "boolean",
          title: `${property.title ?? name}: ${title}`,
          ...sentence(property.description, bounds(property)),
          ...(chosen === undefined ? undefined : { default: chosen.includes(value) })
        }
      }))
      return {
        name,
        properties: boxes.map((box) => [box.name, box.property]),
        isRequired: false,
        read: (content) =>
          boxes.some((box) => Object.hasOwn(content, box.name))
            ? boxes.flatMap((box) => answer(box.name)(content) === true ? [box.value] : [])
            : chosen ?? (isRequired ? [] : undefined)
      }
    }
    const { default: preset } = property
    if (preset === undefined || property.type === "boolean") {
      return { name, properties: [[name, single(property)]], isRequired, read: answer(name) }
    }
    const shown = optionsOf(property).find(({ value }) => value === preset)?.title ?? preset
    return {
      name,
      properties: [[
        name,
        { ...single(property), ...sentence(property.description, `(If left empty: ${String(shown)})`) }
      ]],
      isRequired: false,
      read: (content) => {
        const value = answer(name)(content)
        // A form may send what was left empty as an empty text.
        return value === undefined || value === "" ? preset : value
      }
    }
  })
}

export const project = (params: McpSchema.ElicitParams): object => {
  if (params.mode === "url") {
    return { message: `${params.message}\n${params.url}`, requestedSchema: { type: "object", properties: {} } }
  }
  const all = fields(params)
  const required = all.flatMap(({ isRequired, name }) => isRequired ? [name] : [])
  return {
    message: params.message,
    requestedSchema: {
      type: "object",
      properties: Object.fromEntries(all.flatMap(({ properties }) => properties)),
      ...(required.length === 0 ? undefined : { required })
    }
  }
}

/** What is not an accepted form is passed on as it is. */
export const lift = (result: unknown, params: McpSchema.ElicitParams): unknown => {
  if (params.mode === "url" || !stateful.isObject(result) || result.action !== "accept") return result
  const { content = {} } = result
  if (!stateful.isObject(content)) return result
  return {
    ...result,
    content: Object.fromEntries(
      fields(params).flatMap(({ name, read }) => {
        const value = read(content)
        return value === undefined ? [] : [[name, value]]
      })
    )
  }
}
