export * as Content from "./Content.ts"
export * as DefinitionError from "./DefinitionError.ts"
export * as Tool from "./Tool.ts"
