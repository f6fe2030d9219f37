#!/usr/bin/env bash
# Builds the browser module from sdk-wasm/ into target/sdk-pkg/ (footfall_sdk.js, footfall_sdk_bg.wasm,
# footfall_sdk.d.ts), as small as the toolchain at hand allows. Does nothing when that is up to date.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

"$ROOT/scripts/setup/wasm.sh"
"$ROOT/scripts/setup/wasm-tools.sh"
# shellcheck source=/dev/null
. "$CACHE/wasm-toolchain.${BUILD_WASM_TOOLCHAIN:-auto}.env"
# shellcheck source=/dev/null
. "$CACHE/wasm-tools.env"
wasm_opt=$ROOT/npm/node_modules/.bin/wasm-opt
wasm_metadce=$ROOT/npm/node_modules/.bin/wasm-metadce
[ -x "$wasm_opt" ] || "$ROOT/scripts/setup/node.sh" npm
[ -x "$wasm_opt" ] || die "npm/ brings no wasm-opt: its package.json should name binaryen under devDependencies"

out=$ROOT/target/sdk-pkg
work=$ROOT/target/sdk
mkdir -p "$work"
# Two builds at once would take each other's files; the second waits, then finds its work done.
if have flock; then
  exec 9>"$work/.lock"
  flock 9
fi

# By content: times say little after a checkout, and nothing of a changed toolchain.
sources() {
  echo "$WASM_IDENTITY $WASM_ROUTE $WASM_BINDGEN_DIR"
  find sdk-wasm event-model Cargo.toml Cargo.lock npm/package-lock.json scripts/build-sdk.sh -type f -print0 |
    LC_ALL=C sort -z | xargs -0 cksum
}
stamp=$(sources | fingerprint)
if [ "$(cat "$out/.stamp" 2>/dev/null)" = "$stamp" ]; then
  note "The SDK module is up to date."
  exit 0
fi

# What another compiler left behind is of no use, and can be taken for its own by this one.
toolchain="$WASM_IDENTITY $WASM_ROUTE"
if [ "$(cat "$work/.toolchain" 2>/dev/null)" != "$toolchain" ]; then
  rm -rf "$work/cargo"
  echo "$toolchain" >"$work/.toolchain"
fi

cargo_options=(--target-dir "$work/cargo")
# The stack lies below the data: 12 KiB instead of 1 MiB leaves one page of memory for both, and one for what is allocated; 1 KiB is used.
export RUSTFLAGS="-Clink-arg=-zstack-size=12288"
if [ "$WASM_BUILD_STD" = yes ]; then
  # A panic aborts at once, without its message, its place or any formatting code.
  export RUSTC_BOOTSTRAP=1
  RUSTFLAGS="$RUSTFLAGS -Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none -Zfmt-debug=none"
  cargo_options+=(-Z "build-std=std,panic_abort" -Z build-std-features=optimize_for_size)
fi
unset CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET CARGO_TARGET_DIR
if [ -n "$WASM_LINKER" ]; then export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$WASM_LINKER; fi
if [ -n "$WASM_BIN" ]; then
  export PATH="$WASM_BIN:$PATH"
  # cargo would follow these past PATH.
  unset RUSTC CARGO RUSTUP_TOOLCHAIN
fi

# What npm/src/browser/door.ts uses; all else that wasm-bindgen exports goes, and what only that needs.
door='[{ "name": "door", "root": true, "reaches": ["memory", "start", "tell", "malloc"] },
  { "name": "memory", "export": "memory" }, { "name": "start", "export": "start" }, { "name": "tell", "export": "tell" },
  { "name": "malloc", "export": "__wbindgen_malloc" }]'
features=(--enable-bulk-memory --enable-multivalue --enable-mutable-globals --enable-nontrapping-float-to-int
  --enable-reference-types --enable-sign-ext)

module() {
  PATH="$WASM_BINDGEN_DIR:$PATH" "$WASM_PACK" build "$ROOT/sdk-wasm" --profile sdk --mode no-install --target web \
    --no-pack --no-opt --out-dir "$1" --out-name footfall_sdk -- "${cargo_options[@]}"
  echo "$door" >"$1/door.json"
  "$wasm_metadce" "${features[@]}" --graph-file "$1/door.json" "$1/footfall_sdk_bg.wasm" -o "$1/used" >/dev/null
  # The features are those that rustc has on for this target; every browser with them is years old. One function of all
  # that is called once has locals by the hundred, whose numbers take two bytes; hence the bound. Low memory is unused
  # while the stack does not fill up.
  "$wasm_opt" -Os -Oz --one-caller-inline-max-function-size=200 --low-memory-unused --strip-producers --strip-target-features \
    "${features[@]}" "$1/used" -o "$1/footfall_sdk_bg.wasm"
  rm "$1/used" "$1/door.json"
  echo "$stamp" >"$1/.stamp"
}
slow "Building the SDK module ($WASM_ROUTE toolchain)" "1 minute, 10 s when only the SDK changed" filled_by "$out" module
note "target/sdk-pkg: $(wc -c <"$out/footfall_sdk_bg.wasm") bytes of wasm, $(wc -c <"$out/footfall_sdk.js") of glue, before compression"
