//! A real nginx in front of the server, with a folder and a port of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A running nginx; ended when it is dropped.
pub struct Nginx {
    child: Child,
    pub address: SocketAddr,
    _dir: TempDir,
}

impl Nginx {
    /// Starts one whose `http` block has this text; `LISTEN` in it is the address that it is to listen on.
    pub fn start(http: &str) -> Self {
        // Somebody else may take the port before nginx does.
        (0..5).find_map(|_| Self::try_start(http)).unwrap()
    }

    fn try_start(http: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let at = dir.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {at}/{name};\n"))
            .concat();
        let configuration = format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{ }}\n\
             http {{\naccess_log off;\n{temporary}{}\n}}\n",
            http.replace("LISTEN", &address.to_string())
        );
        let file = dir.path().join("nginx.conf");
        std::fs::write(&file, configuration).unwrap();
        // Where it is missing: scripts/setup.sh proxy.
        let child =
            program().arg("-c").arg(&file).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut started = Self { child, address, _dir: dir };
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline && started.child.try_wait().unwrap().is_none() {
            if TcpStream::connect(address).is_ok() {
                return Some(started);
            }
            std::thread::yield_now();
        }
        None
    }
}

/// Debian puts it where only root's PATH looks.
fn program() -> Command {
    let debians = Path::new("/usr/sbin/nginx");
    Command::new(if debians.exists() { debians } else { Path::new("nginx") })
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It has ended already where a test goes wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
