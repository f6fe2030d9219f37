-- Says what became of a request's batch and events: what is durable is known from here on, the rest is released.
-- KEYS: the batch, where one is told of; its events. ARGV: the request's token; what became of the batch (nothing
-- where none is told of, 1 where it is known, p<events>, or x to release it); milliseconds that the ids of batches and of events last;
-- for each event 1 (durable) or 0.
-- What is durable is told whoever holds the id: the reservation may have ended, or never have come here.
local token, batch, batch_ms, event_ms, events = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local before_events = 0

if batch ~= '' then
  before_events = 1
  local held = redis.call('GET', KEYS[1])
  local holder, stored = string.match(held or '', '^r(%S+) %d+ (%S*)$')
  if batch == '1' then
    redis.call('SET', KEYS[1], '1', 'PX', batch_ms)
  elseif batch == 'x' then
    if holder == token and stored == '' then
      redis.call('DEL', KEYS[1])
    elseif holder == token then
      redis.call('SET', KEYS[1], 'p' .. stored, 'PX', batch_ms)
    end
  elseif not held or holder == token then
    redis.call('SET', KEYS[1], batch, 'PX', batch_ms)
  end
end

for place = 1, #KEYS - before_events do
  local key = KEYS[before_events + place]
  if string.sub(events, place, place) == '1' then
    redis.call('SET', key, '1', 'PX', event_ms)
  elseif redis.call('GET', key) == token then
    redis.call('DEL', key)
  end
end
return 1
