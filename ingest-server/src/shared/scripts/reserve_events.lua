-- Reserves the ids of a batch's events, all that are no copies or none, before they are delivered.
-- KEYS: the events. ARGV: the request's token; milliseconds that a reservation lasts.
-- Returns busy, where another request is storing one of them; or ours, and the places of those that are known.
--
-- An event is 1 (known) or the token of the request that is storing it.
local token, lease_ms = ARGV[1], ARGV[2]
local held = redis.call('MGET', unpack(KEYS))
local answer = { 'ours' }
for place = 1, #KEYS do
  if held[place] == '1' then
    answer[#answer + 1] = place
  elseif held[place] and held[place] ~= token then
    return { 'busy' }
  end
end
for place = 1, #KEYS do
  if held[place] ~= '1' then redis.call('SET', KEYS[place], token, 'PX', lease_ms) end
end
return answer
