-- Read some fields of several hashes.
--
-- KEYS     the hashes
-- ARGV     for each hash: how many fields, the fields
-- returns  the values in order, '' for what is not there

local AT_ONCE = 5000
local values, arg = {}, 1
for k = 1, #KEYS do
  local last = arg + ARGV[arg]
  for first = arg + 1, last, AT_ONCE do
    local found = redis.call('HMGET', KEYS[k], unpack(ARGV, first, math.min(last, first + AT_ONCE - 1)))
    for i = 1, #found do
      values[#values + 1] = found[i] or ''
    end
  end
  arg = last + 1
end
return values
