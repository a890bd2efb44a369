/** All models, for their tests, `npm run proof:lab` and `npm run proof:planted`. */
import type { Model } from "./model.ts"
import { requests } from "./models/requests.ts"

export const models: ReadonlyArray<Model> = [
  requests
]
