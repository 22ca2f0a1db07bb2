-- Give every name its number within its parent's table, old ones and new ones; unless one of them has no room.
--
-- KEYS     tables of one shard
-- ARGV     1 how many children a parent may have;  then for each table: when it ends, how many names, the names
-- returns  the numbers, in the order of the names;  where names have no room: nothing is written, and instead of a
--          number stands -1 for each of those, -2 for other new ones

-- with children.lua

local room, arg, tables, refused = tonumber(ARGV[1]), 2, {}, false
for t = 1, #KEYS do
  local first, last = arg + 2, arg + 1 + ARGV[arg + 1]
  local found, fresh = redis.call('HMGET', KEYS[t], unpack(ARGV, first, last)), false
  for i = 1, #found do
    fresh = fresh or not found[i]
  end
  tables[t] = {found, fresh, first, ARGV[arg], {}}
  if fresh then
    tables[t][5] = without_room(KEYS[t], found, first, room)
    refused = refused or #tables[t][5] > 0
  end
  arg = last + 1
end

local numbers = {}
for t = 1, #KEYS do
  local found, fresh, first, ends, places = unpack(tables[t])
  if fresh and not refused then
    give(KEYS[t], found, first, ends)
  end
  for _, place in ipairs(places) do
    found[place] = -1
  end
  for i = 1, #found do
    numbers[#numbers + 1] = tonumber(found[i] or -2)
  end
end
return numbers
