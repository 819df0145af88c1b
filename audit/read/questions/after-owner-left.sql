-- What did an agent do after its owner left?
--   agent String: the agent
--   left DateTime: when the owner left

SELECT ts, exchange, effect, owner, connection, method, path, model, rules
FROM decisions
WHERE agent = {agent:String} AND ts >= {left:DateTime64(6, 'UTC')}
ORDER BY ts
LIMIT 10000
