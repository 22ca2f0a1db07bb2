-- Count one event under every node, in every kept bucket, at most once per id.
--
-- returns 1 counted;  what else, and the arguments: see event.lua
--
-- An increment that the engine refuses (a counter at the end of its range) takes back those before it: all or nothing.

-- with event.lua

local function know(name, pk, era)
  local known = KEYS[names + (pk - 1) * eras + era]
  if redis.call('HSETNX', known, name, 1) == 1 then
    redis.call('EXPIREAT', known, era_ends[era])
  end
end

-- Every increment in order; stops after `limit` of them, and at the first that is refused.
local function add(sign, limit)
  local done = 0
  for g = 1, groups do
    local of_group = numbers[g]
    for c = 1, #of_group[1] do
      for s = 1, slots do
        local era, length, offset, ends = unpack(slot[s])
        local field = of_group[era][c] * length + offset
        local hashes = counters + ((g - 1) * slots + s - 1) * metrics
        for m = 1, metrics do
          local one = metric[m]
          for part = 2, 3 do
            local amount = one[part]
            if amount ~= '0' then
              if done == limit then
                return done
              end
              if sign < 0 then
                amount = amount:sub(1, 1) == '-' and amount:sub(2) or '-' .. amount
              end
              local value = redis.pcall('HINCRBY', KEYS[hashes + m], part == 2 and field or -1 - field, amount)
              if type(value) == 'table' then
                return done, value
              end
              done = done + 1
              -- Only a field that did not exist can now equal what was added, and only then can its key be new.
              if value == one[4] or part == 3 then
                redis.call('EXPIREAT', KEYS[hashes + m], ends)
                if g <= pks then
                  know(one[1], g, era)
                end
              end
            end
          end
        end
      end
    end
  end
  return done
end

local done, full = add(1, -1)
if full then
  add(-1, done)
  return full
end
-- A metric of 0 adds nothing, and is known from now on.
for m = 1, metrics do
  if metric[m][2] == '0' and metric[m][3] == '0' then
    for pk = 1, pks do
      for e = 1, eras do
        know(metric[m][1], pk, e)
      end
    end
  end
end
if id ~= '' then
  redis.call('SADD', KEYS[1], id)
  redis.call('EXPIREAT', KEYS[1], ARGV[2])
end
return 1
