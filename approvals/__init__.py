"""Who must say yes: the life of one held thing, kept by one process.

    requested → granted → used;   or refused, expired, withdrawn

`machine` is the whole law (a table, no clock, no I/O), `people` says whose answer counts, `evidence` what is recorded,
`store` keeps state and spool in one SQLite file and one transaction, `writer` is the only one that changes anything,
`service` speaks gRPC, `client` is what extproc and the CLI hold in their hands.

Never: an answer that counts before it is durable, a release without a consume, a token of the data path.
"""
