"""The embedded engine: OPA's own Go library behind OPA's REST API, in processes that can be killed.

`library.py`  the one file that touches the library's Python package
`frames.py`   length-prefixed messages between a worker and its owner
`worker.py`   the child process: owns one library, one snapshot, one evaluation at a time
`process.py`  the owner's side of a worker: start by exec, call with a deadline, kill
`pool.py`     some workers on the same snapshot; a dead one is replaced, a new snapshot replaces all
`front.py`    `/v1/data/*` and `/health`

The library knows no timeout and no cancel, and a fork of a process that loaded it hangs: hence processes, started by
exec. Whoever needs Rego (this engine, the publisher's checks, `exeat policy`) goes through `process.py`.
"""
