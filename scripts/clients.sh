#!/usr/bin/env bash
# Clients that others wrote, from PyPI and npm, against a real server with the demo data.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked
(cd tests/clients && npm ci --omit=optional --no-audit --no-fund --silent)
venv=${CARGO_TARGET_DIR:-target}/clients-venv
python=$venv/bin/python
[ -x "$python" ] || python3 -m venv "$venv"
"$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/clients/requirements.txt

. scripts/demo-server.sh client-test-password
failed=0
# Without __pycache__ in the sources.
PYTHONDONTWRITEBYTECODE=1 "$python" -m unittest discover --start-directory tests/clients --verbose || failed=1
node --test tests/clients/*.test.mjs || failed=1
[ $failed = 0 ] || { tail -n 40 "$server_log" >&2; exit 1; }
