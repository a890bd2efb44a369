import { docket } from "./models/docket.ts"
import * as ModelTest from "./modelTest.ts"

ModelTest.run(docket, [1323, 5100])
