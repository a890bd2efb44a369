import { cache } from "./models/cache.ts"
import * as ModelTest from "./modelTest.ts"

ModelTest.run(cache)
