-- Take events off the list of those put aside; those that come with a text of their own wait again, behind all others.
--
-- KEYS[1]  the list of those put aside   KEYS[2]  the list of those that wait
-- ARGV     entry and text by turns, '' for no text
-- returns  how many were taken off; an entry that is there no more is passed over, and its text too

local taken = 0
for at = 1, #ARGV, 2 do
  if redis.call('LREM', KEYS[1], 1, ARGV[at]) == 1 then
    taken = taken + 1
    if ARGV[at + 1] ~= '' then
      redis.call('RPUSH', KEYS[2], ARGV[at + 1])
    end
  end
end
return taken
