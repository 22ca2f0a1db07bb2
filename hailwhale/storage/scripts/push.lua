-- Append events to a shard's list of those that wait: all of them or none, but for those whose sealed pixel is used up.
--
-- KEYS[1]  the list   KEYS[2]  the ids that were counted today   KEYS[3]  which spy logs of pks there are
-- KEYS     then how often each sealed pixel was used;  then the spy logs
-- ARGV     1 how many events   2 most that may wait   3 how many of the events have an id   4 most ids of a day
--          5 how many sealed pixels   6 most entries of a spy log   7 seconds that it lasts
--          then the events;  then, where there are spy logs, the moment of each
--          then for each sealed pixel  most uses, when it ends (0 for never), the places of its events
--          then for each spy log       the places of its events
-- returns  1, how many wait now, then the places of the events that were not kept: their pixel is used up
--          0, how many wait: nothing was kept, there is no room
--          -1, how many ids there are of today: nothing was kept, there is no room for more
--
-- Places count from 1, and are given as one string of four bytes for each.  What can be refused is looked at before
-- the first change; the engine itself looks at its memory there.

local AT_ONCE, HEAD, LOGS = 4000, 7, 10000
local call, byte, unpack = redis.call, string.byte, unpack
local hits, count = KEYS[1], tonumber(ARGV[1])
local pixels = tonumber(ARGV[5])
local logs = #KEYS - 3 - pixels
local moments = HEAD + count
local rest = moments + (logs > 0 and count or 0)

local function places(text)
  local found = {}
  for at = 1, #text, 4 do
    local a, b, c, d = byte(text, at, at + 3)
    found[#found + 1] = a + 256 * (b + 256 * (c + 256 * d))
  end
  return found
end

if ARGV[3] ~= '0' then
  local ids = call('SCARD', KEYS[2])
  if ids + ARGV[3] > tonumber(ARGV[4]) then
    return {-1, ids}
  end
end

local answer, used, refused = {1, 0}, {}, nil
for pixel = 1, pixels do
  local at, key = rest + 3 * pixel - 3, KEYS[3 + pixel]
  local times, most = used[key] or tonumber(call('GET', key) or 0), tonumber(ARGV[at + 1])
  for _, place in ipairs(places(ARGV[at + 3])) do
    if times < most then
      times = times + 1
    else
      refused = refused or {}
      refused[place] = true
      answer[#answer + 1] = place
    end
  end
  used[key] = times
end
for log = #KEYS - logs + 1, #KEYS do
  call('LLEN', KEYS[log])
end

local waiting = call('LLEN', hits)
local kept = count - (#answer - 2)
if waiting + kept > tonumber(ARGV[2]) then
  return {0, waiting}
end

answer[2] = waiting + kept
if kept == 0 then
  return answer
end
if refused then
  local events = {}
  for place = 1, count do
    if not refused[place] then
      events[#events + 1] = ARGV[HEAD + place]
    end
  end
  for first = 1, kept, AT_ONCE do
    call('RPUSH', hits, unpack(events, first, math.min(kept, first + AT_ONCE - 1)))
  end
else
  for first = 1, count, AT_ONCE do
    call('RPUSH', hits, unpack(ARGV, HEAD + first, HEAD + math.min(count, first + AT_ONCE - 1)))
  end
end

for pixel = 1, pixels do
  local key, ends = KEYS[3 + pixel], ARGV[rest + 3 * pixel - 1]
  call('SET', key, used[key])
  if ends ~= '0' then
    call('EXPIREAT', key, ends)
  end
end

rest = rest + 3 * pixels
for log = 1, logs do
  local key, entries, length = KEYS[3 + pixels + log], {}, 0
  for _, place in ipairs(places(ARGV[rest + log])) do
    if not (refused and refused[place]) then
      entries[#entries + 1] = ARGV[moments + place] .. '\t' .. ARGV[HEAD + place]
    end
  end
  for first = 1, #entries, AT_ONCE do
    length = call('LPUSH', key, unpack(entries, first, math.min(#entries, first + AT_ONCE - 1)))
  end
  if length > tonumber(ARGV[6]) then
    call('LTRIM', key, 0, ARGV[6] - 1)
  end
  if length > 0 then
    call('EXPIRE', key, ARGV[7])
    -- A log that is new, or begins anew.
    if length == #entries and string.find(key, ':spy:pk:', 1, true) and call('SCARD', KEYS[3]) < LOGS then
      call('SADD', KEYS[3], key)
    end
  end
end
if logs > 0 then
  call('EXPIRE', KEYS[3], ARGV[7])
end
return answer
