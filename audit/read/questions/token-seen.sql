-- Where does a keyed token appear?
--   tokens Array(String): tokens as `exeat audit who-saw` computes them

SELECT ts, exchange, session, agent, subject, connection, seen, rule, place, effect
FROM
(
    SELECT ts, exchange, session, agent, subject, connection, concat('masked in the ', direction) AS seen, rule, place, '' AS effect
    FROM maskings
    WHERE token IN {tokens:Array(String)}
    UNION ALL
    SELECT ts, exchange, session, agent, subject, connection, 'found in the request' AS seen,
        JSONExtractString(finding, 'rule') AS rule, JSONExtractString(finding, 'where') AS place, effect
    FROM decisions
    ARRAY JOIN findings AS finding
    WHERE JSONExtractString(finding, 'token') IN {tokens:Array(String)}
)
ORDER BY ts
LIMIT 10000
