#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_metrics.sh BIN: /metrics of a live fleet passes promtool's lint; the alert rules parse, and
# fire on what they are for; the expressions of the Grafana dashboard parse; and whatever rules and
# dashboard ask for is really emitted. Skipped (77) without promtool or jq.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/../e2e/lib.sh"
rules=$SOURCE/deploy/prometheus/muster.rules.yml
cases=$SOURCE/tests/deploy/muster.rules.test.yml
dashboard=$SOURCE/deploy/grafana/muster.json
for tool in promtool jq; do
    command -v "$tool" >/dev/null || { echo "skipped: no $tool (script/setup --all)"; exit 77; }
done

# names FILE: what its expressions read, one a line.
names() {
    grep -oE '\b(muster|process)_[a-z0-9_]+\b' "$1" | sort -u
}

echo "rules"
promtool check rules "$rules" || fail "promtool check rules"
promtool test rules "$cases" || fail "promtool test rules"
sed -n 's/^ *- alert: //p' "$rules" | sort >"$WORK/alerts"
grep -oE 'alertname="[A-Za-z]+"' "$cases" | cut -d'"' -f2 | sort -u >"$WORK/tried"
diff "$WORK/alerts" "$WORK/tried" || fail "alerts that no case fires"

# Grafana's variables are made what Prometheus would get, and each expression a recording rule.
echo "dashboard"
jq '{groups: [{name: "dashboard", rules: [[.. | objects | .expr? // empty] | to_entries[] |
    {record: "dashboard:expression:\(.key)",
     expr: (.value | gsub("\\$__rate_interval"; "5m") | gsub("\\$instance"; ".*"))}]}]}' "$dashboard" >"$WORK/dashboard.json"
jq -e '.groups[0].rules | length > 20' "$WORK/dashboard.json" >/dev/null || fail "no expressions in the dashboard"
promtool check rules "$WORK/dashboard.json" || fail "the dashboard's expressions"
jq -e '[.panels[].id] | length == (unique | length)' "$dashboard" >/dev/null || fail "two panels with one id"

echo "a live fleet"
fleet_init
fleet_publish 1.0.0
fleet_deploy 1.0.0
TOKEN=$(fleet_token 1)
agent_start node --source "$DATASET/t10k-images-idx3-ubyte.gz" --indices 0:20 --until-done --rate 0 --poll-s 5
wait "$AGENT_PID" || fail "the agent"
metrics=$(sed -n 's/^metrics on \(http:\/\/\)\{0,1\}//p' "$WORK/server.out")
curl -fsS "http://$metrics/metrics" >"$WORK/metrics" || fail "no /metrics"
promtool check metrics <"$WORK/metrics" || fail "promtool check metrics"
for sample in 'muster_running_nodes{model="fashion",version="1.0.0",variant="fp32"} 1' 'muster_nodes{state="active"} 1' \
    "muster_fleet_predictions_total $(sql 'SELECT count(*) FROM prediction')"; do
    grep -qxF "$sample" "$WORK/metrics" || fail "no line '$sample': $(grep "^${sample%%[{ ]*}" "$WORK/metrics")"
done
sed -n 's/^\([a-z_][a-z0-9_]*\)[{ ].*/\1/p' "$WORK/metrics" | sort -u >"$WORK/emitted"
for file in "$rules" "$WORK/dashboard.json"; do
    missing=$(names "$file" | comm -23 - "$WORK/emitted")
    [ -z "$missing" ] || fail "$file asks for what is not emitted: $missing"
done
server_stop
