-- What was granted in advance or alone, by whom, how often was it used, and how did it end?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then
-- A grant of one person alone (break-glass) without `reviewed_by` owes a review.

SELECT given_at, standing, alone, given_by, reason, agent, subject, connection, rule, action, uses, taken,
    granted_until, state, revoked_by, reviewed_by
FROM standings
WHERE given_at >= {since:DateTime64(6, 'UTC')} AND given_at < {until:DateTime64(6, 'UTC')}
ORDER BY given_at, standing
