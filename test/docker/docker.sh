#!/bin/sh
# Four containers from docker-compose.yml. Each node in turn is stopped in a fresh cluster; publish and subscribe
# must go on working through the other three. Needs docker, docker compose (v1 or v2), mosquitto-clients, and
# the image foxmq:latest (make image).
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
project=foxmqtest$$
if docker compose version >/dev/null 2>&1; then compose="docker compose"; else compose="docker-compose"; fi

run() { (cd "$work" && $compose -p "$project" "$@"); }
cleanup() { run down -v -t 2 >/dev/null 2>&1 || true; rm -rf "$work"; }
trap cleanup EXIT INT TERM

cp docker-compose.yml "$work"/
mkdir "$work/foxmq.d"
docker run --rm -v "$work/foxmq.d:/foxmq.d" foxmq:latest address-book from-list --output-dir /foxmq.d --force \
  172.28.19.2:19793 172.28.19.3:19793 172.28.19.4:19793 172.28.19.5:19793

healthy() {
  for node in "$@"; do
    tries=0
    until [ "$(docker inspect -f '{{.State.Health.Status}}' "$(run ps -q "node$node")")" = healthy ]; do
      tries=$((tries + 1))
      if [ $tries -gt 60 ]; then echo "node$node is not healthy"; run logs --tail 40; exit 1; fi
      sleep 1
    done
  done
}

for stopped in 0 1 2 3; do
  run up -d >/dev/null 2>&1
  healthy 0 1 2 3
  run stop -t 5 "node$stopped" >/dev/null 2>&1
  others=$(for i in 0 1 2 3; do [ $i = $stopped ] || printf '%s ' $i; done)
  for from in $others; do
    for to in $others; do
      # Retained, so that it does not matter which of the two comes first.
      mosquitto_pub -h 127.0.0.1 -p $((1883 + from)) -q 2 -r -t "docker/$from/$to" -m "from $from to $to"
      got=$(mosquitto_sub -h 127.0.0.1 -p $((1883 + to)) -q 2 -C 1 -W 30 -t "docker/$from/$to")
      if [ "$got" != "from $from to $to" ]; then echo "node$stopped stopped: $from to $to got '$got'"; exit 1; fi
    done
  done
  run down -v -t 2 >/dev/null 2>&1
  echo "node$stopped stopped: publish and subscribe work on nodes $others"
done
