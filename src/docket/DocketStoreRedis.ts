/**
 * What a docket keeps, in Redis, for every process that has it. Each operation is one script, which Redis runs as one
 * step, and the time is that of the server. In a cluster the prefix has to hold a hash tag, as `{docket}:`, for a script
 * uses many keys.
 *
 * Redis lets go of what has expired by itself; the processes then take it out of the indexes. It should evict nothing
 * else for want of memory (`noeviction`): an execution that is evicted is lost.
 *
 * `find` looks for no other execution that is more urgent: engines on Redis have an order of their own. A page of `list`
 * may hold fewer than its limit, none even, where many had to be looked at; its cursor leads on. A hash this version of
 * the program cannot read is left to those that can: it is not listed and not overdue, with a warning, and to `find` it
 * or to `add` another one fails. It can be removed.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Schema from "effect/Schema"
import * as Gathered from "../storage/Gathered.ts"
import * as Persistently from "../storage/Persistently.ts"
import * as RedisScript from "../storage/RedisScript.ts"
import * as StoredText from "../storage/StoredText.ts"
import type * as DocketError from "./DocketError.ts"
import * as DocketStore from "./DocketStore.ts"
import * as Execution from "./Execution.ts"
import * as StoreText from "./storeText.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What every key begins with. `{fastmcp:docket}:`. */
  readonly prefix?: string
  /** How often what has expired is taken out of the indexes; `Duration.infinity` for never. 1 minute. */
  readonly cleanupInterval?: Duration.Input
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<DocketStore.DocketStore, never, Redis.Redis> =>
  Layer.effect(
    DocketStore.DocketStore,
    Effect.gen(function*() {
      const { prefix = "{fastmcp:docket}:" } = options
      const cleanupInterval = Duration.fromInputUnsafe(options.cleanupInterval ?? "1 minute")
      const redis = yield* Redis.Redis
      const available = yield* RedisScript.available("store of the docket", StoreText.unavailable)
      const read = StoreText.make()

      /** Of executions and their indexes. */
      const run = <A>(
        script: RedisScript.Script<A>,
        args: Args
      ): Effect.Effect<A, DocketError.DocketError> =>
        available(redis.eval(script)({ keys: [`${prefix}facts`], args: [prefix, ...args] }))

      /** A script for many; of two with the same id the later waits. */
      const gathered = <A>(script: RedisScript.Script<ReadonlyArray<A>>, id: number) =>
        Gathered.make<Args, A, DocketError.DocketError>({
          one: (args) => Effect.map(run(script, args), ([answer]) => answer!),
          many: (items) => Effect.map(run(script, items.flat()), (answers) => answers.map(Exit.succeed)),
          key: (args) => String(args[id]),
          isAlone: (args) => args.some((arg) => typeof arg === "string" && arg.length > StoreText.short),
          most
        })
      const changeAll = yield* gathered(changeGoingOn, 1)
      const findAll = yield* Gathered.make({
        one: (id: string) => Effect.map(run(find, [id]), ([now, [row]]) => ({ now, row })),
        many: (ids) =>
          Effect.map(run(find, ids), ([now, rows]) =>
            ids.map((id) => Exit.succeed({ now, row: rows.find((row) => row[idAt] === id) }))),
        most
      })

      const slotsOf = (key: string) =>
        `${prefix}slots:${StoredText.of(key)}`
      const notesOf = (kind: string) => `${prefix}notes:${StoredText.of(kind)}`

      const cleanAll: Effect.Effect<void, DocketError.DocketError> = Effect.flatMap(
        run(clean, [portion]),
        (count) => count < portion ? Effect.void : cleanAll
      )

      if (Duration.isFinite(cleanupInterval)) {
        yield* Effect.forkScoped(Persistently.run(
          "cleaning of the store of the docket",
          () => Effect.andThen(cleanAll, Effect.sleep(cleanupInterval))
        ))
      }

      const thereOf = (there: Fields | null): Effect.Effect<Execution.Execution | undefined, DocketError.DocketError> =>
        there === null ? Effect.undefined : read.one(storedOf(there))

      const addAll = (executions: ReadonlyArray<Execution.Execution>, then: DocketStore.Ringing["many"]) =>
        Effect.flatMap(run(add, executions.flatMap(argsOf)), (all) =>
          Effect.flatMap(
            then(executions.filter((_, index) => all[index] === null)),
            () => Effect.forEach(all, (there) => Effect.exit(thereOf(there)))
          ))

      const overdue = (
        options: { readonly graceMillis: number; readonly limit: number }
      ): Effect.Effect<{ executions: ReadonlyArray<Execution.Execution>; now: number }, DocketError.DocketError> =>
        Effect.gen(function*() {
          const { graceMillis, limit } = options
          const known = read.unreadable.size
          const most = limit + known
          const [now, rows] = yield* run(findOverdue, [graceMillis, most])
          const readable = yield* read.all(rows.map(storedOf))
          // Those met for the first time were in the way of others.
          if (rows.length === most && readable.length < limit && read.unreadable.size > known) {
            return yield* overdue(options)
          }
          return { executions: readable.slice(0, limit), now }
        })

      return {
        add: (execution) => Effect.flatMap(run(add, argsOf(execution)), ([there]) => thereOf(there!)),
        adder: ({ many, one }) =>
          Gathered.make<Execution.Execution, Execution.Execution | undefined, DocketError.DocketError>({
            one: (execution) =>
              Effect.tap(
                Effect.flatMap(run(add, argsOf(execution)), ([there]) => thereOf(there!)),
                (there) => there === undefined ? one(execution) : Effect.void
              ),
            // What has been added stays, so that none of them may be tried once more.
            many: (executions) =>
              Effect.catch(
                addAll(executions, many),
                (error) => Effect.succeed(executions.map(() => Exit.fail(error)))
              ),
            key: ({ id }) => id,
            isAlone: ({ payload }) => payload.length > StoreText.short,
            most
          }),
        find: (id) =>
          Effect.flatMap(findAll(StoredText.of(id)), ({ now, row }) =>
            row === undefined
              ? Effect.undefined
              : Effect.map(read.one(storedOf(row)), (execution) => ({ execution, now, urgent: undefined }))),
        change: (execution, condition) => {
          const args = [Number(condition?.isLeaseOver === true), ...argsOf(execution)]
          return Effect.map(
            StoreText.isAnew(execution)
              ? Effect.map(run(changeAnew, args), ([count]) => count)
              : changeAll(args.slice(0, changing + 1)),
            (count) => count === 1
          )
        },
        renew: (holds, leaseMillis) =>
          holds.length === 0 ? Effect.succeed([]) : Effect.map(
            run(renew, [leaseMillis, ...holds.flatMap(({ generation, id }) => [StoredText.of(id), generation])]),
            (ids) => ids.map(StoredText.to)
          ),
        generations: (ids) =>
          ids.length === 0 ? Effect.succeed([]) : Effect.map(
            run(generations, ids.map(StoredText.of)),
            (found) => found.map(([id, generation]) => ({ id: StoredText.to(id), generation: Number(generation) }))
          ),
        overdue,
        list: ({ cursor, isHeld, limit, owner, schedule, status, task }) =>
          Effect.gen(function*() {
            const before = StoreText.positionOf(cursor)
            if (limit < 1 || before === undefined) return { executions: [], cursor: undefined }
            const [next, rows] = yield* run(list, [
              before,
              limit,
              given(status),
              given(task && StoredText.of(task)),
              given(schedule && StoredText.of(schedule)),
              given(isHeld === undefined ? undefined : String(isHeld)),
              given(owner && StoredText.of(owner))
            ])
            return { executions: yield* read.all(rows.map(storedOf)), cursor: next === "" ? undefined : next }
          }),
        counts: Effect.andThen(
          cleanAll,
          Effect.map(run(counts, []), (found) =>
            found.flatMap(([task, status, count]) =>
              isStatus(status) ? [{ task: StoredText.to(task), status, count }] : []
            ))
        ),
        remove: (id) =>
          Effect.map(run(remove, [StoredText.of(id)]), (count) =>
            count === 1),
        acquire: ({ holder, key, lifeMillis, limit }) =>
          Effect.map(
            available(
              redis.eval(acquire)({
                keys: [slotsOf(key)],
                args: [StoredText.of(holder), limit, lifeMillis]
              })
            ),
            (freeAt) =>
              freeAt === null ? undefined : { freeAt: Number(freeAt) }
          ),
        release: ({ holder, key }) => Effect.asVoid(available(redis.send("ZREM", slotsOf(key), StoredText.of(holder)))),
        note: ({ data, id, kind }) =>
          Effect.asVoid(available(redis.send("HSET", notesOf(kind), StoredText.of(id), StoredText.of(data)))),
        withdraw: ({ id, kind }) =>
          Effect.map(available(redis.send<number>("HDEL", notesOf(kind), StoredText.of(id))), (count) => count === 1),
        notes: (kind) =>
          Effect.map(
            available(redis.eval(notes)({ keys: [notesOf(kind)], args: [] })),
            (fields) => fields.map(([id, data]) => ({ kind, id: StoredText.to(id), data: StoredText.to(data) }))
          ),
        transaction: (effect) => effect
      }
    })
  )

