//! Builds the server again when the SDK that it carries was built again.

fn main() {
    // The names hold hashes, so the folder itself must be watched: a new file is no change of a known one.
    println!("cargo:rerun-if-changed=../npm/dist/sdk");
}
