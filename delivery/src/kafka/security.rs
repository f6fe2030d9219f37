//! How the brokers are reached and signed in to: TLS and SASL, in Kafka's own terms.
//! Secrets and certificates come from files that may change; whoever makes a client gets what they hold now.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use rdkafka::config::ClientConfig;

use super::settings::KafkaSettings;
use crate::error::WrongSetting;

/// A file with a secret or a certificate is not read beyond this.
const FILE_BYTES: u64 = 1 << 20;

/// A secret, and the file that it came from, which is read again for each client that is made.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaSecret {
    value: String,
    file: Option<PathBuf>,
}

impl KafkaSecret {
    /// A secret that stays as it is.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), file: None }
    }

    /// A secret as it was read from this file; the white space around it does not count.
    pub fn from_file(value: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        Self { value: value.into(), file: Some(file.into()) }
    }

    /// What the file holds now. One that cannot be read, or is empty, counts as unchanged: it is being written.
    fn now(&self) -> String {
        let read = self.file.as_deref().and_then(read).and_then(|bytes| String::from_utf8(bytes).ok());
        match read.as_deref().map(str::trim) {
            None | Some("") => self.value.clone(),
            Some(secret) => secret.to_owned(),
        }
    }
}

/// Not the secret itself.
impl fmt::Debug for KafkaSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KafkaSecret(…)")
    }
}

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
        read(file).hash(&mut hasher);
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

fn read(path: &Path) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(FILE_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Everything that is wrong with TLS and SASL. The files of TLS are looked at, since librdkafka tells of them in
/// OpenSSL's words, and only when a client is made.
pub(super) fn check(settings: &KafkaSettings, wrong: &mut Vec<WrongSetting>) {
    let mut say = |setting: &str, reason: String| wrong.push(WrongSetting::new(setting, reason));
    if let Some(tls) = &settings.tls {
        let named = [
            ("kafka.tls.ca_file", &tls.ca_file, "CERTIFICATE-----"),
            ("kafka.tls.certificate_file", &tls.certificate_file, "CERTIFICATE-----"),
            ("kafka.tls.key_file", &tls.key_file, "PRIVATE KEY-----"),
        ];
        for (setting, path, holds) in named {
            if let Some(reason) = path.as_deref().and_then(|path| wrong_pem(path, holds)) {
                say(setting, reason);
            }
        }
        let missing = "is not set, but the other of the two is: brokers ask for certificate and key together";
        match (&tls.certificate_file, &tls.key_file) {
            (Some(_), None) => say("kafka.tls.key_file", missing.to_owned()),
            (None, Some(_)) => say("kafka.tls.certificate_file", missing.to_owned()),
            _ => {}
        }
        if tls.key_password.is_some() && tls.key_file.is_none() {
            say("kafka.tls.key_password", "opens no key: kafka.tls.key_file names none".to_owned());
        }
    }
    match &settings.sasl {
        Some(KafkaSasl::Oidc { .. }) if !knows_oidc() => {
            let reason = "OAUTHBEARER with an OpenID Connect provider is not in this build: build footfall with \
                          --features oidc, or sign in another way";
            say("kafka.sasl.mechanism", reason.to_owned());
        }
        Some(KafkaSasl::Oidc { token_endpoint, .. })
            if !token_endpoint.starts_with("https://") && !token_endpoint.starts_with("http://") =>
        {
            let reason = format!("`{token_endpoint}` is no address such as https://login.example.net/token");
            say("kafka.sasl.token_endpoint", reason);
        }
        Some(KafkaSasl::UnsecuredToken { principal }) if principal.contains(char::is_whitespace) => {
            say("kafka.sasl.username", "has white space in it, which an unsecured token cannot".to_owned());
        }
        _ => {}
    }
}

/// Whether librdkafka can ask a provider for tokens, which needs curl.
fn knows_oidc() -> bool {
    let features =
        ClientConfig::new().create_native_config().and_then(|config| config.get("builtin.features"));
    features.is_ok_and(|features| features.split(',').any(|feature| feature.trim() == "oidc"))
}

fn wrong_pem(path: &Path, holds: &str) -> Option<String> {
    let shown = path.display();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return Some(format!("`{shown}` cannot be read: {error}")),
    };
    let what = if holds.starts_with("PRIVATE") { "private key" } else { "certificate" };
    let has = String::from_utf8_lossy(&bytes).contains(holds);
    (!has).then(|| format!("`{shown}` holds no {what} in PEM: a line `-----BEGIN …{holds}` is missing"))
}

