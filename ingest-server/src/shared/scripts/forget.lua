-- Begins a site's epoch anew: ids from before it may be missing.
-- KEYS: the site's epoch. ARGV: milliseconds that it lasts.
local time = redis.call('TIME')
redis.call('SET', KEYS[1], string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), 'PX', ARGV[1])
return 1
