#!/usr/bin/env bash
# The long modes of the tests, for a machine that has the night: 200 kills under load (CI has 20), a million random
# operations on the ledger, both also on Postgres, and millions of changed inputs to the parsers. Run scripts/test.sh on
# the machine once before; it installs what is needed. Each number can be set: MATCHDAY_CRASH_ROUNDS, MATCHDAY_CRASH_SEED,
# MATCHDAY_MODEL_OPERATIONS, MATCHDAY_FUZZ_ROUNDS, MATCHDAY_FUZZ_SEED; FUZZ_SECONDS for each target of cargo-fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUST_BACKTRACE=0
export MATCHDAY_CRASH_ROUNDS=${MATCHDAY_CRASH_ROUNDS:-200}
export MATCHDAY_CRASH_SEED=${MATCHDAY_CRASH_SEED:-$(date +%s)}
export MATCHDAY_MODEL_OPERATIONS=${MATCHDAY_MODEL_OPERATIONS:-1000000}
export MATCHDAY_FUZZ_ROUNDS=${MATCHDAY_FUZZ_ROUNDS:-5000000}
export MATCHDAY_FUZZ_SEED=${MATCHDAY_FUZZ_SEED:-$(date +%s)}

. scripts/services.sh
cargo test --locked --test suite crash:: -- --nocapture
cargo test --locked --test suite store::quota_model -- --nocapture
cargo test --locked --test suite fuzz:: -- --nocapture

# Guided by coverage; needs `cargo install cargo-fuzz`. The sanitizers' flags are unstable: a nightly compiler takes them,
# and RUSTC_BOOTSTRAP lets a stable one take them too.
cargo check --manifest-path fuzz/Cargo.toml
if cargo fuzz --version >/dev/null 2>&1; then
    fuzz=(cargo fuzz)
    if cargo +nightly --version >/dev/null 2>&1; then fuzz=(cargo +nightly fuzz); else export RUSTC_BOOTSTRAP=1; fi
    for target in command queue_token wechat_notice sso_code hawk_header regist_xml regist_bson regist_json typed_text; do
        mkdir -p "fuzz/corpus/$target"
        "${fuzz[@]}" run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
            -max_total_time="${FUZZ_SECONDS:-600}" -max_len=65536
    done
else
    echo "cargo-fuzz is not installed; its targets were only compiled" >&2
fi
