-- DISPATCH: the last look before the request leaves; its row is committed.
-- KEYS: hold, account...   ARGV: gen...
-- An account that was opened again meanwhile did not see the row: refuse, start again.
local hold = redis.call('HMGET', KEYS[1], 'amount', 'dead')
if not hold[1] or hold[2] then return 0 end
for i = 2, #KEYS do
  if redis.call('HGET', KEYS[i], 'gen') ~= ARGV[i - 1] then return 0 end
end
redis.call('HSET', KEYS[1], 'sent', '1')
return 1
