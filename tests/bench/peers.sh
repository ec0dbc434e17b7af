# SPDX-License-Identifier: Apache-2.0
# The peers of the measurements, all from Debian 12 (script/setup --bench): sourced after
# lib.sh. Each runs on a fresh folder below $WORK and is set as well as we know how, for speed
# at the durability that it is listed with; docs/BENCHMARKS.md says why. None of them needs its
# service: where Debian started one, it is not touched.
#
#   NAME_up             starts it, empty
#   NAME_load ROWS S    loads it for S seconds; prints a line of JSON
#   NAME_stored         counts the rows that it can be asked for afterwards
#   NAME_down           stops it
PEER_NODES=1000
CONNECTIONS=16

need() {
    command -v "$1" >/dev/null || fail "there is no $1: script/setup --bench installs the peers"
}

free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

answers() {
    curl -s -o /dev/null --max-time 2 "$1"
}

# ---- InfluxDB 1.6: every write to the log file is synced before the 204 ----

influx_up() {
    need influxd
    local folder=$WORK/influx
    rm -rf "$folder"
    mkdir -p "$folder"
    INFLUX_PORT=$(free_port)
    cat >"$folder/conf" <<CONF
reporting-disabled = true
bind-address = "127.0.0.1:$(free_port)"
[meta]
  dir = "$folder/meta"
[data]
  dir = "$folder/data"
  wal-dir = "$folder/wal"
  wal-fsync-delay = "0s"
  index-version = "inmem"
  query-log-enabled = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[http]
  bind-address = "127.0.0.1:$INFLUX_PORT"
  log-enabled = false
CONF
    influxd -config "$folder/conf" >"$WORK/influx.log" 2>&1 &
    INFLUX_PID=$!
    PIDS+=("$INFLUX_PID")
    until_true 60 "InfluxDB" answers "http://127.0.0.1:$INFLUX_PORT/ping"
    curl -sS -XPOST "http://127.0.0.1:$INFLUX_PORT/query" --data-urlencode "q=CREATE DATABASE bench" \
        >"$WORK/influx-create.log"
}

influx_load() {
    "$BIN/bench_load" lines --to "127.0.0.1:$INFLUX_PORT" --path "/write?db=bench&precision=ms" \
        --form field --rows "$1" --seconds "$2" --nodes $PEER_NODES --connections $CONNECTIONS \
        --server-pid "$INFLUX_PID"
}

influx_stored() {
    curl -sS -G "http://127.0.0.1:$INFLUX_PORT/query" --data-urlencode db=bench \
        --data-urlencode 'q=SELECT count(latency_us) FROM p' |
        sed -n 's/.*"values":\[\[[^,]*,\([0-9]*\)\]\].*/\1/p'
}

influx_down() {
    end_process "$INFLUX_PID"
    rm -rf "$WORK/influx"
}

# ---- VictoriaMetrics: acknowledges what it has in memory and writes it about a second later ----

victoria_up() {
    need victoria-metrics
    rm -rf "$WORK/victoria"
    VICTORIA_PORT=$(free_port)
    victoria-metrics -storageDataPath="$WORK/victoria" -httpListenAddr="127.0.0.1:$VICTORIA_PORT" \
        -retentionPeriod=12 -loggerLevel=ERROR >"$WORK/victoria.log" 2>&1 &
    VICTORIA_PID=$!
    PIDS+=("$VICTORIA_PID")
    until_true 60 "VictoriaMetrics" answers "http://127.0.0.1:$VICTORIA_PORT/health"
}

victoria_load() {
    "$BIN/bench_load" lines --to "127.0.0.1:$VICTORIA_PORT" --path "/write" \
        --form "${VICTORIA_FORM:-tag}" --rows "$1" --seconds "$2" --nodes $PEER_NODES \
        --connections $CONNECTIONS --server-pid "$VICTORIA_PID"
}

victoria_stored() {
    curl -sS "http://127.0.0.1:$VICTORIA_PORT/internal/force_flush" >"$WORK/victoria-flush.log"
    curl -sS -G "http://127.0.0.1:$VICTORIA_PORT/api/v1/query" \
        --data-urlencode 'query=sum(count_over_time(p_latency_us[1d]))' |
        sed -n 's/.*"value":\[[^,]*,"\([0-9]*\)"\].*/\1/p'
}

