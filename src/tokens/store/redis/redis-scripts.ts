import { longestNoteMs } from '../shared-failure.ts'

/** What happens in Redis in one step, each with one round trip. Redis keeps the compiled script, so its text is sent each time. */

/** Past this an entry is not ours: the largest answer of a token endpoint is 256 KiB. */
const largestEntry = 1024 * 1024

/**
 * MGET finds nothing where the type is wrong, and a time to live shows what we did not write: each of our keys has one.
 * KEYS that belong together are one after the other: `names` under the key in use and under the one before.
 */
const reading = `
local function entriesOf(first, names)
  local found = {}
  local values = redis.call('MGET', unpack(KEYS, first, first + names - 1))
  for at = 1, names do
    local value, life = values[at], 0
    if value and #value <= ${largestEntry} then life = redis.call('PTTL', KEYS[first + at - 1]) end
    if life > 0 then found[#found + 1] = {at, value, life} end
  end
  return found
end
local function idOf(value) return string.match(value, '^([^|]*)|') end
local function dropToken(names, id)
  for _, entry in ipairs(entriesOf(1, names)) do
    if idOf(entry[2]) == id then redis.call('DEL', KEYS[entry[1]]) end
  end
end
local function appendAll(answer, entries)
  for _, entry in ipairs(entries) do
    for _, part in ipairs(entry) do answer[#answer + 1] = part end
  end
  return answer
end
`

/** KEYS: entries. Gives position, value and life of each that is there. */
export const readScript = `${reading}
return appendAll({}, entriesOf(1, #KEYS))
`

/**
 * A pause or a lease that is longer than we write was not written by us, and is not believed.
 * KEYS: tokens, grants, locks, failures. ARGV: names per kind, owner, lease in ms, whether failures count, then the ids of tokens
 * of no use. Gives `kept` with tokens, `failed` with a failure, `taken`, or `locked` with grants.
 */
export const claimScript = `${reading}
local names = tonumber(ARGV[1])
local useless = {}
for at = 5, #ARGV do useless[ARGV[at]] = true end
local tokens = {}
for _, entry in ipairs(entriesOf(1, names)) do
  local id = idOf(entry[2])
  if id and not useless[id] then tokens[#tokens + 1] = entry end
end
if #tokens > 0 then return appendAll({'kept'}, tokens) end
if ARGV[4] == 'yes' then
  for _, entry in ipairs(entriesOf(3 * names + 1, names)) do
    if entry[3] <= ${longestNoteMs} then return appendAll({'failed'}, {entry}) end
  end
end
for _, entry in ipairs(entriesOf(2 * names + 1, names)) do
  if entry[3] <= tonumber(ARGV[3]) then return {'taken'} end
end
redis.call('SET', KEYS[2 * names + 1], ARGV[2], 'PX', ARGV[3])
return appendAll({'locked'}, entriesOf(names + 1, names))
`

/** KEYS: lock. ARGV: owner, lease in ms. Gives whether the lock is still the owner's. */
export const extendScript = `
if redis.call('MGET', KEYS[1])[1] ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`

/** KEYS: lock. ARGV: owner. */
export const releaseScript = `
if redis.call('MGET', KEYS[1])[1] ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`

/**
 * KEYS: tokens, grants, locks, failures. ARGV: names per kind, owner, token, its life (0: it is over), grant, its life, channel,
 * message, then the grants as they were under the lock, `names` of them. Gives whether it is kept: a lease that was lost may have
 * gone to somebody whose token is newer, and ended this one. Grants that have changed stay.
 */
export const publishScript = `${reading}
local names = tonumber(ARGV[1])
if redis.call('MGET', KEYS[2 * names + 1])[1] ~= ARGV[2] then return 0 end
local grants, isChanged = {}, false
for _, entry in ipairs(entriesOf(names + 1, names)) do grants[entry[1]] = entry[2] end
for at = 1, names do
  if (grants[at] or '') ~= ARGV[8 + at] then isChanged = true end
end
for at, key in ipairs(KEYS) do
  if not (isChanged and at > names and at <= 2 * names) then redis.call('DEL', key) end
end
if tonumber(ARGV[4]) > 0 then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
if not isChanged then redis.call('SET', KEYS[names + 1], ARGV[5], 'PX', ARGV[6]) end
redis.call('PUBLISH', ARGV[7], ARGV[8])
return 1
`

/** KEYS: lock, failure. ARGV: owner, failure, pause in ms, channel, message. */
export const failScript = `
if redis.call('MGET', KEYS[1])[1] ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if tonumber(ARGV[3]) > 0 then redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
`

/** KEYS: grants, failures. ARGV: grant, its life, channel, message. */
export const keepGrantScript = `
redis.call('DEL', unpack(KEYS))
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
`

/** KEYS: tokens. ARGV: id, and where somebody is to be told: channel, message. */
export const dropTokenScript = `${reading}
dropToken(#KEYS, ARGV[1])
if ARGV[2] then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return 1
`

/** KEYS: tokens. ARGV: token, its life, channel, message. Keeps it under the first name, unless there is one. */
export const restoreScript = `${reading}
if #entriesOf(1, #KEYS) == 0 and tonumber(ARGV[2]) > 0 then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
`

/** KEYS: token. ARGV: id, token, channel, message. Replaces the entry of that token, and leaves its life; tells of it. */
export const replaceTokenScript = `${reading}
for _, entry in ipairs(entriesOf(1, 1)) do
  if idOf(entry[2]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', entry[3]) end
end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
`

/** ARGV: channel, message. */
export const tellScript = `
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
`

/**
 * KEYS: budgets. ARGV: how many may be spent in a window, the window in ms, a name for this one. Gives whether it is spent, and the
 * ages of all, by the clock of Redis. What lies in the future was written before that clock was set back, and counts as of now.
 */
export const spendScript = `
local most, windowMs = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ages = {}
for _, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', key) end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - windowMs)
  redis.call('ZREMRANGEBYSCORE', key, now + windowMs, '+inf')
  local spent = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for at = 2, #spent, 2 do ages[#ages + 1] = math.max(0, now - tonumber(spent[at])) end
end
local isSpent = 0
if #ages < most then
  isSpent = 1
  ages[#ages + 1] = 0
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[3])
  redis.call('PEXPIRE', KEYS[1], windowMs)
end
table.sort(ages, function(a, b) return a > b end)
table.insert(ages, 1, isSpent)
return ages
`

/** KEYS: two to write to. ARGV: channel. Does once whatever the other scripts do, so that a right which is missing shows here. */
export const probeScript = `
redis.call('SET', KEYS[1], '1', 'PX', 60000)
redis.call('MGET', KEYS[1])
redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[2])
redis.call('TYPE', KEYS[2])
redis.call('ZADD', KEYS[2], redis.call('TIME')[1], '1')
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', 0)
redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[2], 60000)
redis.call('PUBLISH', ARGV[1], '')
return 1
`
