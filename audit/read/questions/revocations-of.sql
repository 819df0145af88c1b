-- Which revocations stopped a person, an agent of theirs, a session or a token?
--   person String: e-mail, subject, owner or agent
-- A revocation names one thing; those of agents, sessions and tokens of the person are found by their requests.

SELECT ts, type, JSONExtractString(body, 'data', 'scope') AS scope, JSONExtractString(body, 'data', 'value') AS value,
    JSONExtractString(body, 'data', 'reason') AS reason,
    coalesce(nullIf(JSONExtractString(body, 'data', 'by', 'email'), ''),
        JSONExtractString(body, 'data', 'by', 'subject')) AS by
FROM events
WHERE type = 'identity.revoked'
  AND (value = {person:String} OR (scope, value) IN
  (
      SELECT theirs.1, theirs.2 FROM
      (
          SELECT DISTINCT arrayJoin([('subject', subject), ('agent', toString(agent)), ('session', session), ('jti', jti)])
              AS theirs
          FROM decisions
          WHERE email = {person:String} OR owner = {person:String} OR subject = {person:String}
              OR agent = {person:String} OR has(act, {person:String})
      )
  ))
ORDER BY ts
