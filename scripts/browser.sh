#!/usr/bin/env bash
# The pages in a real Chromium against a real server with the demo data. SCREENSHOT_DIR keeps pictures of every page.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked
(cd tests/browser && npm ci --omit=optional --no-audit --no-fund --silent)

export ADMIN_PASSWORD=browser-test-password MATCHDAY__SSO__CONFIRM_MAIL=true
. scripts/demo-server.sh $ADMIN_PASSWORD
node --test --test-concurrency=1 tests/browser/*.test.mjs || { tail -n 40 "$server_log" >&2; exit 1; }
