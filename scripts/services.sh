#!/usr/bin/env bash
# Starts a throw-away Postgres and Redis on free loopback ports for the tests, prints the variables that name them, and
# keeps both until the calling shell ends. Source it: . scripts/services.sh
services_dir=$(mktemp -d "${TMPDIR:-/tmp}/matchday-services.XXXXXX")
chmod 755 "$services_dir"
postgres_bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

# A loopback port that nothing listens on, below the range the kernel gives to clients.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

# Postgres refuses to run as root; Debian's package brings the user it runs as.
as_postgres() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }

postgres_dir=$services_dir/postgres
mkdir "$postgres_dir"
[ "$(id -u)" = 0 ] && chown postgres "$postgres_dir"
as_postgres "$postgres_bin/initdb" -D "$postgres_dir" -U postgres -A trust -E UTF8 --no-sync >"$services_dir/initdb.log"
postgres_port=$(free_port)
as_postgres "$postgres_bin/postgres" -D "$postgres_dir" -p "$postgres_port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c max_connections=400 -c fsync=off >"$services_dir/postgres.log" 2>&1 &
postgres_pid=$!

redis_port=$(free_port)
redis-server --port "$redis_port" --bind 127.0.0.1 --dir "$services_dir" --save "" --appendonly no \
    >"$services_dir/redis.log" 2>&1 &
redis_pid=$!

stop_services() {
    kill "$postgres_pid" "$redis_pid" 2>/dev/null
    wait "$postgres_pid" "$redis_pid" 2>/dev/null
    rm -rf "$services_dir"
}
trap stop_services EXIT

wait_for_port() {
    for _ in $(seq 150); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    echo "nothing listens on port $1; see $services_dir" >&2
    return 1
}
wait_for_port "$postgres_port"
wait_for_port "$redis_port"
until "$postgres_bin/pg_isready" -q -h 127.0.0.1 -p "$postgres_port"; do sleep 0.1; done

export TEST_POSTGRES_URL=postgres://postgres@127.0.0.1:$postgres_port/postgres
export TEST_REDIS_URL=redis://127.0.0.1:$redis_port
export MATCHDAY_TEST_ALL=1
