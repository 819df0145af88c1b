-- Who looked at a session or an exchange?
--   id String: a session key or a decision id

SELECT ts, issuer, subject, type, session, exchange
FROM events
WHERE kind = 'read' AND (session = {id:String} OR exchange = {id:String})
ORDER BY ts
