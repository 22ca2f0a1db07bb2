-- Set the amounts of one child, the last of the last group, in every slot; move all others by the same difference.
--
-- returns 1 set;  what else, and the arguments: see event.lua; the metrics' amounts are those to set
--
-- An increment that the engine refuses (a counter at the end of its range) takes back those before it: all or nothing.

-- with event.lua

local BASE = 1e10

-- A 64-bit integer as text in two parts, each of them exact as a Lua number.
local function parts(text)
  local sign, digits = 1, text
  if text:sub(1, 1) == '-' then
    sign, digits = -1, text:sub(2)
  end
  return sign * tonumber('0' .. digits:sub(1, -11)), sign * tonumber(digits:sub(-10))
end

-- The difference of two such texts.
local function minus(left, right)
  local high, low = parts(left)
  local of_high, of_low = parts(right)
  high, low = high - of_high, low - of_low
  local sign = ''
  if high * BASE + low < 0 then
    sign, high, low = '-', -high, -low
  end
  local carry = math.floor(low / BASE)
  high, low = high + carry, low - carry * BASE
  if high == 0 then
    return low == 0 and '0' or sign .. string.format('%.0f', low)
  end
  return sign .. string.format('%.0f%010.0f', high, low)
end

local function negative(amount)
  return amount:sub(1, 1) == '-' and amount:sub(2) or '-' .. amount
end

local leaf = #numbers[groups][1]

-- By slot and metric, how far the whole amount and the millionths move.
local moves = {}
for s = 1, slots do
  local era, length, offset = unpack(slot[s])
  local field = numbers[groups][era][leaf] * length + offset
  local hashes = counters + ((groups - 1) * slots + s - 1) * metrics
  moves[s] = {}
  for m = 1, metrics do
    local now = redis.call('HMGET', KEYS[hashes + m], field, -1 - field)
    moves[s][m] = {minus(metric[m][2], now[1] or '0'), minus(metric[m][3], now[2] or '0')}
  end
end

local done = {}
local function move(hash, field, amount, ends)
  local value = redis.pcall('HINCRBY', hash, field, amount)
  if type(value) == 'table' then
    for i = #done, 1, -1 do
      redis.call('HINCRBY', unpack(done[i]))
    end
    return value
  end
  done[#done + 1] = {hash, field, negative(amount)}
  redis.call('EXPIREAT', hash, ends)
end

for g = 1, groups do
  for c = 1, #numbers[g][1] do
    for s = 1, slots do
      local era, length, offset, ends = unpack(slot[s])
      local field = numbers[g][era][c] * length + offset
      local hashes = counters + ((g - 1) * slots + s - 1) * metrics
      for m = 1, metrics do
        for part = 1, 2 do
          local amount = moves[s][m][part]
          if amount ~= '0' then
            local full = move(KEYS[hashes + m], part == 1 and field or -1 - field, amount, ends)
            if full then
              return full
            end
          end
        end
      end
    end
  end
end
-- Over time levels do not sum: whoever compares an hour with its minutes has to know.
for pk = 1, pks do
  for e = 1, eras do
    local known = KEYS[names + (pk - 1) * eras + e]
    local levels = redis.call('HGET', known, '') or ''
    for m = 1, metrics do
      redis.call('HSETNX', known, metric[m][1], 1)
      if not string.find(levels .. ' ', ' ' .. metric[m][1] .. ' ', 1, true) then
        levels = levels .. ' ' .. metric[m][1]
      end
    end
    redis.call('HSET', known, '', levels)
    redis.call('EXPIREAT', known, era_ends[e])
  end
end
return 1