/** Entries of indexes removed in one script. */
const portion = 500

const isStatus = Schema.is(Execution.Status)

/** Empty for none. */
const given = (text: string | null | undefined): string => text === undefined || text === null ? "" : `=${text}`

/** The first are those that every change writes. */
const argsOf = (execution: Execution.Execution): Args => {
  const row = StoreText.rowOf(execution)
  return [
    row.id,
    row.generation,
    row.status,
    row.nextAt ?? "",
    Number(StoreText.isAtOnce(execution)),
    row.state,
    given(row.result),
    given(row.error),
    row.task,
    row.priority,
    given(row.schedule),
    row.payload,
    given(row.owner)
  ]
}

const changing = 8

const all = 13

/** In one script. */
const most = 64

type Args = ReadonlyArray<string | number>

type Fields = ReadonlyArray<string | null>

/** Behind what is read. */
const idAt = 10

const storedOf = (fields: Fields): StoreText.Stored => {
  const [task, priority, status, generation, nextAt, schedule, state, payload, result, error, id] = fields
  return {
    id: id!,
    // What is not there is found when the row is read.
    task: task!,
    priority: priority!,
    status: status!,
    generation: generation!,
    nextAt: nextAt ?? null,
    schedule: schedule ?? null,
    state: state!,
    payload: payload!,
    result: result ?? null,
    error: error ?? null
  }
}

