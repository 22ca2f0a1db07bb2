-- Add to many counters of one hash.
--
-- KEYS[1]  the hash
-- ARGV     1 when it ends;  then field and amount by turns, each field once
-- returns  how many counters were added to; an error, and nothing added, where one is at the end of its range
--
-- Reading all fields in one command and writing all in another costs the engine a third of an increment for each; above
-- all it writes one line to its append-only file instead of one a field.  Sums beyond 2^52 would be rounded here, so
-- for those it is HINCRBY after all.

local AT_ONCE, MOST = 3000, 2 ^ 52
local key, last = KEYS[1], #ARGV
local format, number, unpack = string.format, tonumber, unpack
local set, sets, large = {}, 0, {}

for first = 2, last, 2 * AT_ONCE do
  local fields, count = {}, 0
  for at = first, math.min(last, first + 2 * AT_ONCE - 2), 2 do
    count = count + 1
    fields[count] = ARGV[at]
  end
  local found = redis.call('HMGET', key, unpack(fields))
  for i = 1, count do
    local text, before = ARGV[first + 2 * i - 1], found[i]
    local sum, amount = 0, number(text)
    if before then
      sum = number(before)
    end
    if sum <= MOST and sum >= -MOST and amount <= MOST and amount >= -MOST then
      set[sets + 1] = fields[i]
      set[sets + 2] = before and format('%d', sum + amount) or text
      sets = sets + 2
    else
      large[#large + 1] = {fields[i], text}
    end
  end
end

for i, one in ipairs(large) do
  local sum = redis.pcall('HINCRBY', key, one[1], one[2])
  if type(sum) == 'table' then
    for undo = 1, i - 1 do
      local field, text = large[undo][1], large[undo][2]
      redis.call('HINCRBY', key, field, text:sub(1, 1) == '-' and text:sub(2) or '-' .. text)
    end
    return sum
  end
end
for first = 1, sets, 2 * AT_ONCE do
  redis.call('HSET', key, unpack(set, first, math.min(sets, first + 2 * AT_ONCE - 1)))
end
redis.call('EXPIREAT', key, ARGV[1])
return (last - 1) / 2
