-- Which history this is: each commit leaves a mark that no other history has. A gateway notes the last one that it saw in
-- its own file; an older copy of this database, or one that went on from an older copy, does not hold it.
ALTER TABLE house ADD COLUMN mark text NOT NULL DEFAULT '';
CREATE TABLE marks (pos bigint PRIMARY KEY, mark text NOT NULL);

-- `marked`: what the gateway has noted, or earlier.
ALTER TABLE gateways ADD COLUMN marked bigint NOT NULL DEFAULT 0;
