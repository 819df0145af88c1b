-- Which token did each of a person's accounts show last?
--   person String: e-mail, subject, owner or agent

SELECT issuer, subject, agent, jti, min(ts) AS first_seen, max(ts) AS last_seen, count() AS requests
FROM decisions
WHERE jti != '' AND (email = {person:String} OR owner = {person:String} OR subject = {person:String}
    OR agent = {person:String} OR has(act, {person:String}))
GROUP BY issuer, subject, agent, jti
ORDER BY last_seen DESC
LIMIT 1 BY issuer, subject, agent
