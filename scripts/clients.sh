#!/usr/bin/env bash
# Clients that others wrote, from PyPI and npm, against a real server with the demo data.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked
target=${CARGO_TARGET_DIR:-target}
(cd tests/clients && npm ci --omit=optional --no-audit --no-fund --silent)
python=$target/clients-venv/bin/python
[ -x "$python" ] || python3 -m venv "$target/clients-venv"
"$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/clients/requirements.txt

data=$(mktemp -d "${TMPDIR:-/tmp}/matchday-clients.XXXXXX")
port=$((31400 + RANDOM % 600))
export MATCHDAY_URL=http://127.0.0.1:$port
MATCHDAY__SERVER__BIND=127.0.0.1:$port MATCHDAY__CHAT__BIND='' MATCHDAY__INTERNAL__BIND='' \
    MATCHDAY__DATA_DIR=$data MATCHDAY__DATABASE__URL=sqlite:$data/matchday.db \
    MATCHDAY__ADMIN__PASSWORD=client-test-password MATCHDAY__LIMITS__ENABLED=false \
    "$target/debug/matchday" >"$data/server.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || :; wait $server 2>/dev/null || :; rm -rf "$data"' EXIT

for _ in $(seq 150); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    kill -0 $server 2>/dev/null || { cat "$data/server.log" >&2; exit 1; }
    sleep 0.1
done
failed=0
# Without __pycache__ in the sources.
PYTHONDONTWRITEBYTECODE=1 "$python" -m unittest discover --start-directory tests/clients --verbose || failed=1
node --test tests/clients/*.test.mjs || failed=1
[ $failed = 0 ] || { tail -n 40 "$data/server.log" >&2; exit 1; }
