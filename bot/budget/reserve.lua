-- RESERVE: hold an amount on every account, or on none.
-- KEYS: hold, leases, file, account...
-- ARGV: rid, amount, lease in ms, version of the budget file, minimum length of an epoch in ms,
--   then per account: limit, window start; then the person, and per account the share that one person may hold
-- Answers HELD and each gen | OTHER: the epoch belongs to another version | MISSING and the account's index |
--   OVER and, for each account whose spending leaves no room, {index, spent, held, raised} |
--   FULL and, for each account whose holds leave no room, {index, room}.
local hold, leases, file = KEYS[1], KEYS[2], KEYS[3]
local answer = {'HELD'}
if redis.call('EXISTS', hold) == 1 then
  for i = 4, #KEYS do answer[#answer + 1] = redis.call('HGET', hold, KEYS[i]) or '' end
  return answer
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local known = redis.call('HMGET', file, 'version', 'since', 'epoch')
local epoch = known[3]
if known[1] ~= ARGV[4] then
  -- Processes with different files take turns, since accounts take a moment to open.
  if known[1] and math.abs(now - tonumber(known[2])) < tonumber(ARGV[5]) then return {'OTHER'} end
  -- Calls were held under the caps of another file, which the accounts of this one may lack. So a new epoch
  -- begins, in which each account opens again from SQL. Calls that were held before and have not left cannot leave.
  epoch = clock[1] .. '.' .. clock[2]
  redis.call('HSET', file, 'version', ARGV[4], 'since', string.format('%.0f', now), 'epoch', epoch)
end
local amount = tonumber(ARGV[2])
for i = 4, #KEYS do
  local account = redis.call('HMGET', KEYS[i], 'state', 'start', 'epoch')
  -- Missing, being opened, or opened for another window or file: it never counts as zero.
  if account[1] ~= 'open' or account[2] ~= ARGV[2 * i - 1] or account[3] ~= epoch then return {'MISSING', i - 4} end
end
local person, shares = ARGV[2 * #KEYS], 2 * #KEYS - 3
local mine = 'by:' .. person
local over, full = {'OVER'}, {'FULL'}
for i = 4, #KEYS do
  local money = redis.call('HMGET', KEYS[i], 'spent', 'held', 'raised', mine)
  local limit = tonumber(ARGV[2 * i - 2]) + tonumber(money[3])
  local room = limit - tonumber(money[1]) - tonumber(money[2])
  -- A person's first call fits into every share; otherwise nobody could use a small cap.
  local share = tonumber(ARGV[shares + i])
  if share < 1 and person ~= '' and tonumber(money[4] or '0') > 0 then
    room = math.min(room, math.floor(limit * share) - tonumber(money[4]))
  end
  if tonumber(money[1]) + amount > limit then
    over[#over + 1] = {i - 4, money[1], money[2], money[3]}
  elseif amount > room then
    full[#full + 1] = {i - 4, string.format('%.0f', room)}
  end
end
if #over > 1 then return over end
if #full > 1 then return full end
for i = 4, #KEYS do
  local gen = redis.call('HGET', KEYS[i], 'gen')
  redis.call('HINCRBY', KEYS[i], 'held', ARGV[2])
  if person ~= '' then redis.call('HINCRBY', KEYS[i], mine, ARGV[2]) end
  redis.call('HSET', hold, KEYS[i], gen)
  answer[#answer + 1] = gen
end
redis.call('HSET', hold, 'amount', ARGV[2], 'epoch', epoch, 'person', person)
redis.call('ZADD', leases, string.format('%.0f', now + ARGV[3]), ARGV[1])
return answer
