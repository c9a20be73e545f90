-- EXPIRE: return the holds whose lease has expired, each as {rid, account...}.
-- KEYS: leases   ARGV: key prefix of holds, the most that are returned
-- A hold that was not dispatched is marked dead, so that it no longer can be.
local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000))
local answer, other_fields = {}, {amount = true, sent = true, dead = true, epoch = true, person = true}
for _, rid in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])) do
  local hold = ARGV[1] .. rid
  local fields = redis.call('HKEYS', hold)
  if #fields == 0 then
    redis.call('ZREM', KEYS[1], rid)
  else
    if redis.call('HEXISTS', hold, 'sent') == 0 then redis.call('HSET', hold, 'dead', '1') end
    local entry = {rid}
    for _, field in ipairs(fields) do
      if not other_fields[field] then entry[#entry + 1] = field end
    end
    answer[#answer + 1] = entry
  end
end
return answer
