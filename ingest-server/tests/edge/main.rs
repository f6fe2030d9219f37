//! How the edge meets those who send: connections and proxies, protocols, bounds and limits, and what is answered.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod bad_input;
mod behind_nginx;
mod bounds;
mod every_answer;
mod limits;
mod peers;
mod protect;
mod protocol;
mod receipts;
mod reverse_proxy;
mod sdk_files;
mod shapes;
mod sites;
mod slow_clients;
#[path = "../support/mod.rs"]
mod support;
mod tls;