/**
 * An execution is a hash. Indexes are sorted sets of ids: by the number with which it was added, of those of one status
 * and task (`in`), of a schedule, of an owner and of what is held; and by its time in the one of `due`, `leases` and
 * `expires` in which it waits for something. What it is found by and does not change is also in `facts`, for the hash is
 * gone by itself when the indexes are to be cleaned.
 */
const luaIndexes = `
local call, ARGV = redis.call, ARGV
local p = ARGV[1]
${RedisScript.luaNow}
local function keyOf(id) return p .. 'execution:' .. id end
local function indexOf(name) return p .. 'index:' .. name end
local function inOf(status, task) return indexOf('in:' .. status .. ':' .. task) end

local statuses = {'Scheduled', 'Running', 'Succeeded', 'Failed', 'Cancelled'}

-- Nil where it is empty, and without the mark of what is given.
local function given(value) return value ~= '' and string.sub(value, 2) or nil end

local function read(id)
  local row = call('HMGET', keyOf(id), 'task', 'priority', 'status', 'generation', 'nextAt', 'schedule', 'state',
    'payload', 'result', 'error')
  row[11] = id
  return row
end

local function queueOf(status, nextAt)
  if status == 'Running' then return 'leases' end
  if status ~= 'Scheduled' then return 'expires' end
  return nextAt and 'due' or 'held'
end

-- What it is found by besides its status and time.
local known = {}
local function enlist(id, facts, added)
  if facts.schedule then call('ZADD', indexOf('schedule:' .. facts.schedule), added, id) end
  if facts.owner then call('ZADD', indexOf('owner:' .. facts.owner), added, id) end
  if not known[facts.task] then call('SADD', p .. 'tasks', facts.task) end
  known[facts.task] = true
end

-- Most have nothing but a task.
local function textOf(facts)
  return (facts.schedule or facts.owner) and cjson.encode(facts) or '=' .. facts.task
end

local function strike(id, facts)
  if facts.schedule then call('ZREM', indexOf('schedule:' .. facts.schedule), id) end
  if facts.owner then call('ZREM', indexOf('owner:' .. facts.owner), id) end
  call('HDEL', p .. 'facts', id)
end

-- Of one whose hash is gone, and that may be anywhere.
local function forget(id)
  for _, name in ipairs({'expires', 'due', 'held', 'leases'}) do call('ZREM', indexOf(name), id) end
  local text = call('HGET', p .. 'facts', id) or ''
  local ok, facts = true, { task = given(text) }
  if string.sub(text, 1, 1) ~= '=' then ok, facts = pcall(cjson.decode, text) end
  local tasks = ok and {facts.task} or call('SMEMBERS', p .. 'tasks')
  for _, task in ipairs(tasks) do
    local all = {}
    for _, status in ipairs(statuses) do
      all[#all + 1] = inOf(status, task)
      call('ZREM', all[#all], id)
    end
    if call('EXISTS', unpack(all)) == 0 then call('SREM', p .. 'tasks', task) end
  end
  strike(id, ok and facts or {})
end

local function clean(most)
  local over = call('ZRANGEBYSCORE', indexOf('expires'), '-inf', now, 'LIMIT', 0, most)
  local count = 0
  for _, id in ipairs(over) do
    if call('EXISTS', keyOf(id)) == 0 then
      forget(id)
      count = count + 1
    end
  end
  return count
end

-- What is to start at once is due, though the clock it was added by is ahead.
local function timeOf(nextAt, isAtOnce)
  if nextAt == '' then return nil end
  return isAtOnce == '1' and tonumber(nextAt) > now and now or nextAt
end

local function put(fields, gone, name, value)
  if value then
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  elseif gone then
    gone[#gone + 1] = name
  end
end

-- Of what changes what is given, from this argument on; gone is what it has not, or nil for one that is new.
local function fieldsOf(first, status, nextAt, gone)
  local fields = {'generation', ARGV[first + 1], 'status', status, 'state', ARGV[first + 5]}
  put(fields, gone, 'nextAt', nextAt)
  put(fields, gone, 'result', given(ARGV[first + 6]))
  put(fields, gone, 'error', given(ARGV[first + 7]))
  return fields
end

local function whatOf(first, fields, gone)
  local facts = { task = ARGV[first + 8], schedule = given(ARGV[first + 10]), owner = given(ARGV[first + 12]) }
  put(fields, gone, 'task', facts.task)
  put(fields, gone, 'priority', ARGV[first + 9])
  put(fields, gone, 'payload', ARGV[first + 11])
  put(fields, gone, 'schedule', facts.schedule)
  put(fields, gone, 'owner', facts.owner)
  return facts
end
`

