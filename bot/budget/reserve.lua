-- RESERVE: hold an amount on every account, or on none.
-- KEYS: hold, leases, account...
-- ARGV: rid, amount, lease in ms, then per account: limit, window start
-- Answers HELD and each gen | MISSING and the account's index | OVER, the index, spent, held.
local hold, leases = KEYS[1], KEYS[2]
local answer = {'HELD'}
if redis.call('EXISTS', hold) == 1 then
  for i = 3, #KEYS do answer[#answer + 1] = redis.call('HGET', hold, KEYS[i]) or '' end
  return answer
end
local amount = tonumber(ARGV[2])
for i = 3, #KEYS do
  local account = redis.call('HMGET', KEYS[i], 'state', 'start')
  -- Missing, being opened, or opened under other bounds: never zero.
  if account[1] ~= 'open' or account[2] ~= ARGV[2 * i - 1] then return {'MISSING', i - 3} end
end
for i = 3, #KEYS do
  local money = redis.call('HMGET', KEYS[i], 'spent', 'held')
  if tonumber(money[1]) + tonumber(money[2]) + amount > tonumber(ARGV[2 * i - 2]) then
    return {'OVER', i - 3, money[1], money[2]}
  end
end
for i = 3, #KEYS do
  local gen = redis.call('HGET', KEYS[i], 'gen')
  redis.call('HINCRBY', KEYS[i], 'held', ARGV[2])
  redis.call('HSET', hold, KEYS[i], gen)
  answer[#answer + 1] = gen
end
local clock = redis.call('TIME')
redis.call('HSET', hold, 'amount', ARGV[2])
redis.call('ZADD', leases, string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[3]), ARGV[1])
return answer
