-- A ledger of :calls calls with the tickets, turns and handoffs that they belong to; a turn is four calls.
-- Number 0 is the last call, so that ledgers of any length end alike. {ago} is seconds before the end.

INSERT INTO tickets (id, team, channel, thread_ts, private, requester, agent, state, created_at)
WITH RECURSIVE turn(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM turn WHERE i + 1 < :calls / 4)
SELECT i + 1, 'T1', CASE WHEN i % 5 = 0 THEN 'D' ELSE 'C' END || CAST(100 + i % 20 AS text), CAST(i AS text), false,
    'U' || CAST(10000 + i * 79 % 3000 AS text), 'access', CASE WHEN i % 3 = 0 THEN 'open' ELSE 'resolved' END,
    {moment of i * 4}
FROM turn;

INSERT INTO turns (id, ticket_id, state, attempt, failures, created_at, outcome)
WITH RECURSIVE turn(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM turn WHERE i + 1 < :calls / 4)
SELECT i + 1, i + 1, 'done', 1, 0, {moment of i * 4}, CASE WHEN i % 9 = 0 THEN 'handoff' ELSE 'reply' END
FROM turn;

INSERT INTO handoffs (id, ticket_id, reason, summary, context, state, queue_channel, warned, sent, expiries, openings,
    escalation_level, open_since, waiting_since, opened_at)
SELECT id, ticket_id, 'requested', '', '{}', 'resolved', 'C1', false, false, 0, 1, 0, created_at, created_at, created_at
FROM turns WHERE outcome = 'handoff';

INSERT INTO ledger (rid, state, team, channel, "user", agent, release, purpose, ticket_id, turn_id, step, tool, model,
    price_version, accounts, reserved_nusd, cost_nusd, input_tokens, cache_read_tokens, cache_write_5m_tokens,
    cache_write_1h_tokens, output_tokens, usage, at, lease_until, settled_at)
WITH RECURSIVE call(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM call WHERE i + 1 < :calls)
SELECT CAST(i AS text) || '-0123456789abcdef0123456789', CASE WHEN i % 500 = 0 THEN 'charged' ELSE 'settled' END, 'T1',
    CASE WHEN i / 4 % 5 = 0 THEN 'D' ELSE 'C' END || CAST(100 + i / 4 % 20 AS text),
    'U' || CAST(10000 + i / 4 * 79 % 3000 AS text), 'access', 'access@1f3c9a20', 'turn', i / 4 + 1, i / 4 + 1, i % 4,
    CASE i % 4 WHEN 0 THEN 'look_up_my_account' WHEN 1 THEN 'recent_sign_ins' WHEN 2 THEN 'unlock_my_account' END,
    'claude-sonnet-5-5', '0123456789abcdef', :accounts, 9000000, 1000000 + i % 50000 * 79, 300, 900, 0, 300, 210,
    :usage, {moment of i}, {moment of i}, {moment of i}
FROM call;
