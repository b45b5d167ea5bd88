#!/usr/bin/env bash
# The long modes of the tests, for a machine that has the night: 200 kills under load (CI has 20) and a million random
# operations on the ledger, both also on Postgres. Run scripts/test.sh on the machine once before; it installs what is
# needed. Each number can be set: MATCHDAY_CRASH_ROUNDS, MATCHDAY_CRASH_SEED, MATCHDAY_MODEL_OPERATIONS.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUST_BACKTRACE=0
export MATCHDAY_CRASH_ROUNDS=${MATCHDAY_CRASH_ROUNDS:-200}
export MATCHDAY_CRASH_SEED=${MATCHDAY_CRASH_SEED:-$(date +%s)}
export MATCHDAY_MODEL_OPERATIONS=${MATCHDAY_MODEL_OPERATIONS:-1000000}

. scripts/services.sh
cargo test --locked --test suite crash:: -- --nocapture
cargo test --locked --test suite store::quota_model -- --nocapture
