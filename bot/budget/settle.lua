-- SETTLE (and RELEASE, at cost 0): end a hold whose outcome SQL has decided.
-- KEYS: hold, leases, account...   ARGV: rid, cost
-- An account that is not the one that was held on is dropped; it opens again from SQL.
local amount = redis.call('HGET', KEYS[1], 'amount')
for i = 3, #KEYS do
  local gen = redis.call('HGET', KEYS[1], KEYS[i])
  local account = redis.call('HMGET', KEYS[i], 'gen', 'state')
  if amount and gen and account[1] == gen and account[2] == 'open' then
    redis.call('HINCRBY', KEYS[i], 'held', '-' .. amount)
    redis.call('HINCRBY', KEYS[i], 'spent', ARGV[2])
  else
    redis.call('DEL', KEYS[i])
  end
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
