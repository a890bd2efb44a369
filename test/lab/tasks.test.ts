import { tasks } from "./models/tasks.ts"
import * as ModelTest from "./modelTest.ts"

ModelTest.run(tasks)
