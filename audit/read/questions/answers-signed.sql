-- Which answers of approvers carry their own signature?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then
-- `signed_with` is the authenticator, empty without one; whether a signature holds is for `exeat audit verify` to say.

SELECT ts, JSONExtractString(body, 'data', 'approval') AS approval, type,
    if(JSONExtractString(body, 'data', 'approver', 'email') = '', JSONExtractString(body, 'data', 'approver', 'subject'),
        JSONExtractString(body, 'data', 'approver', 'email')) AS approver,
    JSONExtractString(body, 'data', 'signature', 'credential') AS signed_with,
    JSONExtractString(body, 'data', 'standing') AS standing
FROM events
WHERE type IN ('approval.endorsed', 'approval.granted', 'approval.refused')
  AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
ORDER BY ts
