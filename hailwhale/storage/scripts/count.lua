-- Count one event under every node, in every kept bucket, at most once per id.
--
-- KEYS    with an id: its four days of ids first;  then for each group and era a table of numbers;
--         then for each pk and era its metric names;  then for each group, slot and metric a hash of counters.
-- ARGV    1 the id, '' for none   2 when the first set of ids ends
--         3 groups   4 pks (the first groups are theirs)   5 eras   6 slots   7 metrics
--         then for each era   when its tables end
--         then for each slot  era (from 1), buckets in a chunk, offset, when its counters end
--         then for each metric  name, whole amount, millionths
--         then for each group   number of children, their names
-- returns 1 counted, 0 the id was counted before
--
-- An increment that the engine refuses (a counter at the end of its range) takes back those before it: all or nothing.

local key, arg = 0, 7
local id = ARGV[1]
local groups, pks, eras = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local slots, metrics = tonumber(ARGV[6]), tonumber(ARGV[7])

if id ~= '' then
  for day = 1, 4 do
    if redis.call('SISMEMBER', KEYS[day], id) == 1 then
      return 0
    end
  end
  key = 4
end

local era_ends, slot, metric = {}, {}, {}
for e = 1, eras do
  era_ends[e] = ARGV[arg + e]
end
arg = arg + eras
for s = 1, slots do
  slot[s] = {tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2]), tonumber(ARGV[arg + 3]), ARGV[arg + 4]}
  arg = arg + 4
end
for m = 1, metrics do
  metric[m] = {ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3], tonumber(ARGV[arg + 2])}
  arg = arg + 3
end

local tables = key
local names = tables + groups * eras
local counters = names + pks * eras

local function number_of(table_key, child, ends)
  local number = redis.call('HGET', table_key, child)
  if number then
    return tonumber(number)
  end
  number = redis.call('HINCRBY', table_key, '', 1) - 1
  redis.call('HSET', table_key, child, number)
  redis.call('EXPIREAT', table_key, ends)
  return number
end

local function know(name, pk, era)
  local known = KEYS[names + (pk - 1) * eras + era]
  if redis.call('HSETNX', known, name, 1) == 1 then
    redis.call('EXPIREAT', known, era_ends[era])
  end
end

-- Every increment in order; stops after `limit` of them, and at the first that is refused.
local function add(sign, limit)
  local done, at = 0, arg
  for g = 1, groups do
    local children = tonumber(ARGV[at + 1])
    for c = 1, children do
      local numbers = {}
      for e = 1, eras do
        numbers[e] = number_of(KEYS[tables + (g - 1) * eras + e], ARGV[at + 1 + c], era_ends[e])
      end
      for s = 1, slots do
        local era, length, offset, ends = unpack(slot[s])
        local field = numbers[era] * length + offset
        local hashes = counters + ((g - 1) * slots + s - 1) * metrics
        for m = 1, metrics do
          local one = metric[m]
          for part = 2, 3 do
            local amount = one[part]
            if amount ~= '0' then
              if done == limit then
                return done
              end
              if sign < 0 then
                amount = amount:sub(1, 1) == '-' and amount:sub(2) or '-' .. amount
              end
              local value = redis.pcall('HINCRBY', KEYS[hashes + m], part == 2 and field or -1 - field, amount)
              if type(value) == 'table' then
                return done, value
              end
              done = done + 1
              -- Only a field that did not exist can now equal what was added, and only then can its key be new.
              if value == one[4] or part == 3 then
                redis.call('EXPIREAT', KEYS[hashes + m], ends)
                if g <= pks then
                  know(one[1], g, era)
                end
              end
            end
          end
        end
      end
    end
    at = at + 1 + children
  end
  return done
end

local done, refused = add(1, -1)
if refused then
  add(-1, done)
  return refused
end
-- A metric of 0 adds nothing, and is known from now on.
for m = 1, metrics do
  if metric[m][2] == '0' and metric[m][3] == '0' then
    for pk = 1, pks do
      for e = 1, eras do
        know(metric[m][1], pk, e)
      end
    end
  end
end
if id ~= '' then
  redis.call('SADD', KEYS[1], id)
  redis.call('EXPIREAT', KEYS[1], ARGV[2])
end
return 1
