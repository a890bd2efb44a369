/** The standard claims of OpenID Connect Core 5.1, and the user who has every one of them. */

export type Json = { readonly [name: string]: unknown }

export const anna = {
  name: "Anna Example",
  given_name: "Anna",
  family_name: "Example",
  middle_name: "Maria",
  nickname: "Annie",
  preferred_username: "anna",
  profile: "https://people.example/anna",
  picture: "https://people.example/anna.png",
  website: "https://anna.example",
  email: "anna@example.com",
  email_verified: true,
  gender: "female",
  birthdate: "1990-04-12",
  zoneinfo: "Europe/Zurich",
  locale: "de-CH",
  phone_number: "+41 44 000 00 00",
  phone_number_verified: true,
  address: { street_address: "Hauptstrasse 1", locality: "Zurich", postal_code: "8000", country: "CH" },
  updated_at: 1_700_000_000
} as const

/** The claims of each scope (5.4). */
export const claimsOf: { readonly [scope: string]: ReadonlyArray<string> } = {
  openid: ["sub"],
  profile: [
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at"
  ],
  email: ["email", "email_verified"],
  address: ["address"],
  phone: ["phone_number", "phone_number_verified"]
}

const isText = (value: unknown) => typeof value === "string" && value.trim() !== "" && value !== "null"

const isBoolean = (value: unknown) => typeof value === "boolean"

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const isBirthdate = (value: unknown) => {
  const [, year, day] = /^(\d{4})(-\d{2}-\d{2})?$/u.exec(String(value)) ?? []
  if (typeof value !== "string" || year === undefined) return false
  const isYear = Number(year) >= 1850 && Number(year) <= new Date().getUTCFullYear()
  if (day === undefined) return isYear
  const date = new Date(`2000${day}T00:00:00Z`)
  return (isYear || year === "0000") && !Number.isNaN(date.valueOf()) && date.toISOString().startsWith(`2000${day}`)
}

/** Seconds, of a time that the web has seen. */
const isPast = (value: unknown) =>
  typeof value === "number" && value * 1000 >= Date.UTC(1990, 0) && value * 1000 <= Date.now() + 300_000

const isAddress = (value: unknown) =>
  isObject(value) && Object.keys(value).length > 0 &&
  ["formatted", "street_address", "locality", "region", "postal_code", "country"].every((name) =>
    !(name in value) || isText(value[name])
  )

const special: { readonly [name: string]: (value: unknown) => boolean } = {
  email_verified: isBoolean,
  phone_number_verified: isBoolean,
  birthdate: isBirthdate,
  updated_at: isPast,
  address: isAddress,
  _claim_names: isObject,
  _claim_sources: isObject
}

const standard = new Set([...Object.values(claimsOf).flat(), "_claim_names", "_claim_sources"])

/** The standard claims whose values are not of the kind they are to be. */
export const wrongClaims = (claims: Json): ReadonlyArray<string> =>
  Object.keys(claims).filter((name) => standard.has(name) && !(special[name] ?? isText)(claims[name]))
