/** The scripts by which a docket is kept in Redis, with what they are given and what they answer. */
import * as RedisScript from "../storage/RedisScript.ts"
import * as StoredText from "../storage/StoredText.ts"
import type * as DocketStore from "./DocketStore.ts"
import * as Execution from "./Execution.ts"
import * as StoreText from "./storeText.ts"

/** Empty for none. */
export const given = (text: string | null | undefined): string => text === undefined || text === null ? "" : `=${text}`

/** The first are those that every change writes. */
export const argsOf = (execution: Execution.Execution): Args => {
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
    isFree(execution) ? `${form}/${execution.attempt}` : "",
    row.task,
    row.priority,
    given(row.schedule),
    row.payload,
    given(row.owner)
  ]
}

export const changing = 9

const all = 14

/** Of what is kept; another number where versions before cannot read it, which then leave it alone. */
const form = 1

/** It may be claimed when it is due, whoever else there is. */
const isFree = (execution: Execution.Execution): boolean =>
  execution.status === "Scheduled" && execution.isHeld !== true && Execution.isUnlimited(execution)

/** The names of the tasks are there once for those who know the same. */
export const argsOfClaims = (requests: ReadonlyArray<DocketStore.ClaimRequest>): Args => {
  const known = [...new Set(requests.map(({ tasks }) => tasks))]
  return [
    known.length,
    ...known.flatMap((tasks) => [tasks.length, ...tasks.map(StoredText.of)]),
    ...requests.flatMap(({ id, leaseMillis, tasks, unless, worker }) => [
      StoredText.of(id),
      known.indexOf(tasks) + 1,
      leaseMillis,
      JSON.stringify(worker),
      notesOf(unless)
    ])
  ]
}

/** Behind the prefix, as all keys are. */
export const notesOf = (kind: string): string => `notes:${StoredText.of(kind)}`

export type Args = ReadonlyArray<string | number>

export type Fields = ReadonlyArray<string | null>

/** Behind what is read. */
export const idAt = 11
export const claimedAt = 12

export const storedOf = (fields: Fields): StoreText.Stored => {
  const [task, priority, status, generation, nextAt, schedule, state, payload, result, error, claim, id] = fields
  return {
    id: id!,
    // What is not there is found when the row is read.
    task: task!,
    priority: priority!,
    status: status!,
    generation: generation!,
    nextAt: nextAt ?? null,
    schedule: schedule ?? null,
    // Of two members with one name JSON takes the later.
    state: typeof claim === "string" && typeof state === "string" ? `${state.slice(0, -1)},${claim}}` : state!,
    payload: payload!,
    result: result ?? null,
    error: error ?? null
  }
}

