#!/usr/bin/env bash
# Everything there is to test, on a Debian machine that has Rust: installs Postgres, Redis, Chromium, Node.js and Python when
# they are missing, starts throw-away servers on loopback, and runs format, lints, the Rust tests, the clients of others
# and the browser tests.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUST_BACKTRACE=0

missing=()
ls -d /usr/lib/postgresql/*/bin >/dev/null 2>&1 || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || missing+=(chromium)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
python3 -c "import ensurepip, venv" 2>/dev/null || missing+=(python3-venv)
command -v setpriv >/dev/null || missing+=(util-linux)
command -v cc >/dev/null || missing+=(build-essential)
if [ ${#missing[@]} -gt 0 ]; then
    as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -q
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
# Failpoints belong to the tests' builds only.
if cargo tree --locked -e features,no-dev -i fail | grep -q 'feature "failpoints"'; then
    echo "a plain build would have failpoints" >&2
    exit 1
fi

. scripts/services.sh
cargo test --workspace --locked
scripts/clients.sh
scripts/browser.sh