/** Of each the one that is there, if one is. */
const add = RedisScript.make<ReadonlyArray<Fields | null>>(`
${luaIndexes}
local function add(first, added)
  local id = ARGV[first]
  local key = keyOf(id)
  local status, nextAt = ARGV[first + 2], timeOf(ARGV[first + 3], ARGV[first + 4])
  local fields = fieldsOf(first, status, nextAt, nil)
  local facts = whatOf(first, fields, nil)
  if call('HSETNX', p .. 'facts', id, textOf(facts)) == 0 then
    if call('EXISTS', key) == 1 then return read(id) end
    -- It has expired, and may still be in the indexes.
    forget(id)
    call('HSET', p .. 'facts', id, textOf(facts))
  end
  put(fields, nil, 'added', added)
  call('HSET', key, unpack(fields))
  local queue = queueOf(status, nextAt)
  call('ZADD', indexOf(queue), queue == 'held' and added or nextAt, id)
  call('ZADD', inOf(status, facts.task), added, id)
  enlist(id, facts, added)
  if queue == 'expires' then call('PEXPIREAT', key, nextAt - 1) end
  return false
end
local all, count = {}, (#ARGV - 1) / ${all}
local before = call('INCRBY', p .. 'sequence', count) - count
for i = 1, count do all[i] = add(2 + (i - 1) * ${all}, before + i) end
clean(10)
return all
`)

