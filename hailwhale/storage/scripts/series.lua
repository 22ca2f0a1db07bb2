-- Read the counters of some children, the same buckets and metrics of each.
--
-- KEYS     for each child: the tables of numbers of its group, one an era; then its hashes, chunk by chunk, metric by
--          metric
-- ARGV     1 eras   2 metrics   3 chunks
--          then for each chunk: era (from 1), buckets in a chunk, how many offsets, the offsets
--          then the children
-- returns  for each child, chunk and metric: a whole amount for each offset, then the millionths for each; '' for
--          nothing; then for each child its number in each era, '' for none
--
-- Amounts go out as the engine keeps them, as text: a Lua number would round those beyond 2^53.

local eras, metrics, chunks = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local asked, arg = {}, 4
for c = 1, chunks do
  local count, offsets = tonumber(ARGV[arg + 2]), {}
  for i = 1, count do
    offsets[i] = tonumber(ARGV[arg + 2 + i])
  end
  asked[c] = {era = tonumber(ARGV[arg]), length = tonumber(ARGV[arg + 1]), count = count, offsets = offsets}
  arg = arg + 3 + count
end

local values, told, at, key = {}, {}, 0, 0
for child = arg, #ARGV do
  local numbers = {}
  for e = 1, eras do
    local number = redis.call('HGET', KEYS[key + e], ARGV[child])
    numbers[e] = tonumber(number or -1)
    told[#told + 1] = number or ''
  end
  key = key + eras
  for c = 1, chunks do
    local chunk = asked[c]
    local number, count, fields = numbers[chunk.era], chunk.count, {}
    for i = 1, count do
      local field = number * chunk.length + chunk.offsets[i]
      fields[i], fields[count + i] = field, -1 - field
    end
    for m = 1, metrics do
      local found = number >= 0 and redis.call('HMGET', KEYS[key + m], unpack(fields)) or {}
      for i = 1, 2 * count do
        values[at + i] = found[i] or ''
      end
      at = at + 2 * count
    end
    key = key + metrics
  end
end
for i = 1, #told do
  values[at + i] = told[i]
end
return values
