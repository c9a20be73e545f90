-- UNSENT: of these calls, those that have not left; from here on they cannot.
-- KEYS: file, hold...
-- Answers their places among the holds. A hold that is missing, or was made anew from SQL, says nothing; nor does
-- one of another epoch: Redis may have come back from a snapshot that is older than its dispatch.
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
