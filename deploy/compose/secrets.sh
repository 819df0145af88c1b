#!/bin/sh
# Makes what docker-compose.yml needs in deploy/compose/secrets: one random password per ClickHouse account, and empty
# files for the upstream keys that are not there yet. The containers run as user 10001.
set -eu
umask 077
cd "$(dirname "$0")/secrets"
for account in writer auditor migrator pruner; do
    [ -s "clickhouse-$account" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"clickhouse-$account"
done
for key in anthropic openai ledger; do
    [ -e "$key" ] || : >"$key"
done
echo "secrets are in $(pwd); now: printf %s \"\$ANTHROPIC_API_KEY\" > anthropic; chown -R 10001:10001 ."