victoria_down() {
    end_process "$VICTORIA_PID"
    rm -rf "$WORK/victoria"
}

# ---- PostgreSQL 15: synchronous_commit, 16 sessions of pgbench, one INSERT a report ----

POSTGRES_BIN=/usr/lib/postgresql/15/bin
POSTGRES_FOLDER=

# PostgreSQL refuses to run as root: then it is the user postgres that Debian's package makes.
as_postgres() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

postgres_sql() {
    as_postgres psql -h "$POSTGRES_FOLDER" -p 5432 -d postgres -qAt -v ON_ERROR_STOP=1 -c "$1"
}

postgres_ready() {
    postgres_sql 'SELECT 1' >/dev/null 2>&1
}

# Once: a cluster of its own, whose log files are laid out by a first fill, as ours are.
postgres_prepare() {
    local rows variant
    [ -x "$POSTGRES_BIN/initdb" ] || fail "there is no PostgreSQL 15: script/setup --bench installs the peers"
    POSTGRES_FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/muster-bench-pg.XXXXXX")
    [ "$(id -u)" -ne 0 ] || chown postgres "$POSTGRES_FOLDER"
    as_postgres "$POSTGRES_BIN/initdb" -D "$POSTGRES_FOLDER/data" -A trust --no-sync \
        --locale=C --encoding=UTF8 >"$WORK/initdb.log" 2>&1 || fail "initdb"
    as_postgres tee -a "$POSTGRES_FOLDER/data/postgresql.conf" >"$WORK/postgres-conf.log" <<CONF
listen_addresses = ''
unix_socket_directories = '$POSTGRES_FOLDER'
shared_buffers = 1GB
fsync = on
synchronous_commit = on
wal_level = minimal
max_wal_senders = 0
min_wal_size = 2GB
max_wal_size = 8GB
checkpoint_timeout = 1h
wal_buffers = 64MB
autovacuum = off
logging_collector = off
CONF
    for rows in 100 1000; do
        for variant in $(seq 0 15); do
            "$BIN/bench_load" statement --rows $rows --nodes $((variant + 1)) \
                >"$POSTGRES_FOLDER/insert-$rows-$variant.sql"
        done
    done
    chmod -R a+rX "$POSTGRES_FOLDER"/insert-*
    POSTGRES_FRESH=1
}

postgres_up() {
    [ -n "$POSTGRES_FOLDER" ] || postgres_prepare
    as_postgres "$POSTGRES_BIN/postgres" -D "$POSTGRES_FOLDER/data" >"$WORK/postgres.log" 2>&1 &
    until_true 60 "PostgreSQL" postgres_ready
    POSTGRES_PID=$(head -n 1 "$POSTGRES_FOLDER/data/postmaster.pid")
    PIDS+=("$POSTGRES_PID")
    postgres_sql 'DROP TABLE IF EXISTS prediction; CREATE TABLE prediction(id bigint NOT NULL,
        node_id integer NOT NULL, cohort_id integer NOT NULL, class smallint NOT NULL,
        confidence smallint NOT NULL, latency_us integer NOT NULL, lag_ms bigint NOT NULL,
        value double precision, sample bigint)' >"$WORK/postgres-table.log" 2>&1 || fail "CREATE TABLE"
    if [ -n "${POSTGRES_FRESH:-}" ]; then
        POSTGRES_FRESH=
        postgres_run 1000 4 >"$WORK/postgres-fill.log"
        postgres_sql 'TRUNCATE prediction'
    fi
    postgres_sql CHECKPOINT
}

postgres_run() {
    local files=() variant
    for variant in $(seq 0 15); do
        files+=(-f "$POSTGRES_FOLDER/insert-$1-$variant.sql")
    done
    as_postgres pgbench -h "$POSTGRES_FOLDER" -p 5432 -n -M "${POSTGRES_PROTOCOL:-simple}" \
        -c $CONNECTIONS -j 1 -T "$2" "${files[@]}" postgres 2>"$WORK/pgbench.log"
}

