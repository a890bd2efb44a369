import { grants } from "./models/grants.ts"
import * as ModelTest from "./modelTest.ts"

ModelTest.run(grants)
