-- Add to counters of many hashes: for each group over a chunk to those of its metrics.
--
-- KEYS     the hashes, group by group
-- ARGV     for each group: when its hashes end, how many they are, and the fields that most of them share;
--          then for each hash: its fields, '' for the shared ones, and by turns a field and what to add to it.
--          Fields and amounts are integers of 8 bytes, little end first; each field of a hash stands there once
-- returns  how many counters were added to; an error, and nothing added, where one is at the end of its range
--
-- Reading all fields of a hash in one command and writing all in another costs the engine less than an increment for
-- each; above all it writes one line to its append-only file instead of one a field.  Amounts are below 2^52 here, and
-- sums beyond it would be rounded, so for those it is HINCRBY after all.

local AT_ONCE, MOST, PACKED = 3000, 2 ^ 52, 200
local call, tonumber, unpack, unpacked = redis.call, tonumber, unpack, struct.unpack
local formats = {}

-- Tables that are made whole, and never grow, are most of what makes this fast.
local function integers(packed)
  local all, found = #packed / 8, nil
  for first = 0, all - 1, PACKED do
    local count = math.min(PACKED, all - first)
    local format = formats[count]
    if not format then
      format = '<' .. string.rep('i8', count)
      formats[count] = format
    end
    if first == 0 then
      found = {unpacked(format, packed)}
      found[count + 1] = nil
    else
      local some = {unpacked(format, packed, 8 * first + 1)}
      for i = 1, count do
        found[first + i] = some[i]
      end
    end
  end
  return found, all
end

local key, arg, added, large = 0, 1, 0, {}
local sets, ends = {}, {}
while key < #KEYS do
  local expires, last = ARGV[arg], key + tonumber(ARGV[arg + 1])
  local shared, count = integers(ARGV[arg + 2])
  arg = arg + 3
  while key < last do
    key = key + 1
    local names, n = shared, count
    if ARGV[arg] ~= '' then
      names, n = integers(ARGV[arg])
    end
    local set, known = integers(ARGV[arg + 1]), false
    for first = 1, n, AT_ONCE do
      local found = call('HMGET', KEYS[key], unpack(names, first, math.min(n, first + AT_ONCE - 1)))
      for i = 1, #found do
        local before = found[i]
        if before then
          known = true
          local sum, place = tonumber(before), 2 * (first + i - 1)
          if sum <= MOST and sum >= -MOST then
            set[place] = set[place] + sum
          else
            large[#large + 1] = {KEYS[key], set[place - 1], set[place], key, place}
          end
        end
      end
    end
    -- Only where no field was there can the hash be new, and without an end.
    sets[key], ends[key] = set, not known and expires
    added = added + n
    arg = arg + 2
  end
end

for i, one in ipairs(large) do
  local sum = redis.pcall('HINCRBY', one[1], one[2], one[3])
  if type(sum) == 'table' then
    for undo = 1, i - 1 do
      local place = large[undo]
      call('HINCRBY', place[1], place[2], -place[3])
    end
    return sum
  end
end
-- From behind, so that the places of the others stay.
for i = #large, 1, -1 do
  local set, place = sets[large[i][4]], large[i][5]
  table.remove(set, place)
  table.remove(set, place - 1)
end
for place, set in ipairs(sets) do
  for first = 1, #set, 2 * AT_ONCE do
    call('HSET', KEYS[place], unpack(set, first, math.min(#set, first + 2 * AT_ONCE - 1)))
  end
  if ends[place] then
    call('EXPIREAT', KEYS[place], ends[place])
  end
end
return added
