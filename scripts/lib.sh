# shellcheck shell=bash
# What every script here shares: words for people, the cache, and installing what a machine lacks.
# Sourced, never run; what is installed, and how, is said in setup/.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Outside the checkout, so that the next clone finds what this one fetched and built. The variables of these
# scripts are not named FOOTFALL_…: those are the server's settings, and it refuses one that it does not know.
CACHE=${BUILD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/footfall}
export ROOT CACHE

if [ "${BASH_VERSINFO[0]}${BASH_VERSINFO[1]}" -lt 44 ]; then
  echo "error: these scripts need bash 4.4 or newer and this is $BASH_VERSION (macOS: brew install bash)" >&2
  exit 1
fi
# A failure inside $(…) is a failure too.
shopt -s inherit_errexit

bold="" plain=""
if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; fi

say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# A step that takes its time: `slow "Building wasm-pack" "2 minutes" command…`. Its output is shown only
# when it fails, and then its first and last lines. Not to be called behind `if`, `&&` or `||`: bash would then go on
# after a failed line of the command.
slow() {
  local what=$1 usual=$2 log status start=$SECONDS
  shift 2
  log=$(mktemp "${TMPDIR:-/tmp}/footfall-step.XXXXXX")
  say "$what (usually about $usual)"
  set +e
  (set -e && "$@") >"$log" 2>&1 </dev/null
  status=$?
  set -e
  if [ "$status" != 0 ]; then
    # The reason stands first with npm, last with cargo.
    if [ "$(wc -l <"$log")" -le 50 ]; then cat "$log" >&2; else
      head -n 20 "$log" >&2
      note "…"
      tail -n 30 "$log" >&2
    fi
    die "$what failed after $((SECONDS - start)) s; the whole output is in $log"
  fi
  note "done in $((SECONDS - start)) s"
  rm -f "$log"
}

# `filled_by DIR command…`: runs the command with a fresh directory beside DIR as its last argument and moves
# that to DIR once all of it is there, so that an interrupted run leaves nothing for the next one to believe.
filled_by() (
  filled=$1
  shift
  mkdir -p "$(dirname "$filled")"
  partial=$(mktemp -d "$filled.partial.XXXXXX")
  trap 'rm -rf "$partial"' EXIT
  "$@" "$partial"
  chmod 755 "$partial"
  rm -rf "$filled"
  mv "$partial" "$filled"
)

# `bounded SECONDS command…`: for what retries a missing network for minutes.
bounded() {
  local seconds=$1
  shift
  if have timeout; then timeout "$seconds" "$@"; else "$@"; fi
}

# `at_least 20.10 20.20.2`: whether the second version is not below the first.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

is_debian_root() { [ "$(id -u)" = 0 ] && have apt-get; }

# `packages WHAT_FOR PACKAGE…`: installs Debian packages that are missing, or says what is needed.
packages() {
  local what_for=$1
  shift
  if ! is_debian_root; then
    die "$what_for needs: $*. On Debian or Ubuntu: sudo apt-get install $*. Elsewhere install them as your system does, then run this again."
  fi
  slow "Installing $* for $what_for" "1 minute" apt_install "$@"
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  # The package lists of a fresh container are empty or old; where they serve, the update is spared.
  apt-get install -y --no-install-recommends "$@" ||
    { apt-get update && apt-get install -y --no-install-recommends "$@"; }
}

# `locked_version CRATE`: the version in Cargo.lock, or nothing.
locked_version() {
  awk -v name="name = \"$1\"" '$0 == name { getline; gsub(/version = |"/, ""); print; exit }' "$ROOT/Cargo.lock"
}

# Whether something listens at HOST PORT.
listens() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

is_port() { [[ $1 =~ ^[0-9]{1,5}$ ]] && [ "$1" -ge 1 ] && [ "$1" -le 65535 ]; }

# A short fingerprint of what comes in.
fingerprint() { cksum | tr -d ' '; }

# Where setup/kafka.sh puts what setup/kafka.pom.xml names.
kafka_dir() { echo "$CACHE/kafka-$(fingerprint <"$ROOT/scripts/setup/kafka.pom.xml")"; }

# Where setup/kafka.sh puts Kafka's classes as this very Java maps them; nothing where Java does not tell its version.
kafka_classes() {
  local java release
  java=$(readlink -f "$(command -v java)" 2>/dev/null) || return 0
  release=${java%/bin/java}/release
  if [ -f "$release" ]; then echo "$(kafka_dir).classes-$(fingerprint <"$release").jsa"; fi
}

# Where setup/schema-registry.sh puts the registry.
APICURIO_VERSION=3.0.9
apicurio_dir() { echo "$CACHE/apicurio-$APICURIO_VERSION"; }

# The Python that has Segment's client, which setup/segment-clients.sh installs.
segment_python() { echo "$CACHE/segment-python-$(fingerprint <"$ROOT/tests/segment/requirements.txt")/bin/python"; }

# Prints where a Chromium or Chrome is: the one that CHROME_PATH names, else one that is installed.
find_browser() {
  local name
  if [ -n "${CHROME_PATH:-}" ]; then
    have "$CHROME_PATH" || die "CHROME_PATH names '$CHROME_PATH', which is no program"
    echo "$CHROME_PATH"
    return
  fi
  for name in chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
    "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
    if have "$name"; then
      command -v "$name"
      return
    fi
  done
  return 1
}
# For the tests that drive it.
if found=$(find_browser); then export CHROME_PATH=$found; fi

build_server() { cargo build --profile dist -p footfall-ingest-server; }

# What is measured is what is released; the tools that load it and count need not be as fast.
build_measured() {
  say "Building the server as it is released, and the load generator (the first time about 25 minutes)"
  "$ROOT/scripts/build-release.sh"
  cargo build --release -p footfall-tests
}

# Prints the version of LLVM whose `clang` and `llvm-profdata` are installed: what both write and read is of one make, and rustc's
# newer LLVM writes what they read.
find_llvm() {
  local version
  for version in 22 21 20 19; do
    if have "clang-$version" && have "llvm-profdata-$version"; then
      echo "$version"
      return
    fi
  done
  return 1
}