const find = RedisScript.make<readonly [now: number, rows: ReadonlyArray<Fields>]>(`
${luaIndexes}
local rows = {}
for i = 2, #ARGV do
  local row = read(ARGV[i])
  if row[4] or call('EXISTS', keyOf(ARGV[i])) == 1 then rows[#rows + 1] = row end
end
return {now, rows}
`)

/** Whether they were changed; each has so many arguments, and the first says whether its lease has to be over. */
const makeChange = (count: number) =>
  RedisScript.make<ReadonlyArray<number>>(`
${luaIndexes}
local function change(isLapse, first)
  local id = ARGV[first]
  local key = keyOf(id)
  local generation, before, time, task, added, schedule, owner = unpack(
    call('HMGET', key, 'generation', 'status', 'nextAt', 'task', 'added', 'schedule', 'owner'))
  if not generation or tonumber(generation) ~= tonumber(ARGV[first + 1]) - 1 then return 0 end
  if isLapse == '1' and before == 'Running' and tonumber(time) > now then return 0 end
  local status, nextAt = ARGV[first + 2], timeOf(ARGV[first + 3], ARGV[first + 4])
  -- A lease may have been renewed meanwhile.
  if before == 'Running' and status == 'Running' then nextAt = time end
  local gone = {}
  local fields = fieldsOf(first, status, nextAt, gone)
  local facts = ${count} == ${all} and whatOf(first, fields, gone) or { task = task }
  call('HSET', key, unpack(fields))
  if #gone > 0 then call('HDEL', key, unpack(gone)) end

  if before ~= status or task ~= facts.task then call('ZREM', inOf(before, task), id) end
  call('ZADD', inOf(status, facts.task), added, id)
  local from, to = queueOf(before, time), queueOf(status, nextAt)
  if from ~= to then call('ZREM', indexOf(from), id) end
  if from ~= to or time ~= nextAt then
    call('ZADD', indexOf(to), to == 'held' and added or nextAt, id)
  end
  if ${count} == ${all} then
    strike(id, { schedule = schedule, owner = owner })
    enlist(id, facts, added)
    call('HSET', p .. 'facts', id, textOf(facts))
  end
  -- Redis says that something has expired from the millisecond after the one it is given.
  if to == 'expires' then
    call('PEXPIREAT', key, nextAt - 1)
  elseif from == 'expires' then
    call('PERSIST', key)
  end
  return 1
end
local all = {}
for first = 2, #ARGV, ${count + 1} do all[#all + 1] = change(ARGV[first], first + 1) end
return all
`)

const changeGoingOn = makeChange(changing)

const changeAnew = makeChange(all)

const renew = RedisScript.make<ReadonlyArray<string>>(`
${luaIndexes}
local renewed = {}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local found = call('HMGET', keyOf(id), 'status', 'generation')
  if found[1] == 'Running' and found[2] == ARGV[i + 1] then
    call('HSET', keyOf(id), 'nextAt', now + ARGV[2])
    call('ZADD', indexOf('leases'), now + ARGV[2], id)
    renewed[#renewed + 1] = id
  end
end
return renewed
`)

const generations = RedisScript.make<ReadonlyArray<readonly [id: string, generation: string]>>(`
${luaIndexes}
local found = {}
for i = 2, #ARGV do
  local generation = call('HGET', keyOf(ARGV[i]), 'generation')
  if generation then found[#found + 1] = {ARGV[i], generation} end
end
return found
`)

const findOverdue = RedisScript.make<readonly [now: number, rows: ReadonlyArray<Fields>]>(`
${luaIndexes}
local grace, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local rows = {}
local function late(name, before)
  local room = most - #rows
  if room <= 0 then return end
  for _, id in ipairs(call('ZRANGEBYSCORE', indexOf(name), '-inf', before, 'LIMIT', 0, room)) do
    if call('EXISTS', keyOf(id)) == 1 then
      rows[#rows + 1] = read(id)
    else
      forget(id)
    end
  end
end
late('leases', now)
late('due', now - grace)
return {now, rows}
`)

