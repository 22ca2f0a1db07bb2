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
local key = KEYS[1]
local set, large = {}, {}

for first = 2, #ARGV, 2 * AT_ONCE do
  local fields = {}
  for at = first, math.min(#ARGV, first + 2 * AT_ONCE - 2), 2 do
    fields[#fields + 1] = ARGV[at]
  end
  local found = redis.call('HMGET', key, unpack(fields))
  for i, field in ipairs(fields) do
    local text = ARGV[first + 2 * i - 1]
    local before, amount = tonumber(found[i] or 0), tonumber(text)
    if math.abs(before) <= MOST and math.abs(amount) <= MOST then
      set[#set + 1] = field
      set[#set + 1] = string.format('%.0f', before + amount)
    else
      large[#large + 1] = {field, text}
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
for first = 1, #set, 2 * AT_ONCE do
  redis.call('HSET', key, unpack(set, first, math.min(#set, first + 2 * AT_ONCE - 1)))
end
redis.call('EXPIREAT', key, ARGV[1])
return (#ARGV - 1) / 2
