#!/usr/bin/env bash
# One would guess: `promtool test rules` fails when the rule file that a test names is not there, or when a test is about
# an alert that no rule defines.
# What happens: both pass with SUCCESS and exit code 0, as long as the test expects no alert. So a renamed rule file or
# alert turns each "it does not fire" test into one that cannot fail, in silence.
# Versions: promtool 2.42.0 (Debian 12, prometheus 2.42.0+ds-5+deb12u1). Seen on 2026-11-30.
# Why it matters here: each alert of docs has a test that it fires, and a test compares the names of both files.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download --quiet=2 --option APT::Sandbox::User=root prometheus=2.42.0+ds-5+deb12u1
dpkg-deb --extract prometheus_*.deb package
promtool=package/usr/bin/promtool
"$promtool" --version | head -1

cat >rules.yaml <<'YAML'
groups:
  - name: example
    rules:
      - alert: QueueIsLong
        expr: queue_jobs > 10
YAML

# written FILE RULES ALERT: a test in which the queue is long, and no alert is expected all the same
written() {
  cat >"$1" <<YAML
rule_files: [$2]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: 'queue_jobs', values: '50x10'}]
    alert_rule_test:
      - {eval_time: 5m, alertname: $3, exp_alerts: []}
YAML
}
written right.yaml rules.yaml QueueIsLong
written no-file.yaml renamed.yaml QueueIsLong
written no-alert.yaml rules.yaml QueueWasLong

declare -A found
for test in right no-file no-alert; do
  found[$test]=0
  "$promtool" test rules "$test.yaml" >"$test.txt" 2>&1 || found[$test]=$?
  echo "$test: exit code ${found[$test]}: $(grep -oE 'SUCCESS|FAILED' "$test.txt" | head -1)"
done
echo "expected: 1 FAILED for the alert that does fire, 0 SUCCESS for the file and the alert that are not there"
[ "${found[right]} ${found[no-file]} ${found[no-alert]}" = "1 0 0" ]
