//! One target under libFuzzer, the one that the variable `FUZZ_TARGET` names; `scripts/fuzz.sh` builds and runs it.
#![no_main]

use footfall_fuzz::Target;
use std::sync::LazyLock;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| {
        eprintln!("FUZZ_TARGET is {name:?}; it must name a target, such as body");
        std::process::exit(2)
    })
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.run(bytes));
