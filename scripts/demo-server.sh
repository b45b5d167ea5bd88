#!/usr/bin/env bash
# Starts the built program with the demo data on a free loopback port, in a throw-away folder, until the calling shell ends.
# Sets MATCHDAY_URL, and server_log for who wants to read what it said. Source it: . scripts/demo-server.sh PASSWORD
demo_dir=$(mktemp -d "${TMPDIR:-/tmp}/matchday-demo.XXXXXX")
demo_port=$((31400 + RANDOM % 1300))
export MATCHDAY_URL=http://127.0.0.1:$demo_port
server_log=$demo_dir/server.log
MATCHDAY__SERVER__BIND=127.0.0.1:$demo_port MATCHDAY__CHAT__BIND='' MATCHDAY__INTERNAL__BIND='' \
    MATCHDAY__DATA_DIR=$demo_dir MATCHDAY__DATABASE__URL=sqlite:$demo_dir/matchday.db \
    MATCHDAY__ADMIN__PASSWORD=$1 MATCHDAY__LIMITS__ENABLED=false \
    "${CARGO_TARGET_DIR:-target}/debug/matchday" >"$server_log" 2>&1 &
demo_server=$!
trap 'kill $demo_server 2>/dev/null || :; wait $demo_server 2>/dev/null || :; rm -rf "$demo_dir"' EXIT

for _ in $(seq 150); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$demo_port") 2>/dev/null; then break; fi
    kill -0 $demo_server 2>/dev/null || { cat "$server_log" >&2; exit 1; }
    sleep 0.1
done