/// What to set instead of a property, where TLS or SASL have settings of their own that were used.
pub(super) fn decided_elsewhere(settings: &KafkaSettings, property: &str) -> Option<&'static str> {
    let (tls, sasl) = (settings.tls.is_some(), settings.sasl.is_some());
    Some(match property {
        "security.protocol" if tls || sasl => "it follows from kafka.tls and kafka.sasl: leave it out",
        "ssl.ca.location" if tls => "set kafka.tls.ca_file instead",
        "ssl.certificate.location" if tls => "set kafka.tls.certificate_file instead",
        "ssl.key.location" if tls => "set kafka.tls.key_file instead",
        "ssl.key.password" if tls => "set kafka.tls.key_password_file instead",
        "sasl.mechanism" | "sasl.mechanisms" if sasl => "set kafka.sasl.mechanism instead",
        "sasl.username" if sasl => "set kafka.sasl.username instead",
        "sasl.password" if sasl => "set kafka.sasl.password_file instead",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::config::client_config;
    use super::*;

    fn with(sasl: KafkaSasl, tls: bool) -> KafkaSettings {
        KafkaSettings { sasl: Some(sasl), tls: tls.then(KafkaTls::default), ..KafkaSettings::new(["k:1"]) }
    }

    fn told(settings: &KafkaSettings) -> Vec<String> {
        let mut wrong = Vec::new();
        settings.check(64 << 20, &mut wrong);
        wrong.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_mechanism_is_one_that_this_librdkafka_knows() {
        let login = || Login { username: "ann".into(), password: KafkaSecret::new("hunter2") };
        let oidc = KafkaSasl::Oidc {
            token_endpoint: "https://login.example.net/token".into(),
            client_id: "footfall".into(),
            client_secret: KafkaSecret::new("hunter2"),
            scope: Some("kafka".into()),
        };
        for (sasl, tls, protocol) in [
            (KafkaSasl::Plain(login()), true, "sasl_ssl"),
            (KafkaSasl::ScramSha256(login()), false, "sasl_plaintext"),
            (KafkaSasl::ScramSha512(login()), true, "sasl_ssl"),
            (KafkaSasl::UnsecuredToken { principal: "ann".into() }, false, "sasl_plaintext"),
        ] {
            let mechanism = sasl.mechanism();
            let settings = with(sasl, tls);
            assert_eq!(told(&settings), Vec::<String>::new());
            let native = client_config(&settings).create_native_config().unwrap();
            assert_eq!(native.get("security.protocol").unwrap(), protocol);
            assert_eq!(native.get("sasl.mechanisms").unwrap(), mechanism);
            assert!(!format!("{settings:?}").contains("hunter2"));
            // A client is what tells that a part is not built in.
            client_config(&settings).create::<rdkafka::consumer::BaseConsumer>().unwrap();
        }
        let words = told(&with(oidc, true));
        match knows_oidc() {
            true => assert_eq!(words, Vec::<String>::new()),
            false => assert!(words[0].contains("--features oidc"), "{words:?}"),
        }
    }

    #[test]
    fn a_secret_is_what_its_file_holds_now() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "first\n").unwrap();
        let password = KafkaSecret::from_file("first", file.path());
        let settings = with(KafkaSasl::Plain(Login { username: "ann".into(), password }), false);
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

    #[test]
    fn what_is_wrong_with_tls_is_told_by_its_setting() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no PEM").unwrap();
        let of = |tls: KafkaTls| told(&KafkaSettings { tls: Some(tls), ..KafkaSettings::new(["k:1"]) });
        let here = || Some(file.path().to_owned());
        for (tls, setting, right) in [
            (KafkaTls { ca_file: Some("/none".into()), ..KafkaTls::default() }, "ca_file", "cannot be read"),
            (KafkaTls { ca_file: here(), ..KafkaTls::default() }, "ca_file", "no certificate in PEM"),
            (
                KafkaTls { key_password: Some(KafkaSecret::new("x")), ..KafkaTls::default() },
                "key_password",
                "no key",
            ),
        ] {
            let words = of(tls);
            assert!(words.len() == 1 && words[0].contains(&format!("`kafka.tls.{setting}`")), "{words:?}");
            assert!(words[0].contains(right), "{words:?}");
        }
        let words = of(KafkaTls { key_file: here(), ..KafkaTls::default() });
        assert!(words[0].contains("no private key") && words[1].contains("together"), "{words:?}");
    }

    #[test]
    fn a_property_that_says_the_same_again_is_refused() {
        let login = Login { username: "ann".into(), password: KafkaSecret::new("p") };
        let mut settings = with(KafkaSasl::Plain(login), false);
        settings.properties.insert("security.protocol".into(), "SASL_SSL".into());
        assert!(told(&settings)[0].contains("follows from kafka.tls"), "{:?}", told(&settings));
    }
}
