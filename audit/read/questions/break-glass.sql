-- Which exchanges went through by break-glass: granted by one person alone, or under a rule that is named so?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then
-- Of a grant by one person alone `given_by`, `reason` and `reviewed_by` tell; without the last it owes a review. An
-- exchange under a rule whose name says break-glass has them only if somebody had to grant it alone.

SELECT d.ts AS ts, d.exchange AS exchange, d.effect AS effect, d.agent AS agent, d.subject AS subject,
    d.email AS email, d.owner AS owner, d.connection AS connection, d.method AS method, d.path AS path,
    d.rules AS rules, d.justification AS justification, g.standing AS standing, g.given_by AS given_by,
    g.reason AS reason, g.reviewed_by AS reviewed_by
FROM
(
    SELECT * FROM decisions WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
) AS d
LEFT JOIN
(
    SELECT used.exchange AS exchange, s.standing AS standing, s.given_by AS given_by, s.reason AS reason,
        s.reviewed_by AS reviewed_by
    FROM
    (
        SELECT DISTINCT exchange, JSONExtractString(body, 'data', 'standing') AS standing
        FROM events WHERE type = 'approval.granted' AND JSONHas(body, 'data', 'standing')
    ) AS used
    INNER JOIN (SELECT * FROM standings WHERE alone) AS s ON used.standing = s.standing
) AS g ON d.exchange = g.exchange
WHERE g.standing != '' OR arrayExists(rule -> rule ILIKE '%break%glass%', d.rules)
ORDER BY ts
