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
      const addAll = yield* gathered(add, 0)
      const changeAll = yield* gathered(changeGoingOn, 1)
      const findAll = yield* Gathered.make({
        one: (id: string) => Effect.map(run(find, [id]), ([now, [row]]) => ({ now, row })),
        many: (ids) =>
          Effect.map(run(find, ids), ([now, rows]) =>
            ids.map((id) => Exit.succeed({ now, row: rows.find(([found]) => found === id) }))),
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
        add: (execution) =>
          Effect.flatMap(
            addAll(argsOf(execution)),
            (there) => there === null ? Effect.undefined : read.one(storedOf(there))
          ),
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
          Effect.map(run(counts, []), (fields) =>
            fields.flatMap(([name, count]) => {
              const status = name.slice(0, name.indexOf(":"))
              const task = StoredText.to(name.slice(status.length + 1))
              return isStatus(status) ? [{ task, status, count: Number(count) }] : []
            }))
        ),
        remove: (id) => Effect.map(run(remove, [StoredText.of(id)]), (count) => count === 1),
        acquire: ({ holder, key, lifeMillis, limit }) =>
          Effect.map(
            available(
              redis.eval(acquire)({
                keys: [slotsOf(key)],
                args: [StoredText.of(holder), limit, lifeMillis]
              })
            ),
            (freeAt) => freeAt === null ? undefined : { freeAt: Number(freeAt) }
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

const storedOf = (fields: Fields): StoreText.Stored => {
  const [id, task, priority, status, generation, nextAt, schedule, state, payload, result, error] = fields
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
 * An execution is a hash. Indexes are sorted sets of ids: by the number with which it was added, and by its time in the
 * one of `due`, `leases` and `expires` in which it waits for something. What an execution is found by is also in `facts`,
 * for the hash is gone by itself when the indexes are to be cleaned.
 */
const luaIndexes = `
local p = ARGV[1]
${RedisScript.luaNow}
local function keyOf(id) return p .. 'execution:' .. id end
local function indexOf(name) return p .. 'index:' .. name end

local function read(id)
  local row = redis.call('HMGET', keyOf(id), 'task', 'priority', 'status', 'generation', 'nextAt', 'schedule', 'state',
    'payload', 'result', 'error')
  table.insert(row, 1, id)
  return row
end

-- Of a field what is given, or nothing any more.
local function put(sets, gone, field, value)
  if value == '' then
    gone[#gone + 1] = field
  else
    sets[#sets + 1] = field
    sets[#sets + 1] = string.sub(value, 2)
  end
end

local function factsOf(id)
  local text = redis.call('HGET', p .. 'facts', id)
  if not text then return nil end
  local ok, facts = pcall(cjson.decode, text)
  return ok and facts or nil
end

-- Where only these have changed, nothing else has to be looked at.
local function indexesOf(facts, isGoingOn)
  local all = {}
  if not facts then return all end
  all['status:' .. facts.status] = true
  all[facts.queue] = true
  if isGoingOn then return all end
  all['added'] = true
  all['task:' .. facts.task] = true
  if facts.schedule then all['schedule:' .. facts.schedule] = true end
  if facts.owner then all['owner:' .. facts.owner] = true end
  return all
end

local function count(facts, by)
  local name = facts.status .. ':' .. facts.task
  if redis.call('HINCRBY', p .. 'counts', name, by) <= 0 then redis.call('HDEL', p .. 'counts', name) end
end

local function move(id, before, after, added, nextAt)
  local isGoingOn = before and after and before.task == after.task and before.schedule == after.schedule
    and before.owner == after.owner
  local old, new = indexesOf(before, isGoingOn), indexesOf(after, isGoingOn)
  for name in pairs(old) do
    if not new[name] then redis.call('ZREM', indexOf(name), id) end
  end
  for name in pairs(new) do
    if name == after.queue and name ~= 'held' then
      redis.call('ZADD', indexOf(name), nextAt, id)
    elseif not old[name] then
      redis.call('ZADD', indexOf(name), added, id)
    end
  end
  if isGoingOn and before.status == after.status and before.queue == after.queue then return end
  if before then count(before, -1) end
  if after then
    count(after, 1)
    redis.call('HSET', p .. 'facts', id, cjson.encode(after))
  else
    redis.call('HDEL', p .. 'facts', id)
  end
end

local function queueOf(status, nextAt)
  if status == 'Running' then return 'leases' end
  if status ~= 'Scheduled' then return 'expires' end
  return nextAt == '' and 'held' or 'due'
end

local function clean(most)
  local over = redis.call('ZRANGEBYSCORE', indexOf('expires'), '-inf', now, 'LIMIT', 0, most)
  local count = 0
  for _, id in ipairs(over) do
    if redis.call('EXISTS', keyOf(id)) == 0 then
      move(id, factsOf(id), nil)
      redis.call('ZREM', indexOf('expires'), id)
      count = count + 1
    end
  end
  return count
end

-- Of one of many: what was given for it, from its first argument.
local function given(first, count)
  local row = {}
  for i = 1, count do row[i] = ARGV[first + i - 1] end
  return row
end

-- What is to start at once is due, though the clock it was added by is ahead.
local function timeOf(nextAt, isAtOnce)
  if isAtOnce == '1' and nextAt ~= '' and tonumber(nextAt) > now then return now end
  return nextAt
end

-- Redis says that something has expired from the millisecond after the one it is given.
local function expire(key, nextAt, queue, mayExpire)
  if queue == 'expires' then
    redis.call('PEXPIREAT', key, nextAt - 1)
  elseif mayExpire then
    redis.call('PERSIST', key)
  end
end

-- What it is found by is kept where it is not given; a new one has kept nothing.
local function write(row, before, added, kept)
  local id = row[1]
  local key = keyOf(id)
  local generation, status, nextAt, state, result, err = row[2], row[3], timeOf(row[4], row[5]), row[6], row[7], row[8]
  local task, priority, schedule, payload, owner = row[9], row[10], row[11], row[12], row[13]
  local sets, gone = {'generation', generation, 'status', status, 'state', state}, {}
  put(sets, gone, 'nextAt', nextAt == '' and '' or '=' .. nextAt)
  put(sets, gone, 'result', result)
  put(sets, gone, 'error', err)
  local facts = { status = status, queue = queueOf(status, nextAt) }
  if task then
    for _, value in ipairs({'task', task, 'priority', priority, 'payload', payload}) do sets[#sets + 1] = value end
    put(sets, gone, 'schedule', schedule)
    put(sets, gone, 'owner', owner)
    facts.task = task
    facts.schedule = schedule ~= '' and string.sub(schedule, 2) or nil
    facts.owner = owner ~= '' and string.sub(owner, 2) or nil
  else
    facts.task, facts.schedule, facts.owner = kept.task, kept.schedule, kept.owner
  end
  redis.call('HSET', key, unpack(sets))
  if #gone > 0 and kept then redis.call('HDEL', key, unpack(gone)) end
  move(id, before, facts, added, nextAt)
  expire(key, nextAt, facts.queue, kept and not (before and before.queue ~= 'expires'))
end
`

/** Of each the one that is there, if one is. */
const add = RedisScript.make<ReadonlyArray<Fields | null>>(`
${luaIndexes}
local function add(row)
  local id = row[1]
  if redis.call('EXISTS', keyOf(id)) == 1 then return read(id) end
  -- One that has expired may still be in the indexes.
  local before = factsOf(id)
  if before then move(id, before, nil) end
  write(row, nil, redis.call('INCR', p .. 'sequence'), nil)
  return false
end
local all = {}
for first = 2, #ARGV, ${all} do all[#all + 1] = add(given(first, ${all})) end
clean(10)
return all
`)

const find = RedisScript.make<readonly [now: number, rows: ReadonlyArray<Fields>]>(`
${luaIndexes}
local rows = {}
for i = 2, #ARGV do
  local row = read(ARGV[i])
  if row[5] or redis.call('EXISTS', keyOf(row[1])) == 1 then rows[#rows + 1] = row end
end
return {now, rows}
`)

/** Whether they were changed; each has so many arguments, and the first says whether its lease has to be over. */
const makeChange = (count: number) =>
  RedisScript.make<ReadonlyArray<number>>(`
${luaIndexes}
local function change(isLapse, row)
  local id = row[1]
  local generation, status, nextAt, task, schedule, owner = unpack(
    redis.call('HMGET', keyOf(id), 'generation', 'status', 'nextAt', 'task', 'schedule', 'owner'))
  if not generation or tonumber(generation) ~= tonumber(row[2]) - 1 then return 0 end
  if isLapse == '1' and status == 'Running' and tonumber(nextAt) > now then return 0 end
  if status == 'Running' and row[3] == 'Running' then row[4] = nextAt end
  write(row, factsOf(id), redis.call('ZSCORE', indexOf('added'), id) or redis.call('INCR', p .. 'sequence'),
    { task = task or '', schedule = schedule or nil, owner = owner or nil })
  return 1
end
local all = {}
for first = 2, #ARGV, ${count + 1} do all[#all + 1] = change(ARGV[first], given(first + 1, ${count})) end
return all
`)

const changeGoingOn = makeChange(changing)

const changeAnew = makeChange(all)

const renew = RedisScript.make<ReadonlyArray<string>>(`
${luaIndexes}
local renewed = {}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local found = redis.call('HMGET', keyOf(id), 'status', 'generation')
  if found[1] == 'Running' and found[2] == ARGV[i + 1] then
    redis.call('HSET', keyOf(id), 'nextAt', now + ARGV[2])
    redis.call('ZADD', indexOf('leases'), now + ARGV[2], id)
    renewed[#renewed + 1] = id
  end
end
return renewed
`)

const generations = RedisScript.make<ReadonlyArray<readonly [id: string, generation: string]>>(`
${luaIndexes}
local found = {}
for i = 2, #ARGV do
  local generation = redis.call('HGET', keyOf(ARGV[i]), 'generation')
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
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', indexOf(name), '-inf', before, 'LIMIT', 0, room)) do
    if redis.call('EXISTS', keyOf(id)) == 1 then
      rows[#rows + 1] = read(id)
    else
      move(id, factsOf(id), nil)
      redis.call('ZREM', indexOf(name), id)
    end
  end
end
late('leases', now)
late('due', now - grace)
return {now, rows}
`)

/** So many are looked at for one page, for nothing else happens in Redis meanwhile. */
const list = RedisScript.make<readonly [cursor: string, rows: ReadonlyArray<Fields>]>(`
${luaIndexes}
local before, limit = ARGV[2], tonumber(ARGV[3])
local function given(value) return value ~= '' and string.sub(value, 2) or nil end
local status, task, schedule, isHeld = given(ARGV[4]), given(ARGV[5]), given(ARGV[6]), given(ARGV[7])
local owner = given(ARGV[8])
local index = owner and 'owner:' .. owner or schedule and 'schedule:' .. schedule or isHeld == 'true' and 'held'
  or status and 'status:' .. status or task and 'task:' .. task or 'added'
local function fits(id)
  local found = redis.call('HMGET', keyOf(id), 'status', 'task', 'schedule', 'nextAt', 'generation', 'owner')
  return found[5] and (not status or found[1] == status) and (not task or found[2] == task)
    and (not schedule or found[3] == schedule) and (not owner or found[6] == owner) and (not isHeld or (isHeld == 'true') == not found[4])
end
local rows, last, looked = {}, '', 0
while looked < 1000 do
  local found = redis.call('ZREVRANGEBYSCORE', indexOf(index), '(' .. before, '-inf', 'WITHSCORES', 'LIMIT', 0, 100)
  if #found == 0 then return {'', rows} end
  for i = 1, #found, 2 do
    before = found[i + 1]
    if fits(found[i]) then
      if #rows == limit then return {last, rows} end
      rows[#rows + 1] = read(found[i])
      last = before
    end
  end
  looked = looked + #found / 2
end
return {#rows == limit and last or before, rows}
`)

const counts = RedisScript.make<ReadonlyArray<readonly [name: string, count: string]>>(`
local fields = redis.call('HGETALL', ARGV[1] .. 'counts')
local found = {}
for i = 1, #fields, 2 do found[#found + 1] = {fields[i], fields[i + 1]} end
return found
`)

const remove = RedisScript.make<number>(`
${luaIndexes}
local id = ARGV[2]
local isThere = redis.call('DEL', keyOf(id))
local before = factsOf(id)
if before then move(id, before, nil) end
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
