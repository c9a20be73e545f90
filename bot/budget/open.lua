-- OPEN: claim the right to fill a missing account from SQL.
-- KEYS: account, file   ARGV: new gen, window start, patience in ms
-- Answers 1 if the caller may fill it; 0 if it is open, or another process is filling it.
--
-- The marker is set before SQL is read, and nothing is held on the account until it is filled. A call
-- admitted under an older gen can no longer be dispatched; one that was dispatched has a committed
-- row, which is read from SQL.
local account = redis.call('HMGET', KEYS[1], 'state', 'start', 'since', 'epoch')
local epoch = redis.call('HGET', KEYS[2], 'epoch')
if not epoch then return 0 end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if account[2] == ARGV[2] and account[4] == epoch then
  if account[1] == 'open' then return 0 end
  if now - tonumber(account[3]) < tonumber(ARGV[3]) then return 0 end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'opening', 'gen', ARGV[1], 'start', ARGV[2],
  'since', string.format('%.0f', now), 'epoch', epoch)
redis.call('PEXPIRE', KEYS[1], 60000)
return 1
