import { reconnection } from "./models/reconnection.ts"
import * as ModelTest from "./modelTest.ts"

ModelTest.run(reconnection)
