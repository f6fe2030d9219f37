-- Takes tokens from a bucket, with the arithmetic of admit/limits/bucket.rs in the same whole nanoseconds.
-- KEYS: the bucket. ARGV: nanoseconds of one token, of a full bucket; tokens.
-- Returns the nanoseconds until the bucket is full, and until the tokens may be taken: 0 where they were.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, depth, tokens = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- What is missing and when that was so, since nanoseconds since 1970 do not fit into one of Lua's numbers.
local missing = 0
local at, held = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
if held then
  -- A clock that was set back adds nothing; a bucket that was made smaller lacks no more than it holds.
  local passed = math.max(0, now - at) * 1000
  missing = math.min(math.max(0, held - passed), depth)
end
local after = missing + interval * tokens
local wait = math.max(0, after - depth)
if wait == 0 then
  missing = after
  -- A full bucket and none are the same.
  local full_in_ms = math.max(1, math.ceil(missing / 1000000))
  redis.call('SET', KEYS[1], string.format('%.0f %.0f', now, missing), 'PX', full_in_ms)
end
return { missing, wait }
