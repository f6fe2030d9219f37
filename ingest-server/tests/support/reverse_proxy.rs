//! A real nginx in front of a server, with a configuration of the test's own in a folder of its own.
//! `scripts/setup.sh proxy` installs it.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};

/// A running nginx; it ends with the value.
pub struct Nginx {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    _dir: TempDir,
}

/// What the client in these tests calls itself.
pub const CLIENT: &str = "127.0.0.2";

impl Nginx {
    /// Starts it with what `configuration` makes of its port: an `http` or a `stream` block.
    pub async fn start(configuration: impl Fn(u16) -> String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().display();
        // nginx cannot be asked which port the system chose, so one is chosen before.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let text = format!(
            "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n\
             daemon off; master_process off; pid {path}/nginx.pid; error_log stderr;\n\
             events {{ worker_connections 256; }}\n{}",
            configuration(address.port())
        );
        let file = dir.path().join("nginx.conf");
        std::fs::write(&file, text).unwrap();
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("nginx");
        command.env("PATH", path).arg("-p").arg(dir.path()).arg("-e").arg("stderr").arg("-c").arg(&file);
        let started = command.stdin(Stdio::null()).spawn();
        let child = started.unwrap_or_else(|error| panic!("nginx: {error}; run scripts/setup.sh proxy"));
        let mut nginx = Self { child, address, _dir: dir };
        let listening = async {
            while TcpStream::connect(address).await.is_err() {
                assert!(nginx.child.try_wait().unwrap().is_none(), "nginx ended; what it says stands above");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), listening).await.unwrap();
        nginx
    }

    /// A connection from an address that is neither the proxy's nor the server's.
    pub async fn connect(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{CLIENT}:0").parse().unwrap()).unwrap();
        socket.connect(self.address).await.unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An `http` block whose temporary files stay away from the system's folders.
pub fn http(block: &str) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {kind};\n"))
        .collect();
    format!("http {{\naccess_log off;\n{temporary}{block}\n}}\n")
}
