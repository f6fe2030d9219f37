//! How the brokers are reached and signed in to: TLS and SASL, in Kafka's own terms.
//! Secrets and certificates come from files that may change; whoever makes a client gets what they hold now.

mod check;
mod secret;

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use rdkafka::config::ClientConfig;

use super::settings::KafkaSettings;
pub(super) use check::{check, decided_elsewhere};
pub use secret::KafkaSecret;

/// TLS towards the brokers (`ssl.…` in librdkafka). All files are PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KafkaTls {
    /// Who may have signed the brokers' certificates; without it those that this machine trusts.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate with its chain, where brokers ask for one.
    pub certificate_file: Option<PathBuf>,
    /// The private key of that.
    pub key_file: Option<PathBuf>,
    /// What opens the key, where it is encrypted.
    pub key_password: Option<KafkaSecret>,
}

/// How we sign in to the brokers (`sasl.…` in librdkafka).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaSasl {
    /// PLAIN (RFC 4616): the password goes over the connection as it is, so only by TLS.
    Plain(Login),
    /// SCRAM-SHA-256 (RFC 7677).
    ScramSha256(Login),
    /// SCRAM-SHA-512.
    ScramSha512(Login),
    /// OAUTHBEARER (RFC 7628) with a token of an OpenID Connect provider, got by client credentials (RFC 6749, 4.4).
    Oidc {
        /// Where tokens are given out: `https://…`.
        token_endpoint: String,
        /// Who we are there.
        client_id: String,
        /// What proves it.
        client_secret: KafkaSecret,
        /// What is asked for, where the provider wants that said.
        scope: Option<String>,
    },
    /// OAUTHBEARER with a token that nobody has signed (RFC 7515, appendix A.5), for trying it out.
    UnsecuredToken {
        /// Who we say that we are.
        principal: String,
    },
}

/// A name and its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password.
    pub password: KafkaSecret,
}

impl KafkaSasl {
    /// The mechanism by its registered name.
    pub fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain(_) => "PLAIN",
            Self::ScramSha256(_) => "SCRAM-SHA-256",
            Self::ScramSha512(_) => "SCRAM-SHA-512",
            Self::Oidc { .. } | Self::UnsecuredToken { .. } => "OAUTHBEARER",
        }
    }
}

/// Sets what the settings say of TLS and SASL, and properties whose values are in files.
pub(super) fn set_security(config: &mut ClientConfig, settings: &KafkaSettings) {
    let protocol = match (&settings.tls, &settings.sasl) {
        (None, None) => None,
        (Some(_), None) => Some("SSL"),
        (None, Some(_)) => Some("SASL_PLAINTEXT"),
        (Some(_), Some(_)) => Some("SASL_SSL"),
    };
    if let Some(protocol) = protocol {
        config.set("security.protocol", protocol);
    }
    if let Some(tls) = &settings.tls {
        // OpenSSL's own default is a path of the machine that it was built on.
        set_path(config, "ssl.ca.location", Some(tls.ca_file.as_deref().unwrap_or(Path::new("probe"))));
        set_path(config, "ssl.certificate.location", tls.certificate_file.as_deref());
        set_path(config, "ssl.key.location", tls.key_file.as_deref());
        if let Some(password) = &tls.key_password {
            config.set("ssl.key.password", password.now());
        }
    }
    let Some(sasl) = &settings.sasl else { return };
    config.set("sasl.mechanisms", sasl.mechanism());
    match sasl {
        KafkaSasl::Plain(login) | KafkaSasl::ScramSha256(login) | KafkaSasl::ScramSha512(login) => {
            config.set("sasl.username", &login.username).set("sasl.password", login.password.now());
        }
        KafkaSasl::Oidc { token_endpoint, client_id, client_secret, scope } => {
            config
                .set("sasl.oauthbearer.method", "oidc")
                .set("sasl.oauthbearer.token.endpoint.url", token_endpoint)
                .set("sasl.oauthbearer.client.id", client_id)
                .set("sasl.oauthbearer.client.secret", client_secret.now())
                .set("https.ca.location", "probe");
            if let Some(scope) = scope {
                config.set("sasl.oauthbearer.scope", scope);
            }
        }
        KafkaSasl::UnsecuredToken { principal } => {
            config
                .set("enable.sasl.oauthbearer.unsecure.jwt", "true")
                .set("sasl.oauthbearer.config", format!("principal={principal}"));
        }
    }
}

/// Sets the properties whose values are in files to what those hold now.
pub(super) fn set_property_files(config: &mut ClientConfig, settings: &KafkaSettings) {
    for (name, file) in &settings.property_files {
        let value = settings.properties.get(name).map(String::as_str).unwrap_or_default();
        config.set(name, KafkaSecret::from_file(value, file).now());
    }
}

fn set_path(config: &mut ClientConfig, name: &str, path: Option<&Path>) {
    if let Some(path) = path {
        config.set(name, path.to_string_lossy());
    }
}

/// What all files hold now that a client is made with, as one number: another one after any of them was changed.
pub(super) fn files_now(settings: &KafkaSettings) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in files(settings) {
        secret::read(file).hash(&mut hasher);
    }
    hasher.finish()
}

fn files(settings: &KafkaSettings) -> impl Iterator<Item = &Path> {
    let tls = settings.tls.iter().flat_map(|tls| {
        let secret = tls.key_password.as_ref().and_then(|secret| secret.file.as_ref());
        [tls.ca_file.as_ref(), tls.certificate_file.as_ref(), tls.key_file.as_ref(), secret]
    });
    let secret = settings.sasl.as_ref().and_then(|sasl| match sasl {
        KafkaSasl::Plain(login) | KafkaSasl::ScramSha256(login) | KafkaSasl::ScramSha512(login) => {
            login.password.file.as_ref()
        }
        KafkaSasl::Oidc { client_secret, .. } => client_secret.file.as_ref(),
        KafkaSasl::UnsecuredToken { .. } => None,
    });
    tls.chain([secret]).flatten().chain(settings.property_files.values()).map(PathBuf::as_path)
}

#[cfg(test)]
mod tests {
    use super::super::config::client_config;
    use super::*;

    #[test]
    fn a_secret_is_what_its_file_holds_now() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "first\n").unwrap();
        let password = KafkaSecret::from_file("first", file.path());
        let sasl = KafkaSasl::Plain(Login { username: "ann".into(), password });
        let settings = KafkaSettings { sasl: Some(sasl), ..KafkaSettings::new(["k:1"]) };
        let now = || {
            let native = client_config(&settings).create_native_config().unwrap();
            (native.get("sasl.password").unwrap(), files_now(&settings))
        };
        let (first, before) = now();
        assert_eq!((first.as_str(), now().1), ("first", before));
        std::fs::write(file.path(), " second\n").unwrap();
        let (second, after) = now();
        assert_eq!(second, "second");
        assert_ne!(before, after);
        // It is being written.
        std::fs::write(file.path(), "").unwrap();
        assert_eq!(now().0, "first");
    }
}
