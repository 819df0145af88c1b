-- Did somebody who left still sign in, read or approve as a person?
--   person String: e-mail or subject
--   left DateTime: when they left

SELECT ts, type, kind, subject, session, exchange
FROM events
WHERE ts >= {left:DateTime64(6, 'UTC')} AND
(
    (kind IN ('read', 'person') AND subject = {person:String})
    OR (kind = 'approval' AND arrayExists(key -> JSONExtractString(body, 'data', key, 'email') = {person:String}
        OR JSONExtractString(body, 'data', key, 'subject') = {person:String}, ['approver', 'by']))
)
ORDER BY ts
