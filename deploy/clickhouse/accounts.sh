#!/bin/sh
# Makes Exeat's accounts on a ClickHouse server: the roles of grants.sql, and one user for each of them.
#
#   EXEAT_SECRETS=/run/secrets/exeat ./accounts.sh [options of clickhouse client, e.g. --host db --user admin --password …]
#
# Each file clickhouse-writer, clickhouse-auditor, clickhouse-migrator, clickhouse-pruner in EXEAT_SECRETS holds one
# password. Only its SHA-256 goes to the server. In the official image, put this folder on /docker-entrypoint-initdb.d.
# Safe to run again: changed passwords are set, nothing else changes.
set -eu

secrets=${EXEAT_SECRETS:-/run/secrets/exeat}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

user() { # name, role
    file="$secrets/clickhouse-${1#exeat_}"
    [ -s "$file" ] || { echo "accounts.sh: $file is missing or empty" >&2; exit 1; }
    hash=$(tr -d '\r\n' <"$file" | sha256sum | cut -d ' ' -f 1)
    echo "CREATE USER IF NOT EXISTS $1 IDENTIFIED WITH sha256_hash BY '$hash';"
    echo "ALTER USER $1 IDENTIFIED WITH sha256_hash BY '$hash';"
    echo "GRANT $2 TO $1;"
    echo "ALTER USER $1 DEFAULT ROLE $2;"
}

statements=$(
    cat "$here/grants.sql"
    user exeat_writer exeat_writes
    user exeat_auditor exeat_audits
    user exeat_migrator exeat_migrates
    user exeat_pruner exeat_prunes
)
printf '%s\n' "$statements" | clickhouse client --multiquery "$@"