/**
 * Of several indexes, as far as each may have the next ones. So many are looked at for one page, for nothing else happens
 * in Redis meanwhile.
 */
const list = RedisScript.make<readonly [cursor: string, rows: ReadonlyArray<Fields>]>(`
${luaIndexes}
local before, limit = ARGV[2], tonumber(ARGV[3])
local status, task, schedule, isHeld = given(ARGV[4]), given(ARGV[5]), given(ARGV[6]), given(ARGV[7])
local owner = given(ARGV[8])
local indexes = {}
if owner then
  indexes[1] = indexOf('owner:' .. owner)
elseif schedule then
  indexes[1] = indexOf('schedule:' .. schedule)
elseif isHeld == 'true' then
  indexes[1] = indexOf('held')
else
  for _, name in ipairs(task and {task} or call('SMEMBERS', p .. 'tasks')) do
    for _, one in ipairs(status and {status} or statuses) do indexes[#indexes + 1] = inOf(one, name) end
  end
end
local function fits(id)
  local found = call('HMGET', keyOf(id), 'status', 'task', 'schedule', 'nextAt', 'generation', 'owner')
  return found[5] and (not status or found[1] == status) and (not task or found[2] == task)
    and (not schedule or found[3] == schedule) and (not owner or found[6] == owner) and (not isHeld or (isHeld == 'true') == not found[4])
end
local portion = math.min(limit + 1, 100)
local function nextOnes()
  local all = {}
  for _, index in ipairs(indexes) do
    local found = call('ZREVRANGEBYSCORE', index, '(' .. before, '-inf', 'WITHSCORES', 'LIMIT', 0, portion)
    for i = 1, #found, 2 do all[#all + 1] = { id = found[i], added = found[i + 1], number = tonumber(found[i + 1]) } end
  end
  if #indexes > 1 then table.sort(all, function(a, b) return a.number > b.number end) end
  return all
end
local rows, last, looked = {}, '', 0
while looked < 1000 do
  local found = nextOnes()
  if #found == 0 then return {'', rows} end
  for i = 1, math.min(#found, portion) do
    before = found[i].added
    if fits(found[i].id) then
      if #rows == limit then return {last, rows} end
      rows[#rows + 1] = read(found[i].id)
      last = before
    end
  end
  looked = looked + #found
end
return {#rows == limit and last or before, rows}
`)

const counts = RedisScript.make<ReadonlyArray<readonly [task: string, status: string, count: number]>>(`
${luaIndexes}
local found = {}
for _, task in ipairs(call('SMEMBERS', p .. 'tasks')) do
  local first = #found
  for _, status in ipairs(statuses) do
    local count = call('ZCARD', inOf(status, task))
    if count > 0 then found[#found + 1] = {task, status, count} end
  end
  if #found == first then call('SREM', p .. 'tasks', task) end
end
return found
`)

const remove = RedisScript.make<number>(`
${luaIndexes}
local id = ARGV[2]
local isThere = call('DEL', keyOf(id))
forget(id)
return isThere
`)

const clean = RedisScript.make<number>(`
${luaIndexes}
return clean(tonumber(ARGV[2]))
`)

const acquire = RedisScript.make<string | null>(`
local slots, holder, limit, life = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
${RedisScript.luaNow}${RedisScript.luaOutlive}
redis.call('ZREMRANGEBYSCORE', slots, '-inf', now)
local size = redis.call('ZCARD', slots)
if size >= limit and not redis.call('ZSCORE', slots, holder) then
  return redis.call('ZRANGE', slots, size - limit, size - limit, 'WITHSCORES')[2]
end
redis.call('ZADD', slots, now + life, holder)
outlive(slots, life)
return false
`)

const notes = RedisScript.make<ReadonlyArray<readonly [id: string, data: string]>>(`
local fields = redis.call('HGETALL', KEYS[1])
local found = {}
for i = 1, #fields, 2 do found[#found + 1] = {fields[i], fields[i + 1]} end
return found
`)
