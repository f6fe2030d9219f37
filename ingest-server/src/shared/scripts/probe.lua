-- Shows that Redis answers and takes writes, and tells what all servers must know of it.
-- KEYS: the salt of addresses, the state of Redis. ARGV: a salt in case there is none; milliseconds that a salt and the
-- state last; what changes when data may have been lost.
-- Returns the salt, and the milliseconds since data may have been lost.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
local lost_at, state = string.match(redis.call('GET', KEYS[2]) or '', '^(%d+) (.*)$')
if state ~= ARGV[4] then lost_at = string.format('%.0f', now) end
redis.call('SET', KEYS[2], lost_at .. ' ' .. ARGV[4], 'PX', ARGV[3])
return { redis.call('GET', KEYS[1]), math.max(0, now - lost_at) }
