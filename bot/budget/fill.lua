-- FILL: open an account with the amounts from SQL, if this opener's marker is still there.
-- KEYS: account, leases, hold...
-- ARGV: gen, spent, raised, closing time in ms, lease in ms, then per hold: rid, amount, person
-- A call that was resolved since the marker was set has removed it: then the amounts are stale, and the caller
-- starts again.
local account = redis.call('HMGET', KEYS[1], 'state', 'gen')
if account[1] ~= 'opening' or account[2] ~= ARGV[1] then return 0 end
local clock = redis.call('TIME')
local lease = clock[1] * 1000 + math.floor(clock[2] / 1000) + tonumber(ARGV[5])
local held = 0
for i = 3, #KEYS do
  local rid, amount, person = ARGV[3 * i - 3], ARGV[3 * i - 2], ARGV[3 * i - 1]
  redis.call('HSET', KEYS[i], 'amount', amount, 'sent', '1', 'person', person, KEYS[1], ARGV[1])
  if person ~= '' then redis.call('HINCRBY', KEYS[1], 'by:' .. person, amount) end
  redis.call('ZADD', KEYS[2], 'NX', string.format('%.0f', lease), rid)
  held = held + tonumber(amount)
end
redis.call('HSET', KEYS[1], 'state', 'open', 'spent', ARGV[2], 'held', string.format('%.0f', held), 'raised', ARGV[3])
redis.call('HDEL', KEYS[1], 'since')
redis.call('PEXPIREAT', KEYS[1], ARGV[4])
return 1
