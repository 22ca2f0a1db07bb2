-- A part of other scripts: the numbers of children within the table of their parent.

local OTHER = '__other__'

-- The places of those new names (`found` has false for them; the first is ARGV[first]) for which a table has no room; `OTHER` always has.
local function without_room(key, found, first, room)
  local left = room - math.max(redis.call('HLEN', key) - 1, 0)
  local admitted, refused = {[OTHER] = true}, {}
  for i = 1, #found do
    local name = ARGV[first + i - 1]
    if not found[i] and not admitted[name] then
      if left > 0 then
        admitted[name] = true
        left = left - 1
      else
        refused[#refused + 1] = i
      end
    end
  end
  return refused
end

-- Give each new name the next number.
local function give(key, found, first, ends)
  local given = {}
  for i = 1, #found do
    if not found[i] then
      local name = ARGV[first + i - 1]
      if not given[name] then
        given[name] = redis.call('HINCRBY', key, '', 1) - 1
        redis.call('HSET', key, name, given[name])
      end
      found[i] = given[name]
    end
  end
  redis.call('EXPIREAT', key, ends)
end
