/**
 * What is in a skill's file.
 */
import * as FileContents from "../../definition/FileContents.ts"
import type * as Skill from "../Skill.ts"

/** A string is always text, whatever its name says. */
export const make = (value: string | Uint8Array, mimeType: string | undefined): Skill.Body =>
  typeof value === "string"
    ? { bytes: new TextEncoder().encode(value), isText: true }
    : { bytes: value, isText: FileContents.isText(value, mimeType) }

export const serve = ({ bytes, isText }: Skill.Body, mimeType: string | undefined): FileContents.Served =>
  FileContents.serve(bytes, mimeType, isText)

export const equals = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])
