-- When was a person's last token seen, what was denied afterwards, is there anything since?
--   person String: e-mail, subject, owner or agent
--   left DateTime: when they left

SELECT issuer, subject, agent, email, owner, max(ts) AS last_request,
    maxOrNullIf(ts, effect IN ('allow', 'hold')) AS last_let_through,
    countIf(ts >= {left:DateTime64(6, 'UTC')}) AS requests_since,
    countIf(ts >= {left:DateTime64(6, 'UTC')} AND effect IN ('deny', 'refused')) AS denied_since,
    countIf(ts >= {left:DateTime64(6, 'UTC')} AND effect IN ('allow', 'hold')) AS let_through_since
FROM decisions
WHERE email = {person:String} OR owner = {person:String} OR subject = {person:String}
    OR agent = {person:String} OR has(act, {person:String})
GROUP BY issuer, subject, agent, email, owner
ORDER BY last_request DESC
