//! Whether what the settings say of TLS and SASL can be, and what would be right where it cannot.

use std::path::Path;

use rdkafka::config::ClientConfig;

use super::KafkaSasl;
use crate::error::WrongSetting;
use crate::kafka::settings::KafkaSettings;

/// Everything that is wrong with TLS and SASL. The files of TLS are looked at, since librdkafka tells of them in
/// OpenSSL's words, and only when a client is made.
pub(in crate::kafka) fn check(settings: &KafkaSettings, wrong: &mut Vec<WrongSetting>) {
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
pub(in crate::kafka) fn decided_elsewhere(settings: &KafkaSettings, property: &str) -> Option<&'static str> {
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
    use super::super::{KafkaSecret, KafkaTls, Login};
    use super::*;
    use crate::kafka::config::client_config;

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
