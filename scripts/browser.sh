#!/usr/bin/env bash
# The pages in a real Chromium against a real server with the demo data. SCREENSHOT_DIR keeps pictures of every page.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked
binary=${CARGO_TARGET_DIR:-target}/debug/matchday
(cd tests/browser && npm ci --omit=optional --no-audit --no-fund --silent)

data=$(mktemp -d "${TMPDIR:-/tmp}/matchday-browser.XXXXXX")
port=$((32100 + RANDOM % 600))
export ADMIN_PASSWORD=browser-test-password MATCHDAY_URL=http://127.0.0.1:$port
MATCHDAY__SERVER__BIND=127.0.0.1:$port MATCHDAY__CHAT__BIND='' MATCHDAY__INTERNAL__BIND='' \
    MATCHDAY__DATA_DIR=$data MATCHDAY__DATABASE__URL=sqlite:$data/matchday.db \
    MATCHDAY__ADMIN__PASSWORD=$ADMIN_PASSWORD MATCHDAY__LIMITS__ENABLED=false \
    MATCHDAY__SSO__CONFIRM_MAIL=true \
    "$binary" >"$data/server.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || :; wait $server 2>/dev/null || :; rm -rf "$data"' EXIT

for _ in $(seq 150); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    kill -0 $server 2>/dev/null || { cat "$data/server.log" >&2; exit 1; }
    sleep 0.1
done
node --test --test-concurrency=1 tests/browser/*.test.mjs || { tail -n 40 "$data/server.log" >&2; exit 1; }
