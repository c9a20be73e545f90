-- UNSENT: return which of these calls have certainly not left; after this they cannot leave.
-- KEYS: file, hold...
-- Answers their positions among the holds. A hold that is missing or was filled from SQL proves nothing; nor does
-- a hold of another epoch, as Redis may have come back from a snapshot that is older than its dispatch.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
local answer = {}
for i = 2, #KEYS do
  local hold = redis.call('HMGET', KEYS[i], 'amount', 'sent', 'epoch')
  if hold[1] and not hold[2] and hold[3] and hold[3] == epoch then
    redis.call('HSET', KEYS[i], 'dead', '1')
    answer[#answer + 1] = i - 2
  end
end
return answer
