-- Put a value in the place of the one that was read, unless somebody has changed or removed it meanwhile.
-- KEYS[1]    a hash
-- ARGV[1]    the field      ARGV[2]    what was read      ARGV[3]    what it shall be
-- returns    1 done, 0 it is not what was read any more
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
    return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
