//! A secret of the operator's: nothing prints it, and comparing a guess with it takes the same time whatever is wrong.
//! Where secrets come from is decided in the settings.

use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A password, a token or a key; its memory is overwritten when it is dropped.
///
/// ```
/// use ingest_server::secret::Secret;
///
/// let token = Secret::new("0123456789abcdef");
/// assert!(token.matches(b"0123456789abcdef") && !token.matches(b"0123456789abcdeF"));
/// assert_eq!(format!("{token} {token:?}"), "… Secret(…)");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for whoever must hand it on; it must not reach a log, an answer or a metric.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether a guess is the secret. How long that takes tells nothing but whether the guess is as long.
    pub fn matches(&self, guess: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(guess).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
