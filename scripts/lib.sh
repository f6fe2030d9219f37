# shellcheck shell=bash
# What every script here shares: words for people, the cache, and installing what a machine lacks.
# Sourced, never run; what is installed, and how, is said in setup/.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Outside the checkout, so that the next clone finds what this one fetched and built.
CACHE=${FOOTFALL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/footfall}
export ROOT CACHE
# A failure inside $(…) is a failure too.
shopt -s inherit_errexit

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# A step that takes its time: `slow "Building wasm-pack" "2 minutes" command…`. Its output is shown only
# when it fails, and then its last lines. Not to be called behind `if`, `&&` or `||`: bash would then go on
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
    tail -n 40 "$log" >&2
    die "$what failed after $((SECONDS - start)) s; the whole output is in $log"
  fi
  note "done in $((SECONDS - start)) s"
  rm -f "$log"
}

# `filled_by DIR command…`: runs the command with a fresh directory beside DIR as its last argument and moves
# that to DIR once all of it is there, so that an interrupted run leaves nothing for the next one to believe.
filled_by() (
  dir=$1
  shift
  mkdir -p "$(dirname "$dir")"
  partial=$(mktemp -d "$dir.partial.XXXXXX")
  trap 'rm -rf "$partial"' EXIT
  "$@" "$partial"
  chmod 755 "$partial"
  rm -rf "$dir"
  mv "$partial" "$dir"
)

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

# A short fingerprint of what comes in.
fingerprint() { cksum | tr -d ' '; }
