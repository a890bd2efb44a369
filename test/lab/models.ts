/** All models, for their tests, `npm run proof:lab` and `npm run proof:planted`. */
import type { Model } from "./model.ts"
import { cache } from "./models/cache.ts"
import { docket } from "./models/docket.ts"
import { grants } from "./models/grants.ts"
import { idempotency } from "./models/idempotency.ts"
import { proxies } from "./models/proxies.ts"
import { rateLimits } from "./models/rateLimits.ts"
import { reconnection } from "./models/reconnection.ts"
import { requests } from "./models/requests.ts"
import { sessions } from "./models/sessions.ts"
import { tasks } from "./models/tasks.ts"

export const models: ReadonlyArray<Model> = [
  cache,
  docket,
  grants,
  idempotency,
  proxies,
  rateLimits,
  reconnection,
  requests,
  sessions,
  tasks
]
