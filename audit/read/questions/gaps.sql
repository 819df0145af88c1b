-- Is a sequence number of any writer missing or there twice?
-- There must be none, apart from what was pruned. `exeat audit verify` says exactly which.

SELECT writer, count() AS events, min(seq) AS first_seq, max(seq) AS last_seq, uniqExact(seq) AS distinct_seq,
    last_seq - first_seq + 1 - distinct_seq AS missing, events - distinct_seq AS doubled
FROM events
GROUP BY writer
HAVING missing > 0 OR doubled > 0
ORDER BY writer
