-- What did one person grant or refuse, also in advance or alone?
--   person String: e-mail or subject of the approver
--   since DateTime = 90d: from then on
--   until DateTime = now: before then
-- Where `state` begins with `standing.` the row is such a step of a standing grant: given in advance (given) or alone
-- (break_glass), revoked or reviewed; `approval` is its id then, `message` the action that it covers.

SELECT *
FROM
(
    SELECT requested_at, decided_at, approval, exchange, state, agent, owner, connection, rule, message, justification,
        granted_by, refused_by, reason
    FROM approvals
    WHERE approval IN
    (
        SELECT JSONExtractString(body, 'data', 'approval') FROM events
        WHERE kind = 'approval' AND startsWith(type, 'approval.')
            AND (JSONExtractString(body, 'data', 'approver', 'email') = {person:String}
                OR JSONExtractString(body, 'data', 'approver', 'subject') = {person:String})
    )
    UNION ALL
    SELECT e.ts, e.ts, s.standing, e.exchange, e.type, s.agent, '', s.connection, s.rule, s.action, '', s.given_by, '',
        if(e.words != '', e.words, s.reason)
    FROM
    (
        SELECT ts, exchange, type, JSONExtractString(body, 'data', 'standing') AS standing,
            JSONExtractString(body, 'data', 'words') AS words
        FROM events
        WHERE kind = 'approval' AND startsWith(type, 'standing.')
            AND (JSONExtractString(body, 'data', 'by', 'email') = {person:String}
                OR JSONExtractString(body, 'data', 'by', 'subject') = {person:String}
                OR arrayExists(answer -> JSONExtractString(answer, 'approver', 'email') = {person:String}
                    OR JSONExtractString(answer, 'approver', 'subject') = {person:String},
                    JSONExtractArrayRaw(body, 'data', 'answers')))
    ) AS e
    INNER JOIN standings AS s ON e.standing = s.standing
)
WHERE requested_at >= {since:DateTime64(6, 'UTC')} AND requested_at < {until:DateTime64(6, 'UTC')}
ORDER BY requested_at
