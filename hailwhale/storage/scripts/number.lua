-- Give every name its number within its parent's table, old ones and new ones.
--
-- KEYS     tables of one shard
-- ARGV     for each table: when it ends, how many names, the names
-- returns  the numbers, in the order of the names

local numbers, arg = {}, 1
for t = 1, #KEYS do
  local ends, names, fresh = ARGV[arg], tonumber(ARGV[arg + 1]), false
  for n = arg + 2, arg + 1 + names do
    local number = redis.call('HGET', KEYS[t], ARGV[n])
    if not number then
      number = redis.call('HINCRBY', KEYS[t], '', 1) - 1
      redis.call('HSET', KEYS[t], ARGV[n], number)
      fresh = true
    end
    numbers[#numbers + 1] = tonumber(number)
  end
  if fresh then
    redis.call('EXPIREAT', KEYS[t], ends)
  end
  arg = arg + 2 + names
end
return numbers
