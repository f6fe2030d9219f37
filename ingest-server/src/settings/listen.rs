//! Where else the server listens: an address for TLS, and a Unix socket.
//! What belongs together is set together: half of it is refused, since the other half would be a guess.

use super::value::{address, non_empty};
use super::{Problem, Reader};
use std::net::SocketAddr;
use std::path::PathBuf;

/// TLS on an address of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Where TLS is served.
    pub listen: SocketAddr,
    /// The certificate and those that it is signed by, in PEM, its own first.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// A socket in the file system, for a proxy on the same machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixSettings {
    /// Where the socket is.
    pub path: PathBuf,
    /// Who may connect, as the bits of the file's mode.
    pub mode: u32,
}

impl TlsSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        const ALL: [&str; 3] = ["tls.listen", "tls.certificate", "tls.key"];
        if let Some(said) = ALL.iter().find_map(|key| reader.sources.get(key)) {
            for missing in ALL.iter().filter(|key| reader.sources.get(key).is_none()) {
                let message =
                    format!("{missing} is not set; tls.listen, tls.certificate and tls.key go together");
                reader.problems.push(Problem::new(&said.origin, message));
            }
        }
        let listen = reader.one("tls.listen", address);
        let certificate = reader.one("tls.certificate", |text| non_empty(text).map(PathBuf::from));
        let key = reader.one("tls.key", |text| non_empty(text).map(PathBuf::from));
        Some(Self { listen: listen?, certificate: certificate?, key: key? })
    }
}

impl UnixSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let path = reader.one("unix.listen", socket_path);
        let mode = reader.one("unix.mode", mode);
        Some(Self { path: path?, mode: mode? })
    }
}

impl Reader<'_> {
    /// Whether proxies begin a connection with a PROXY header; without proxies, nobody would be believed.
    pub(super) fn proxy_protocol(&mut self) -> Option<bool> {
        let asked = self.one("proxy_protocol", |text| {
            text.parse::<bool>().map_err(|_| "it must be true or false".to_owned())
        })?;
        let said = self.sources.get("proxy_protocol").filter(|_| asked);
        if let Some(said) = said.filter(|_| self.sources.get("proxies.trusted").is_none()) {
            let message =
                "is true, but proxies.trusted is not set: name your proxies' networks, or leave this out";
            self.problems.push(Problem::new(said.origin, message));
        }
        Some(asked)
    }
}

/// A path that the system takes for a socket (unix(7): `sun_path` has 108 bytes), with room for the name under which it is made.
fn socket_path(text: &str) -> Result<PathBuf, String> {
    if !text.starts_with('/') || text.len() > 100 {
        return Err("it must be an absolute path of at most 100 bytes, such as /run/footfall/footfall.sock"
            .to_owned());
    }
    Ok(PathBuf::from(text))
}

/// Permission bits, in octal as `chmod` takes them.
fn mode(text: &str) -> Result<u32, String> {
    let bits = u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o777 && bits & 0o600 == 0o600);
    bits.ok_or_else(|| {
        "it must be a file mode in octal that lets the owner read and write, such as 0660".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;
    use super::*;

    fn problems(file: &str) -> Vec<String> {
        resolve(&[("write_key", "pk")], &[], Some(file)).unwrap_err()
    }

    #[test]
    fn half_of_what_belongs_together_is_refused() {
        let told = problems("[tls]\nlisten = '127.0.0.1:8443'\nkey = 'key.pem'\n");
        assert_eq!(told.len(), 1);
        assert!(told[0].contains(":2:1") && told[0].contains("tls.certificate is not set"), "{told:?}");
        let told = problems("proxy_protocol = true\n");
        assert!(told.len() == 1 && told[0].contains("proxies.trusted is not set"), "{told:?}");
    }

    #[test]
    fn a_socket_has_an_absolute_path_and_a_mode_for_its_owner() {
        for wrong in ["listen = 'footfall.sock'", "mode = '0060'", "mode = 'rw'", "mode = '1777'"] {
            let told = problems(&format!("[unix]\n{wrong}\n"));
            assert!(told.len() == 1 && told[0].contains("it must be"), "{told:?}");
        }
        let file = "[unix]\nlisten = '/run/footfall/footfall.sock'\nmode = '0600'\n";
        let settings = resolve(&[("write_key", "pk")], &[], Some(file)).unwrap();
        let path = "/run/footfall/footfall.sock".into();
        assert_eq!(settings.unix, Some(UnixSettings { path, mode: 0o600 }));
    }
}