# The sessions end with pgbench, so their time is the server's once it has waited for them.
postgres_load() {
    local before after out transactions tps
    before=$(process_cpu_s "$POSTGRES_PID")
    out=$(postgres_run "$1" "$2") || fail "pgbench"
    sleep 0.3
    after=$(process_cpu_s "$POSTGRES_PID")
    # Its clock runs while its sessions connect; on a busy machine nothing may be left.
    grep -q '^tps = [1-9]' <<<"$out" || fail "pgbench did nothing within $2 s"
    transactions=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' <<<"$out")
    tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' <<<"$out" | head -n 1)
    printf '{"mode":"postgres","rate":%.0f,"server_cpu_s_per_million":%s,"acknowledged":%s}\n' \
        "$(calc "$tps * $1")" "$(calc "($after - $before) * 1e6 / ($transactions * $1)")" \
        "$((transactions * $1))"
}

postgres_stored() {
    postgres_sql 'SELECT count(*) FROM prediction'
}

postgres_down() {
    as_postgres "$POSTGRES_BIN/pg_ctl" -D "$POSTGRES_FOLDER/data" -m fast -w stop \
        >"$WORK/pg_ctl.log" 2>&1 || fail "PostgreSQL does not stop"
    end_process "$POSTGRES_PID"
}

# ---- SQLite with nothing around it ----

sqlite_up() { rm -f "$WORK"/peer.db*; }

sqlite_load() {
    "$BIN/bench_sqlite" "$WORK/peer.db" "$2" "$1" $CONNECTIONS
}

sqlite_stored() {
    sqlite3 -readonly "$WORK/peer.db" 'SELECT count(*) FROM prediction'
}

sqlite_down() { rm -f "$WORK"/peer.db*; }

# ---- muster, in the same words: with columns, with rows, with columns in zstd ----

# After muster_site and muster_stop.
muster_up() {
    [ -d "$WORK/data.clean" ] || cp -a "$WORK/data" "$WORK/data.clean"
    rm -rf "$WORK/data"
    cp -a "$WORK/data.clean" "$WORK/data"
    muster_start
}

muster_load() {
    muster_reports --rows "$1" --seconds "$2" --connections $CONNECTIONS "${@:3}"
}

muster_stored() {
    muster_sql 'SELECT count(*) FROM prediction'
}

muster_down() { muster_stop; }

rows_up() { muster_up; }
rows_load() { muster_load "$@" --form rows; }
rows_stored() { muster_stored; }
rows_down() { muster_stop; }

zstd_up() { muster_up; }
zstd_load() { muster_load "$@" --zstd; }
zstd_stored() { muster_stored; }
zstd_down() { muster_stop; }

bench_more_cleanup() {
    [ -z "$POSTGRES_FOLDER" ] || rm -rf "$POSTGRES_FOLDER"
}

# ---- nginx: files below $WORK/nginx/root, as fast as it goes: open files cached, sendfile, no
# log, connections for ever ----

# nginx_up WORKERS PATH: sets NGINX_PORT, NGINX_PID and NGINX_WORKERS; PATH is a file that is there.
nginx_up() {
    need nginx
    local folder=$WORK/nginx worker
    mkdir -p "$folder"
    NGINX_PORT=$(free_port)
    cat >"$folder/conf" <<CONF
daemon off;
$([ "$(id -u)" -ne 0 ] || echo 'user root;')
worker_processes $1;
pid $folder/pid;
error_log $folder/error.log;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
    sendfile on; tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=100; open_file_cache_valid 1h;
    server { listen 127.0.0.1:$NGINX_PORT; root $folder/root; }
}
CONF
    nginx -c "$folder/conf" -e "$folder/error.log" >"$WORK/nginx.log" 2>&1 &
    NGINX_PID=$!
    PIDS+=("$NGINX_PID")
    until_true 30 "nginx" answers "http://127.0.0.1:$NGINX_PORT$2"
    NGINX_WORKERS=()
    for worker in $(process_tree "$NGINX_PID" | tail -n +2); do
        NGINX_WORKERS+=(--server-pid "$worker")
    done
    [ ${#NGINX_WORKERS[@]} -gt 0 ] || fail "nginx has no workers"
}
