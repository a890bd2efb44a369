import type * as CacheStore from "../CacheStore.ts"

/** What a cache may have, with what is left out; throws where it is no room. */
export const of = (
  { maxBytes = 104_857_600, maxEntries = 1000, maxItemBytes = 1_048_576 }: CacheStore.Options
): Required<CacheStore.Options> => {
  for (const most of [maxBytes, maxEntries, maxItemBytes]) {
    if (!Number.isSafeInteger(most) || most < 1) throw new Error("A limit of the cache is a whole number from 1.")
  }
  return { maxBytes, maxEntries, maxItemBytes }
}
