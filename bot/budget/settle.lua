-- SETTLE (at cost 0: free the hold): end a hold whose outcome SQL has decided.
-- KEYS: hold, leases, account...   ARGV: rid, cost
-- An account of another gen than the hold's is dropped; it opens again from SQL.
-- Answers for each account what is spent and by how much its limit is raised; empty if it was dropped.
local hold = redis.call('HMGET', KEYS[1], 'amount', 'person')
local amount, person = hold[1], hold[2] or ''
local function move(account)
  local gen = redis.call('HGET', KEYS[1], account)
  local open = redis.call('HMGET', account, 'gen', 'state')
  if not (amount and gen and open[1] == gen and open[2] == 'open') then
    redis.call('DEL', account)
    return {}
  end
  redis.call('HINCRBY', account, 'held', '-' .. amount)
  if person ~= '' and redis.call('HINCRBY', account, 'by:' .. person, '-' .. amount) <= 0 then
    redis.call('HDEL', account, 'by:' .. person)
  end
  redis.call('HINCRBY', account, 'spent', ARGV[2])
  return redis.call('HMGET', account, 'spent', 'raised')
end

local answer, done = {}, {amount = true, sent = true, dead = true, epoch = true, person = true}
for i = 3, #KEYS do
  answer[#answer + 1] = move(KEYS[i])
  done[KEYS[i]] = true
end
-- If the budget file changed, the call may also be held on accounts that did not apply when it began.
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if not done[field] then move(field) end
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return answer
