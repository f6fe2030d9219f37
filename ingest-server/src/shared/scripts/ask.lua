-- Tells what is known of batches whose sender got no answer.
-- KEYS: the site's epoch, the batches. ARGV: milliseconds that an id lasts.
-- Returns the milliseconds since the epoch, and for each batch: k (known), r (being stored), p (stored in part),
-- ? (nobody knows), - (not held).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local began = redis.call('GET', KEYS[1])
if not began then
  began = string.format('%.0f', now)
  redis.call('SET', KEYS[1], began, 'PX', ARGV[1])
end
local answer = { math.max(0, now - began) }
for place = 2, #KEYS do
  local held = redis.call('GET', KEYS[place])
  local said = '-'
  if held then
    local _, held_until, stored = string.match(held, '^r(%S+) (%d+) (%S*)$')
    if held == '1' then
      said = 'k'
    elseif held_until and tonumber(held_until) > now then
      said = 'r'
    else
      stored = stored or string.sub(held, 2)
      said = (stored == '' or stored == '?') and '?' or 'p'
    end
  end
  answer[place] = said
end
return answer
