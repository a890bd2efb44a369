/** All models, for their tests, `npm run proof:lab` and `npm run proof:planted`. */
import type { Model } from "./model.ts"
import { proxies } from "./models/proxies.ts"
import { reconnection } from "./models/reconnection.ts"
import { requests } from "./models/requests.ts"
import { sessions } from "./models/sessions.ts"

export const models: ReadonlyArray<Model> = [
  proxies,
  reconnection,
  requests,
  sessions
]