/**
 * An execution is a hash. Indexes are sorted sets of ids: by the number with which it was added, of those of one status
 * and task (`in`), of a schedule, of an owner and of what is held; and by its time in the one of `due`, `leases` and
 * `expires` in which it waits for something. What it is found by and does not change is also in `facts`, for the hash is
 * gone by itself when the indexes are to be cleaned. One that may be claimed whoever else there is has as `free` its form
 * and how often it was tried; what a claim then says of its state is in `claim`, as members of JSON. Both are written anew,
 * or go, with the next change.
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

local function get(id, ...)
  return call('HMGET', keyOf(id), 'task', 'priority', 'status', 'generation', 'nextAt', 'schedule', 'state', 'payload',
    'result', 'error', 'claim', ...)
end

local function read(id)
  local row = get(id)
  row[12] = id
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
  put(fields, gone, 'free', ARGV[first + 8] ~= '' and ARGV[first + 8])
  put(fields, gone, 'claim', nil)
  return fields
end

local function whatOf(first, fields, gone)
  local facts = { task = ARGV[first + 9], schedule = given(ARGV[first + 11]), owner = given(ARGV[first + 13]) }
  put(fields, gone, 'task', facts.task)
  put(fields, gone, 'priority', ARGV[first + 10])
  put(fields, gone, 'payload', ARGV[first + 12])
  put(fields, gone, 'schedule', facts.schedule)
  put(fields, gone, 'owner', facts.owner)
  return facts
end
`

/** Of each the one that is there, if one is. */
export const add = RedisScript.make<ReadonlyArray<Fields | null>>(`
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

export const find = RedisScript.make<readonly [now: number, rows: ReadonlyArray<Fields>]>(`
${luaIndexes}
local rows = {}
for i = 2, #ARGV do
  local row = read(ARGV[i])
  if row[4] or call('EXISTS', keyOf(ARGV[i])) == 1 then rows[#rows + 1] = row end
end
return {now, rows}
`)

/** Each as it is now, or null; what was claimed, which is as `Execution.apply` has it, says so at its end. */
export const claim = RedisScript.make<readonly [now: number, rows: ReadonlyArray<Fields | null>]>(`
${luaIndexes}
local known, first = {}, 3
for i = 1, tonumber(ARGV[2]) do
  local count = tonumber(ARGV[first])
  known[i] = {}
  for j = first + 1, first + count do known[i][ARGV[j]] = true end
  first = first + count + 1
end
local isThere = {}
local function isFree(notes)
  if isThere[notes] == nil then isThere[notes] = call('EXISTS', p .. notes) == 1 end
  return not isThere[notes]
end
local function claim(id, tasks, lease, worker, notes)
  local key, row = keyOf(id), get(id, 'free', 'added')
  if not row[4] and call('EXISTS', key) == 0 then return false end
  local task, nextAt, added = row[1], row[5], row[13]
  local attempt = row[3] == 'Scheduled' and row[12] and string.match(row[12], '^${form}/(%d+)$')
  row[12], row[13] = id, nil
  if not attempt or not tasks[task] or not nextAt or tonumber(nextAt) > now or not isFree(notes) then return row end
  local run, lapse = row[4] + 1, string.format('%.0f', now + lease)
  local members = '"worker":' .. worker .. ',"run":' .. run .. ',"attempt":' .. attempt + 1 .. ',"startedAt":' .. now
  call('HSET', key, 'generation', run, 'status', 'Running', 'nextAt', lapse, 'claim', members)
  call('ZREM', inOf('Scheduled', task), id)
  call('ZADD', inOf('Running', task), added, id)
  call('ZREM', indexOf('due'), id)
  call('ZADD', indexOf('leases'), lapse, id)
  row[3], row[4], row[5], row[11], row[13] = 'Running', tostring(run), lapse, members, '1'
  return row
end
local rows = {}
for i = first, #ARGV, 5 do
  rows[#rows + 1] = claim(ARGV[i], known[tonumber(ARGV[i + 1])], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
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

export const changeGoingOn = makeChange(changing)

export const changeAnew = makeChange(all)

export const renew = RedisScript.make<ReadonlyArray<string>>(`
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

export const generations = RedisScript.make<ReadonlyArray<readonly [id: string, generation: string]>>(`
${luaIndexes}
local found = {}
for i = 2, #ARGV do
  local generation = call('HGET', keyOf(ARGV[i]), 'generation')
  if generation then found[#found + 1] = {ARGV[i], generation} end
end
return found
`)

export const findOverdue = RedisScript.make<readonly [now: number, rows: ReadonlyArray<Fields>]>(`
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
export const list = RedisScript.make<readonly [cursor: string, rows: ReadonlyArray<Fields>]>(`
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

export const counts = RedisScript.make<ReadonlyArray<readonly [task: string, status: string, count: number]>>(`
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

export const remove = RedisScript.make<number>(`
${luaIndexes}
local id = ARGV[2]
local isThere = call('DEL', keyOf(id))
forget(id)
return isThere
`)

export const clean = RedisScript.make<number>(`
${luaIndexes}
return clean(tonumber(ARGV[2]))
`)

export const acquire = RedisScript.make<string | null>(`
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

export const notes = RedisScript.make<ReadonlyArray<readonly [id: string, data: string]>>(`
local fields = redis.call('HGETALL', KEYS[1])
local found = {}
for i = 1, #fields, 2 do found[#found + 1] = {fields[i], fields[i + 1]} end
return found
`)
