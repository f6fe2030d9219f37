//! TLS by rustls: 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN, and a certificate that is replaced while the server runs.
//! A pair that cannot be used is refused with a line in the log, and the one before it stays.

use super::socket::Socket;
use crate::metrics::Metrics;
use crate::settings::TlsSettings;
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_cert::der::Decode;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long before its end a certificate is warned of, and how often.
const WARN_BEFORE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
const WARN_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes of one file at most: a chain of certificates is a hundredth of it.
const FILE_BYTES: u64 = 1024 * 1024;

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// A file holds something else. What it holds is not repeated: it may be a key.
    #[error(
        "{path}: holds no {wanted} in PEM; it must have a block that begins with -----BEGIN {block}-----"
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// The name of the block that is looked for.
        block: &'static str,
    },
    /// They do not belong together, or are of a kind that TLS does not use.
    #[error("{certificate} and {key}: {reason}")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The library's own words.
        reason: rustls::Error,
    },
    /// The library could not be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// What TLS connections are accepted with.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

/// The files, and what was last taken from them.
struct Certificate {
    files: TlsSettings,
    current: RwLock<Arc<Loaded>>,
}

struct Loaded {
    pair: Arc<CertifiedKey>,
    /// Of both files, so that a change is known without keeping the key's text.
    digest: [u8; 32],
    expires: Option<SystemTime>,
}

impl Tls {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// [`TlsError`] naming the file and what is wrong with it.
    pub fn open(files: &TlsSettings) -> Result<Self, TlsError> {
        let (certificate, key) = read(files)?;
        let loaded = Arc::new(load(files, &certificate, &key)?);
        warn_of_end(&loaded);
        let certificate = Arc::new(Certificate { files: files.clone(), current: RwLock::new(loaded) });
        let resolver: Arc<dyn ResolvesServerCert> = certificate.clone();
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Clients keep their own sessions, in tickets: nothing of them is held here.
        config.ticketer = Ticketer::new().map_err(TlsError::Setup)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    pub(super) async fn accept(&self, socket: Socket) -> io::Result<TlsStream<Socket>> {
        self.acceptor.accept(socket).await
    }

    /// Takes over what changes in the files, looked at now and then and on SIGHUP, until the server stops.
    ///
    /// # Errors
    /// Where the system lets nobody wait for SIGHUP.
    pub async fn keep_fresh(
        self,
        metrics: Arc<Metrics>,
        mut stopping: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut seen = self.certificate.current().digest;
        let mut warned = tokio::time::Instant::now();
        loop {
            metrics.transport.set_certificate_end(self.certificate.current().expires);
            let asked = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                _ = hangup.recv() => true,
                _ = stopping.wait_for(|stop| *stop) => return Ok(()),
            };
            let certificate = Arc::clone(&self.certificate);
            let looked = tokio::task::spawn_blocking(move || certificate.look(seen, asked)).await;
            match looked.map_err(io::Error::other)? {
                Looked::Same => {}
                Looked::Taken(digest) => {
                    seen = digest;
                    metrics.transport.count_certificate("taken");
                }
                Looked::Refused(digest) => {
                    seen = digest;
                    metrics.transport.count_certificate("refused");
                }
            }
            if warned.elapsed() >= WARN_EVERY {
                warned = tokio::time::Instant::now();
                warn_of_end(&self.certificate.current());
            }
        }
    }
}

/// What came of a look at the files.
enum Looked {
    Same,
    Taken([u8; 32]),
    Refused([u8; 32]),
}

impl Certificate {
    fn current(&self) -> Arc<Loaded> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files, and takes them over where they have changed. What was refused is told once, unless somebody
    /// asks again.
    fn look(&self, seen: [u8; 32], asked: bool) -> Looked {
        let files = read(&self.files);
        let digest = match &files {
            Ok((certificate, key)) => digest(certificate, key),
            Err(error) => digest(error.to_string().as_bytes(), b""),
        };
        if digest == seen && !asked {
            return Looked::Same;
        }
        match files.and_then(|(certificate, key)| load(&self.files, &certificate, &key)) {
            Ok(loaded) => {
                tracing::info!("took over the certificate in {}", self.files.certificate.display());
                warn_of_end(&loaded);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
                Looked::Taken(digest)
            }
            Err(error) => {
                tracing::error!("the new certificate is refused and the one before it stays: {error}");
                Looked::Refused(digest)
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current().pair))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

fn read(files: &TlsSettings) -> Result<(Vec<u8>, Vec<u8>), TlsError> {
    let one = |path: &Path| {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(FILE_BYTES).read_to_end(&mut bytes));
        read.map_err(|source| TlsError::Read { path: path.to_owned(), source })?;
        Ok(bytes)
    };
    Ok((one(&files.certificate)?, one(&files.key)?))
}

fn digest(certificate: &[u8], key: &[u8]) -> [u8; 32] {
    // Each by itself, so that nothing moves from one to the other unseen.
    let mut both = Sha256::new();
    both.update(Sha256::digest(certificate));
    both.update(Sha256::digest(key));
    both.finalize().into()
}

fn load(files: &TlsSettings, certificate: &[u8], key: &[u8]) -> Result<Loaded, TlsError> {
    let missing = |path: &Path, wanted, block| TlsError::Missing { path: path.to_owned(), wanted, block };
    let digest = digest(certificate, key);
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(certificate).collect::<Result<_, _>>().unwrap_or_default();
    let Some(own) = chain.first() else {
        return Err(missing(&files.certificate, "certificate", "CERTIFICATE"));
    };
    let expires = end_of(own);
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|_| missing(&files.key, "private key", "PRIVATE KEY"))?;
    let pair = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|reason| TlsError::Pair {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        reason,
    })?;
    Ok(Loaded { pair: Arc::new(pair), digest, expires })
}

/// When the certificate ends (RFC 5280, section 4.1.2.5), where it says so in a form that can be read.
fn end_of(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let parsed = x509_cert::Certificate::from_der(certificate).ok()?;
    Some(parsed.tbs_certificate().validity().not_after.to_system_time())
}

fn warn_of_end(loaded: &Loaded) {
    let Some(expires) = loaded.expires else { return };
    match expires.duration_since(SystemTime::now()) {
        Err(_) => tracing::error!("the certificate has expired: clients refuse to connect"),
        Ok(left) if left < WARN_BEFORE => {
            tracing::warn!("the certificate expires in {} days", left.as_secs() / (24 * 60 * 60));
        }
        Ok(_) => {}
    }
}
