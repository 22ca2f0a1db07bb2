-- A part of other scripts: what one event is counted under, and the numbers of it.
--
-- KEYS    with an id: the sets that may hold it;  then for each group and era a table of numbers;
--         then for each pk and era its metric names;  then for each group, slot and metric a hash of counters.
-- ARGV    1 the digest of the id, '' for none   2 when the first set of ids ends   3 sets of ids   4 most ids in the first one
--         5 how many children a parent may have
--         6 groups   7 pks (the first groups are theirs)   8 eras   9 slots   10 metrics
--         then for each era   when its tables end
--         then for each slot  era (from 1), buckets in a chunk, offset, when its counters end
--         then for each metric  name, whole amount, millionths
--         then for each group   number of children, their names
-- returns 0 the id was counted before
--         -1 no room for the id
--         an array of places (group and child by turns, from 1): these children have no room in their tables
-- Nothing is written then.

-- with children.lua

local key, arg = 0, 10
local id, room = ARGV[1], tonumber(ARGV[5])
local groups, pks, eras = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local slots, metrics = tonumber(ARGV[9]), tonumber(ARGV[10])

if id ~= '' then
  key = tonumber(ARGV[3])
  for day = 1, key do
    if redis.call('SISMEMBER', KEYS[day], id) == 1 then
      return 0
    end
  end
  if redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[4]) then
    return -1
  end
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

-- By group and era, the numbers of the children.
local numbers, fresh, refused, at = {}, {}, {}, arg + 1
local call, number, key_of_table = redis.call, tonumber, tables
for g = 1, groups do
  local of_group, children, first = {}, number(ARGV[at]), at + 1
  at = first + children
  for e = 1, eras do
    key_of_table = key_of_table + 1
    local table_key, known = KEYS[key_of_table], true
    local found = call('HMGET', table_key, unpack(ARGV, first, at - 1))
    for c = 1, children do
      local text = found[c]
      if text then
        found[c] = number(text)
      else
        known = false
      end
    end
    of_group[e] = found
    if not known then
      fresh[#fresh + 1] = {table_key, found, first, era_ends[e]}
      for _, place in ipairs(without_room(table_key, found, first, room)) do
        refused[#refused + 1] = g
        refused[#refused + 1] = place
      end
    end
  end
  numbers[g] = of_group
end
if #refused > 0 then
  return refused
end
for _, one in ipairs(fresh) do
  give(unpack(one))
end
