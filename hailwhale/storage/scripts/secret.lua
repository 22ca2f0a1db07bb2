-- Keep a key that seals tokens, and let it be the first; or forget one.
--
-- KEYS[1]  the keys, by number; field 'first' is the number of the one that seals
-- ARGV     1 a number   2 the key, '' to forget the one of that number   3 the number that is first now, '' for none
-- returns  1 done;  0 and nothing done: another is first by now, a new number is taken, or the first was to be forgotten

local secrets, number, key = KEYS[1], ARGV[1], ARGV[2]
if (redis.call('HGET', secrets, 'first') or '') ~= ARGV[3] then
  return 0
end
if key == '' then
  return number == ARGV[3] and 0 or redis.call('HDEL', secrets, number)
end
if redis.call('HSETNX', secrets, number, key) == 0 then
  return 0
end
redis.call('HSET', secrets, 'first', number)
return 1
