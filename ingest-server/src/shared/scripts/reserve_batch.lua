-- Reserves a batch's id, before its events are delivered.
-- KEYS: the batch, the site's epoch. ARGV: the request's token; milliseconds that a reservation and an id last.
-- Returns known; or busy, where another request is storing it; or ours, and what an earlier copy has stored.
--
-- A batch is one of: 1 (known); p<events> (these are stored, or ? where nobody knows); r<token> <until> <events>
-- (being stored until then, and nobody knows what became of it afterwards). It stays for as long as an id does, so
-- that what may be stored is never called unseen.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token, lease_ms, kept_ms = ARGV[1], ARGV[2], ARGV[3]

-- The epoch says since when no id of this site was lost. It ends with the ids if nothing comes.
if not redis.call('SET', KEYS[2], string.format('%.0f', now), 'NX', 'PX', kept_ms) then
  redis.call('PEXPIRE', KEYS[2], kept_ms)
end

local stored = ''
local held = redis.call('GET', KEYS[1])
if held == '1' then
  return { 'known' }
elseif held then
  local holder, held_until, before = string.match(held, '^r(%S+) (%d+) (%S*)$')
  if not holder then
    stored = string.sub(held, 2)
  elseif holder == token then
    stored = before
  elseif tonumber(held_until) > now then
    return { 'busy' }
  else
    stored = before == '' and '?' or before
  end
end
redis.call('SET', KEYS[1], string.format('r%s %.0f %s', token, now + lease_ms, stored), 'PX', kept_ms)
return { 'ours', stored }
