-- What was granted in advance, or by one person alone: one row per standing grant, folded in the order of its writer.
CREATE OR REPLACE VIEW audit.standings AS
SELECT
    standing,
    minIf(f.ts, f.begins) AS given_at,
    max(f.type = 'standing.break_glass') AS alone,
    arraySort(groupUniqArrayArrayIf(f.givers, f.begins)) AS given_by,
    anyIf(f.reason, f.begins) AS reason,
    any(f.session) AS session,
    any(f.connection) AS connection,
    any(f.issuer) AS issuer,
    any(f.subject) AS subject,
    any(f.agent) AS agent,
    anyIf(f.rule, f.begins) AS rule,
    anyIf(f.action, f.begins) AS action,
    anyIf(f.approval, f.begins) AS approval,
    anyIf(f.uses, f.begins) AS uses,
    countIf(f.type = 'standing.taken') AS taken,
    fromUnixTimestamp64Micro(anyIf(f.until_us, f.begins), 'UTC') AS granted_until,
    argMax(f.state, f.seq) AS state,
    anyIf(f.person, f.type = 'standing.revoked') AS revoked_by,
    anyIf(f.person, f.type = 'standing.reviewed') AS reviewed_by,
    max(f.ts) AS changed_at,
    gateway, writer
FROM
(
    SELECT
        JSONExtractString(body, 'data', 'standing') AS standing,
        type IN ('standing.given', 'standing.break_glass') AS begins,
        arrayMap(answer -> if(JSONExtractString(answer, 'approver', 'email') != '',
            JSONExtractString(answer, 'approver', 'email'), JSONExtractString(answer, 'approver', 'subject')),
            JSONExtractArrayRaw(body, 'data', 'answers')) AS givers,
        JSONExtractString(body, 'data', 'answers', 1, 'justification') AS reason,
        if(JSONExtractString(body, 'data', 'by', 'email') != '',
            JSONExtractString(body, 'data', 'by', 'email'),
            JSONExtractString(body, 'data', 'by', 'subject')) AS person,
        JSONExtractString(body, 'data', 'rule') AS rule,
        JSONExtractString(body, 'data', 'action') AS action,
        JSONExtractString(body, 'data', 'approval') AS approval,
        JSONExtractString(body, 'data', 'state') AS state,
        JSONExtractUInt(body, 'data', 'uses') AS uses,
        JSONExtractInt(body, 'data', 'until_us') AS until_us,
        type, ts, seq, session, connection, issuer, subject, agent, gateway, writer
    FROM audit.events
    WHERE kind = 'approval' AND startsWith(type, 'standing.')
) AS f
GROUP BY gateway, writer, standing;
