#!/bin/sh
# Writes the locks: one file for Python 3.11 to 3.14, hashes, no registry address in it.
set -eu
compile() {
    out=$1; shift
    uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
        --no-header --quiet "$@" -o "$out.lock" "$out.in"
}
compile run
compile demo -c run.lock
compile postgres -c run.lock
compile dev -c run.lock -c demo.lock -c postgres.lock
compile agents
compile schemathesis
compile peers
compile audit
compile kubernetes
# its metadata asks for Python 3.14, see docs/dependencies.md
uv pip compile --universal --python-version 3.14 --no-deps --generate-hashes --no-emit-index-url --no-emit-find-links \
    --no-header --quiet -o engine.lock engine.in
