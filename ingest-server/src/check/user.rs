//! Is the user valid: whether an event names one, and whether the site's own server has signed that name.
//! What follows from the answer is decided by the check above; identities are never changed here.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The shortest secret that is taken, in bytes: 128 bits, below which guessing it is worth somebody's while.
pub const SECRET_BYTES: usize = 16;

/// What happens to an event that names no user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AnonymousPolicy {
    /// It is kept. The default.
    #[default]
    Accept,
    /// It is kept as if the visitor had asked for privacy (`Sec-GPC: 1`): without ids, traits and address.
    Anonymise,
    /// It is dropped, and its sender is told so.
    Drop,
}

/// Signs and verifies user ids with a site's secret: HMAC-SHA-256 (RFC 2104, FIPS 180-4) of the id's UTF-8 bytes, in hex.
#[derive(Clone)]
pub struct UserSigner(Hmac<Sha256>);

impl UserSigner {
    /// A signer with this secret; `None` where it has fewer than [`SECRET_BYTES`] bytes.
    pub fn new(secret: &[u8]) -> Option<Self> {
        let keyed = Hmac::new_from_slice(secret).ok()?;
        (secret.len() >= SECRET_BYTES).then_some(Self(keyed))
    }

    /// The signature of an id, in lower-case hex.
    pub fn sign(&self, user_id: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(user_id.as_bytes());
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether this is the id's signature; the comparison takes the same time wherever the two differ.
    pub fn verifies(&self, user_id: &str, signature: &str) -> bool {
        let Some(claimed) = from_hex(signature) else { return false };
        let mut mac = self.0.clone();
        mac.update(user_id.as_bytes());
        mac.verify_slice(&claimed).is_ok()
    }
}

/// The key is a secret.
impl fmt::Debug for UserSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserSigner(…)")
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let mut bytes = [0; 32];
    if text.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signer() -> UserSigner {
        UserSigner::new(b"0123456789abcdef").unwrap()
    }

    #[test]
    fn it_is_hmac_sha_256_as_others_make_it() {
        // RFC 4231, test case 6: a key longer than a block.
        let long = UserSigner::new(&[0xaa; 131]).unwrap();
        let signed = long.sign("Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(signed, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn a_short_secret_is_not_taken_and_none_is_shown() {
        assert!(UserSigner::new(b"0123456789abcde").is_none());
        assert_eq!(format!("{:?}", signer()), "UserSigner(…)");
    }

    #[test]
    fn upper_case_hex_is_the_same_signature() {
        assert!(signer().verifies("u-1", &signer().sign("u-1").to_uppercase()));
    }

    proptest! {
        #[test]
        fn only_the_ids_own_signature_verifies(id in "\\PC{1,20}", other in "\\PC{1,20}", junk in "\\PC{0,70}") {
            let signature = signer().sign(&id);
            prop_assert!(signer().verifies(&id, &signature));
            prop_assert_eq!(signer().verifies(&other, &signature), other == id);
            prop_assert!(!signer().verifies(&id, &junk));
            prop_assert!(!UserSigner::new(b"another-secret-x").unwrap().verifies(&id, &signature));
        }
    }
}
