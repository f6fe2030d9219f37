#!/usr/bin/env bash
# Runs the Apache Kafka that setup/kafka.sh fetched: one KRaft node on this machine alone.
#
#   kafka.sh run --dir DIR --port PORT [--controller-port PORT] [--log FILE] [--properties FILE]
#       [--advertised PORT] [--node ID --voters ID@HOST:PORT,… --cluster-id ID] [--short-lived]
#       Stays in the foreground and becomes the broker's own process, so that whoever started it stops it by
#       its process id. DIR is formatted when empty. The controller's port is PORT + 1 unless named. The
#       broker answers once the log (else standard output) has a line with "Kafka Server started". Properties
#       of the broker in a file win over those below. Clients are told the advertised port. With --node it is
#       one of several: --voters names the controller of each, all of them are given the same cluster id, and
#       topics have three replicas unless they say otherwise. A short-lived one starts in half the time, and is slow later.
#   kafka.sh start
#       For a person: one on PORT (9092), its data in .footfall/kafka, until Ctrl-C.
#   kafka.sh topics | consume | groups | reassign …
#       Kafka's own commands, for example: kafka.sh consume --bootstrap-server 127.0.0.1:9092
#       --topic footfall.events --from-beginning
#   kafka.sh java CLASS …
#       Any other class of Kafka, as short-lived as the commands; options of java may stand before it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
}

# Kafka's defaults are those of a cluster; these are what differs on a single small node. One that crashed may come back
# only when its session from before has ended.
server_properties() {
  cat <<END
process.roles=broker,controller
node.id=$node
controller.quorum.voters=${voters:-1@127.0.0.1:$controller_port}
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$advertised
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=true
num.partitions=3
default.replication.factor=$replicas
min.insync.replicas=1
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
END
}

log4j_properties() {
  cat <<'END'
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=${sys:footfall.log.level:-warn}
rootLogger.appenderRef.out.ref=out
END
}

run() {
  local dir="" port="" controller_port="" log="" properties="" advertised="" node=1 voters="" cluster="" replicas=1 jit=()
  while [ $# -gt 0 ]; do
    case $1 in
      --dir | --port | --controller-port | --log | --properties | --advertised | --node | --voters | --cluster-id) [ $# -ge 2 ] || die "$1 needs a value" ;;
    esac
    case $1 in
      --dir) dir=$2 ;;
      --port) port=$2 ;;
      --controller-port) controller_port=$2 ;;
      --log) log=$2 ;;
      --properties) properties=$2 ;;
      --advertised) advertised=$2 ;;
      --node) node=$2 ;;
      --voters) voters=$2 replicas=3 ;;
      --cluster-id) cluster=$2 ;;
      --short-lived)
        jit=(-XX:TieredStopAtLevel=1)
        shift
        continue
        ;;
      *) die "kafka.sh run has no option $1" ;;
    esac
    shift 2
  done
  [ -n "$dir" ] || die "kafka.sh run needs --dir DIR, where the broker keeps its data"
  is_port "$port" || die "kafka.sh run needs --port PORT, a free port from 1 to 65534"
  controller_port=${controller_port:-$((port + 1))}
  is_port "$controller_port" || die "--controller-port must be a free port from 1 to 65535"
  advertised=${advertised:-$port}
  is_port "$advertised" || die "--advertised must be a port from 1 to 65535"
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)

  server_properties >"$dir/server.properties"
  # Of a property that stands twice the last one counts.
  if [ -n "$properties" ]; then cat "$properties" >>"$dir/server.properties"; fi
  log4j_properties >"$dir/log4j2.properties"
  if [ ! -f "$dir/data/meta.properties" ]; then
    # As its own tool makes one: 16 bytes, and no sign in front that a command would take for an option's.
    if [ -z "$cluster" ]; then cluster=A$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 2-22); fi
    java "${quiet[@]}" -cp "$classpath" kafka.tools.StorageTool format \
      --cluster-id "$cluster" --config "$dir/server.properties" >&2
  fi
  if [ -n "$log" ]; then exec >>"$log" 2>&1; fi
  exec java -Xms128m -Xmx512m -XX:+UseSerialGC "${jit[@]}" "${shared[@]}" -Dfootfall.log.level=info \
    -Dlog4j2.configurationFile="$dir/log4j2.properties" -cp "$classpath" kafka.Kafka "$dir/server.properties"
}

start() {
  local port=${PORT:-9092} dir=$ROOT/.footfall/kafka log=$ROOT/.footfall/kafka.log pid interrupted=""
  is_port "$port" || die "PORT is '$port'; it must be a port from 1 to 65534"
  if listens 127.0.0.1 "$port"; then die "port $port is taken by another program: choose another, for example: make kafka PORT=$((port + 10000))"; fi
  mkdir -p "$dir"
  : >"$log"
  "$0" run --dir "$dir" --port "$port" --log "$log" </dev/null &
  pid=$!
  trap 'interrupted=yes; kill -TERM "$pid" 2>/dev/null' INT TERM HUP
  say "Starting Kafka (usually about 5 seconds)"
  until grep -q "Kafka Server started" "$log"; do
    if ! kill -0 "$pid" 2>/dev/null; then
      if [ -n "$interrupted" ]; then return; fi
      tail -n 20 "$log" >&2
      die "Kafka has ended; its whole log is $log"
    fi
    sleep 0.2
  done
  cat <<END

  Kafka answers on 127.0.0.1:$port. Topics are made when something is first sent to them.

  Send the demo into it   make demo KAFKA=127.0.0.1:$port
  Read what arrives       scripts/kafka.sh consume --bootstrap-server 127.0.0.1:$port --topic footfall.events --from-beginning
  Log                     $log
  Ctrl-C stops it.

END
  # A signal ends the first wait; Kafka then takes a moment to close its files.
  while kill -0 "$pid" 2>/dev/null; do wait "$pid" || true; done
  if [ -z "$interrupted" ]; then die "Kafka has ended; its log is $log"; fi
  say "Kafka is stopped; its data is kept in $dir"
}

[ $# -gt 0 ] || usage
"$ROOT/scripts/setup/kafka.sh"
classpath="$(kafka_dir)/*"
classes=$(kafka_classes)
shared=()
if [ -n "${KAFKA_MAP_CLASSES:-}" ]; then shared=(-XX:ArchiveClassesAtExit="$KAFKA_MAP_CLASSES"); elif [ -s "$classes" ]; then
  shared=(-XX:SharedArchiveFile="$classes" -Xlog:cds=off -Xlog:cds+dynamic=off)
fi
# Short-lived commands: start fast, log nothing but errors.
quiet=(-XX:TieredStopAtLevel=1 -XX:+UseSerialGC "${shared[@]}" -Dlog4j2.level=error)
command=$1
shift
case $command in
  run) run "$@" ;;
  start) start ;;
  topics) exec java "${quiet[@]}" -cp "$classpath" org.apache.kafka.tools.TopicCommand "$@" ;;
  consume) exec java "${quiet[@]}" -cp "$classpath" org.apache.kafka.tools.consumer.ConsoleConsumer "$@" ;;
  groups) exec java "${quiet[@]}" -cp "$classpath" org.apache.kafka.tools.consumer.group.ConsumerGroupCommand "$@" ;;
  reassign) exec java "${quiet[@]}" -cp "$classpath" org.apache.kafka.tools.reassign.ReassignPartitionsCommand "$@" ;;
  java) exec java "${quiet[@]}" -cp "$classpath" "$@" ;;
  *) usage ;;
esac
