#!/bin/sh
# Installs what tests need beside Python packages: real servers, a browser, Java and Maven (Debian or Ubuntu, as root); with the
# argument `faults` also what only `make faults` needs.
# Where it can't, it says the one command that does. Idempotent: when everything is there it prints nothing.
set -eu

missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need redis-server redis-server
need chromium chromium
need promtool prometheus
need prometheus-alertmanager prometheus-alertmanager
need java default-jre-headless
need mvn maven
# Only the faults that make a clock jump need it, and they say so where it is absent.
[ "${1:-}" != faults ] || command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
[ -n "$missing" ] || exit 0

command="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "tests need$missing: installing …"
    export DEBIAN_FRONTEND=noninteractive
    # The second try is for machines whose package lists are older than the archive, or empty.
    $command >/dev/null 2>&1 || { apt-get update -qq && $command >/dev/null; }
elif command -v apt-get >/dev/null 2>&1; then
    echo "tests need$missing. Install with: sudo $command" >&2
    exit 1
else
    echo "tests need these commands on PATH: redis-server chromium prometheus promtool prometheus-alertmanager java mvn." >&2
    echo "Install them with your system's packages (their names on Debian:$missing)." >&2
    exit 1
fi
