//! What librdkafka and OpenSSL say of a connection, with what would be right behind it.
//! Their own words stay: whoever searches the web finds those.

/// Parts of their words, and what to look at. The first that fits counts.
const ADVICE: [(&str, &str); 17] = [
    (
        "certificate verify failed",
        "the brokers' certificate is signed by nobody who is trusted: name their CA by kafka.tls.ca_file",
    ),
    (
        "hostname mismatch",
        "the brokers' certificate is for another name than the one in kafka.brokers or in advertised.listeners",
    ),
    ("ip address mismatch", "the brokers' certificate does not name this address: use the name that it has"),
    (
        "certificate required",
        "the brokers ask for a certificate: set kafka.tls.certificate_file and kafka.tls.key_file",
    ),
    ("bad certificate", "the brokers do not take our certificate: see kafka.tls.certificate_file"),
    ("unknown ca", "the brokers do not trust who signed our certificate: see kafka.tls.certificate_file"),
    (
        "wrong version number",
        "the port does not speak TLS: leave kafka.tls out, or use the port of the TLS listener",
    ),
    ("invalid credentials", "the brokers refuse the login: see kafka.sasl.username and the password"),
    ("authentication failed", "the brokers refuse the login: see kafka.sasl.username and the password"),
    ("mechanism handshake failed", "the brokers do not know that mechanism: see kafka.sasl.mechanism"),
    ("unsupported sasl mechanism", "the brokers do not know that mechanism: see kafka.sasl.mechanism"),
    (
        "verify that security.protocol is correctly configured",
        "the listener seems to want TLS or a login: see kafka.tls and kafka.sasl",
    ),
    (
        "incorrect security.protocol",
        "the listener seems to want TLS or a login: see kafka.tls and kafka.sasl",
    ),
    ("failed to resolve", "the name cannot be resolved on this machine"),
    ("connection refused", "nothing listens there"),
    ("disconnected", "the listener may want TLS or a login: see kafka.tls and kafka.sasl"),
    // All that librdkafka says where a listener hangs up without a word.
    ("broker transport failure", "the listener may want TLS or a login: see kafka.tls and kafka.sasl"),
];

/// The words with advice behind them, where there is any.
pub(super) fn advised(words: &str) -> String {
    let lower = words.to_ascii_lowercase();
    match ADVICE.iter().find(|(part, _)| lower.contains(part)) {
        Some((_, advice)) => format!("{words} ({advice})"),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::advised;

    #[test]
    fn known_words_get_advice_and_others_stay() {
        let told = advised(
            "sasl_ssl://k:9093/bootstrap: SASL authentication error: Authentication failed during authentication",
        );
        assert!(told.contains("kafka.sasl.username") && told.starts_with("sasl_ssl://k:9093"), "{told}");
        assert!(advised("SSL handshake failed: certificate verify failed").contains("kafka.tls.ca_file"));
        assert_eq!(advised("something new"), "something new");
    }
}
