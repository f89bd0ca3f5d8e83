#!/bin/sh
# Runs every fuzz target of the project for the given time, one after the other: sh test/fuzz.sh 60s
# Inputs that reach something new are made shorter for a second each; by default that may take a minute, in which
# nothing new is tried.
set -eu
time=${1:-60s}
go=${GO:-go}
for pkg in $($go list ./...); do
  for target in $($go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
    echo "== $pkg $target for $time"
    $go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1s "$pkg"
  done
done
