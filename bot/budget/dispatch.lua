-- DISPATCH: the last check before the request leaves; its row is committed.
-- KEYS: hold, file, account...   ARGV: gen...
-- An account that was reopened meanwhile, or may be reopened under another budget file, did not see the row:
-- refuse, so that the caller starts again.
local hold = redis.call('HMGET', KEYS[1], 'amount', 'dead', 'epoch')
if not hold[1] or hold[2] then return 0 end
if hold[3] ~= redis.call('HGET', KEYS[2], 'epoch') then return 0 end
for i = 3, #KEYS do
  if redis.call('HGET', KEYS[i], 'gen') ~= ARGV[i - 2] then return 0 end
end
redis.call('HSET', KEYS[1], 'sent', '1')
return 1
