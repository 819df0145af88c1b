-- Did somebody who left still sign in, read, approve or change something as a person?
--   person String: e-mail or subject
--   left DateTime: when they left
-- By e-mail, also what their subject did: sign-ins and tokens say which one is theirs. Of a sign-in at a terminal the
-- caller is the account of the operating system; its data name the person. The revocation that is the leaving is none.
-- What still goes out under a grant that they gave in advance is: `approval.granted` names them.

SELECT ts, type, kind, subject, session, exchange
FROM events
WHERE ts >= {left:DateTime64(6, 'UTC')} AND NOT (type = 'identity.revoked' AND ts = {left:DateTime64(6, 'UTC')}) AND
(
    (kind IN ('read', 'person', 'config') AND (subject = {person:String} OR (issuer, subject) GLOBAL IN
    (
        SELECT issuer, subject FROM events
        WHERE kind = 'person' AND JSONExtractString(body, 'data', 'email') = {person:String}
            AND JSONExtractString(body, 'data', 'through') != 'cli'
        UNION ALL
        SELECT JSONExtractString(body, 'data', 'issuer'), JSONExtractString(body, 'data', 'sub') FROM events
        WHERE kind = 'person' AND JSONExtractString(body, 'data', 'email') = {person:String}
            AND JSONExtractString(body, 'data', 'through') = 'cli' AND JSONExtractString(body, 'data', 'sub') != ''
        UNION ALL
        SELECT issuer, subject FROM decisions WHERE email = {person:String} AND subject != ''
    )))
    OR (kind = 'person' AND (JSONExtractString(body, 'data', 'email') = {person:String}
        OR JSONExtractString(body, 'data', 'sub') = {person:String}))
    OR (kind IN ('approval', 'config') AND arrayExists(
        key -> JSONExtractString(body, 'data', key, 'email') = {person:String}
            OR JSONExtractString(body, 'data', key, 'subject') = {person:String}, ['approver', 'by']))
    OR (kind = 'approval' AND arrayExists(answer -> JSONExtractString(answer, 'approver', 'email') = {person:String}
        OR JSONExtractString(answer, 'approver', 'subject') = {person:String}, JSONExtractArrayRaw(body, 'data', 'answers')))
)
ORDER BY ts
