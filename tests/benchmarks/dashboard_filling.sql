-- A history of requests: the turns of the table `hours`, evenly over each hour, with five steps and three model calls
-- each. {opening} is when turn number k of an hour is opened, and {moment of X} the time X seconds after turn number i was
-- opened. Every fifth turn is the second of its ticket; every seventh ends in a handoff, and every hundredth of these is
-- open.

CREATE TEMP TABLE turn AS
WITH RECURSIVE numbers(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM numbers WHERE k + 1 < (SELECT max(turns) FROM hours))
SELECT first + k AS i, {opening} AS at FROM hours JOIN numbers ON k < turns ORDER BY 1;

INSERT INTO tickets (id, team, channel, thread_ts, private, requester, agent, state, category, created_at, resolved_at)
SELECT i + 1, 'T1', 'C' || CAST(100 + i % 20 AS text), CAST(i AS text), false, 'U' || CAST(10000 + i * 79 % 3000 AS text),
    CASE WHEN i % 4 = 3 THEN 'software' ELSE 'access' END, CASE WHEN i % 7 = 0 THEN 'handed_off' ELSE 'resolved' END,
    CASE i % 3 WHEN 0 THEN 'locked' WHEN 1 THEN 'password' END, {moment of 0}, CASE WHEN i % 7 > 0 THEN {moment of 40} END
FROM turn WHERE i % 5 < 4;

INSERT INTO turns (id, ticket_id, state, attempt, failures, created_at, started_at, finished_at, release, outcome, reason,
    category)
SELECT i + 1, CASE WHEN i % 5 = 4 THEN i ELSE i + 1 END, 'done', 1, 0, {moment of 0}, {moment of 0.4},
    {moment of 3 + i * 7919 % 40000 / 1000.0}, 'access@1f3c9a20',
    CASE WHEN i % 7 = 0 THEN 'handoff' WHEN i % 211 = 1 THEN 'refused' WHEN i % 97 = 2 THEN 'withdrawn' ELSE 'reply' END,
    CASE WHEN i % 7 = 0 THEN 'requested' END, CASE i % 3 WHEN 0 THEN 'locked' WHEN 1 THEN 'password' END
FROM turn;

INSERT INTO steps (turn_id, seq, attempt, kind, name, request, response, status, started_at, finished_at, input_tokens,
    output_tokens, cost_nusd)
WITH RECURSIVE step(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM step WHERE n < 4)
SELECT id, n, 1, CASE WHEN n IN (1, 3) THEN 'tool' ELSE 'model' END,
    CASE n WHEN 1 THEN 'look_up_my_account' WHEN 3 THEN CASE WHEN id % 3 = 0 THEN 'unlock_my_account'
    ELSE 'recent_sign_ins' END ELSE 'claude-sonnet-5-5' END, :request, :response,
    CASE WHEN id % 31 = 0 AND n = 3 THEN 'refused' WHEN id % 53 = 0 AND n = 1 THEN 'failed' ELSE 'ok' END,
    created_at, finished_at, 1500, 210, 1000000
FROM turns, step;

INSERT INTO ledger (rid, state, team, channel, "user", agent, release, purpose, ticket_id, turn_id, step, tool, model,
    price_version, accounts, reserved_nusd, cost_nusd, input_tokens, cache_read_tokens, cache_write_5m_tokens,
    cache_write_1h_tokens, output_tokens, usage, at, lease_until, settled_at)
WITH RECURSIVE call(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM call WHERE n < 2)
SELECT CAST(turns.id * 3 + n AS text) || '-0123456789abcdef', 'settled', 'T1', 'C' || CAST(100 + turns.id % 20 AS text),
    'U' || CAST(10000 + turns.id * 79 % 3000 AS text), agent, 'access@1f3c9a20', 'turn', ticket_id, turns.id, n,
    CASE n WHEN 0 THEN 'look_up_my_account' WHEN 1 THEN 'unlock_my_account' END, 'claude-sonnet-5-5', '0123456789abcdef',
    '[]', 9000000, 1000000 + turns.id % 50000 * 79, 300, 900, 0, 300, 210, NULL, turns.created_at, turns.created_at,
    turns.finished_at
FROM turns JOIN tickets ON tickets.id = ticket_id, call;

INSERT INTO handoffs (id, ticket_id, turn_id, reason, summary, context, state, queue_channel, warned, sent, expiries,
    openings, escalation_level, open_since, waiting_since, opened_at, claimed_at, first_response_at, closed_at)
SELECT i + 1, i + 1, i + 1, CASE i % 4 WHEN 0 THEN 'requested' WHEN 1 THEN 'budget' ELSE 'out_of_policy' END, '', '{}',
    CASE WHEN i % 700 = 0 THEN 'open' ELSE 'resolved' END, 'C1', false, false, 0, 1, 0, {moment of 5}, {moment of 0},
    {moment of 5}, {moment of 65}, {moment of 95}, CASE WHEN i % 700 > 0 THEN {moment of 300 + i * 7919 % 9000} END
FROM turn WHERE i % 7 = 0 AND i % 5 < 4;

INSERT INTO handoff_moves (handoff_id, move, actor, detail, at)
SELECT id, 'opened', 'agent:access', '{}', opened_at FROM handoffs;

INSERT INTO handoff_moves (handoff_id, move, actor, detail, at)
SELECT id, 'claimed', 'U0PRIYA', '{}', claimed_at FROM handoffs;

INSERT INTO handoff_moves (handoff_id, move, actor, detail, at)
SELECT id, 'resolved', 'U0PRIYA', '{}', closed_at FROM handoffs WHERE closed_at IS NOT NULL;

INSERT INTO messages (key, kind, op, lane, ticket_id, turn_id, channel, bot_voice, body, state, attempts, due_at, revision,
    shown_revision, created_at, posted_at)
SELECT 'reply:turn:' || CAST(id AS text), 'reply', 'post', 'turn', ticket_id, id, 'C0HELP', true, :response, 'posted', 1,
    finished_at, 1, 1, finished_at, finished_at
FROM turns WHERE outcome = 'reply';

INSERT INTO feedback (turn_id, "user", good, at)
SELECT id, 'U0MAYA', id % 5 > 0, finished_at FROM turns WHERE outcome = 'reply' AND id % 17 = 0;
