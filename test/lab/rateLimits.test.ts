import { rateLimits } from "./models/rateLimits.ts"
import * as ModelTest from "./modelTest.ts"

ModelTest.run(rateLimits)
