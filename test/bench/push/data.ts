/** What the servers of this folder tell of, the same for all. */

/** Resources that change, each once whenever `publish` is called. */
export const uris: ReadonlyArray<string> = Array.from({ length: 10 }, (_, n) => `bench://changes/${n}`)
