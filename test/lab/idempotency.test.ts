import { idempotency } from "./models/idempotency.ts"
import * as ModelTest from "./modelTest.ts"

ModelTest.run(idempotency)
