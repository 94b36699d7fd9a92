#!/usr/bin/env bash
# Real Apache Kafka without a container: one or three KRaft brokers from Maven's jars, on loopback, in the foreground.
# Ends its brokers when it is interrupted or terminated. Data stay in the directory; the same call goes on with them.
#
#   kafka.sh --directory DIR [--brokers 1|3] [--port PORT] [--only N]
#
#   --port  of the first broker, the others follow; without it free ports are taken
#   --only  (re)start broker N of a directory that a call without it has laid out
#
# DIR/bootstrap holds the addresses, DIR/broker-N/pid each broker's process, DIR/broker-N/log what it says.
set -euo pipefail

directory="" brokers=1 port=0 only=0
while [[ $# -gt 0 ]]; do
  case "$1" in
    --directory) directory=$2 ;;
    --brokers) brokers=$2 ;;
    --port) port=$2 ;;
    --only) only=$2 ;;
    *) echo "kafka.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[[ -n "$directory" ]] || { echo "kafka.sh: --directory DIR is needed" >&2; exit 2; }
[[ "$brokers" == 1 || "$brokers" == 3 ]] || { echo "kafka.sh: --brokers must be 1 or 3" >&2; exit 2; }
for tool in java python3; do
  command -v "$tool" >/dev/null || { echo "kafka.sh: $tool is not installed (Debian: apt-get install default-jre-headless maven python3)" >&2; exit 1; }
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
jars=$(cd "$here/../.." && pwd)/.cache/kafka

fetch_jars() {
  [[ -e "$jars/complete" ]] && return
  command -v mvn >/dev/null || { echo "kafka.sh: mvn is not installed (Debian: apt-get install maven)" >&2; exit 1; }
  mkdir -p "$jars"
  exec 9>"$jars/lock"
  flock 9 # two tests may start at once
  if [[ ! -e "$jars/complete" ]]; then
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$jars" >&2
    touch "$jars/complete"
  fi
  exec 9>&-
}

free_ports() { # as many as asked, all at once so that they differ
  python3 - "$1" <<'PYTHON'
import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in sockets))
PYTHON
}

kafka() { # what the tools print is in the way
  java -Xmx128m -cp "$jars/*" "$@"
}

lay_out() {
  local ports voters="" bootstrap="" node clients controllers
  read -ra ports <<<"$(free_ports $((2 * brokers)))"
  for ((node = 1; node <= brokers; node++)); do
    clients[node]=${ports[$((2 * node - 2))]}
    ((port == 0)) || clients[node]=$((port + node - 1))
    controllers[node]=${ports[$((2 * node - 1))]}
    voters+="${voters:+,}$node@127.0.0.1:${controllers[node]}"
    bootstrap+="${bootstrap:+,}127.0.0.1:${clients[node]}"
  done
  local replicas=$brokers in_sync=1 cluster
  ((brokers == 1)) || in_sync=2
  cluster=$(kafka kafka.tools.StorageTool random-uuid 2>/dev/null)
  for ((node = 1; node <= brokers; node++)); do
    mkdir -p "$directory/broker-$node"
    cat >"$directory/broker-$node/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${clients[node]},CONTROLLER://127.0.0.1:${controllers[node]}
advertised.listeners=PLAINTEXT://127.0.0.1:${clients[node]}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$directory/broker-$node/data
auto.create.topics.enable=false
# small, and quick to begin with: inner topics of one machine, no wait for further members of a group
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
offsets.topic.replication.factor=$replicas
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
default.replication.factor=$replicas
min.insync.replicas=$in_sync
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
# how often the broker looks for transactions whose owner has died; 10 s by default, as long as our transactions may last
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
PROPERTIES
    kafka kafka.tools.StorageTool format -t "$cluster" -c "$directory/broker-$node/server.properties" >"$directory/broker-$node/format.log" 2>&1 ||
      { cat "$directory/broker-$node/format.log" >&2; exit 1; }
  done
  echo "$bootstrap" >"$directory/bootstrap"
}

fetch_jars
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
[[ -e "$directory/bootstrap" ]] || lay_out

children=()
end() {
  trap - INT TERM EXIT
  ((${#children[@]} == 0)) || kill "${children[@]}" 2>/dev/null || true
  wait || true
}
trap end EXIT
trap 'exit 0' INT TERM

cat >"$directory/log4j2.xml" <<'XML'
<Configuration status="ERROR">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %c %m%n"/></Console></Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
XML

for home in "$directory"/broker-*; do
  node=${home##*-}
  ((only == 0 || only == node)) || continue
  java -Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile="$directory/log4j2.xml" \
    -cp "$jars/*" kafka.Kafka "$home/server.properties" >>"$home/log" 2>&1 &
  children+=($!)
  echo $! >"$home/pid"
done
echo "Kafka: $(cat "$directory/bootstrap")"
wait
