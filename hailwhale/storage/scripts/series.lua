-- Read the counters of one child.
--
-- KEYS     the tables of numbers of its group, one an era; then the hashes, chunk by chunk, metric by metric
-- ARGV     1 the child   2 eras   3 metrics
--          then for each chunk: era (from 1), buckets in a chunk, how many offsets, the offsets
-- returns  for each chunk and metric: a whole amount for each offset, then the millionths for each; '' for nothing
--
-- Amounts go out as the engine keeps them, as text: a Lua number would round those beyond 2^53.

local child, eras, metrics = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local numbers = {}
for e = 1, eras do
  numbers[e] = tonumber(redis.call('HGET', KEYS[e], child) or -1)
end

local values, arg, key = {}, 4, eras
while arg <= #ARGV do
  local number, length, count = numbers[tonumber(ARGV[arg])], tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
  local fields = {}
  for i = 1, count do
    local field = number * length + tonumber(ARGV[arg + 2 + i])
    fields[i], fields[count + i] = field, -1 - field
  end
  for m = 1, metrics do
    local found = number >= 0 and redis.call('HMGET', KEYS[key + m], unpack(fields)) or {}
    for i = 1, 2 * count do
      values[#values + 1] = found[i] or ''
    end
  end
  arg, key = arg + 3 + count, key + metrics
end
return values
