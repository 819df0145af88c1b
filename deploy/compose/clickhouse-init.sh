#!/bin/sh
# Run once by the official image on an empty volume: makes Exeat's accounts as the administrator of docker-compose.yml.
set -eu
exec sh /exeat/accounts.sh --user "$CLICKHOUSE_USER" --password "$CLICKHOUSE_PASSWORD"
