//! The names of keys in Redis. Those of one site have one hash tag, so that a cluster keeps them on one node and a script
//! may touch them together; no address and no id stands in one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

/// Bytes of a hash that are kept: among two million ids, one lookup in 10^22 takes a strange one for a known one.
const DIGEST_BYTES: usize = 12;

/// What all keys begin with.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Since when no batch of a site was lost.
    pub(super) fn epoch(&self, write_key: &str) -> String {
        format!("{}{{{write_key}}}:epoch", self.prefix)
    }

    /// The bucket of a site's write key.
    pub(super) fn rate(&self, write_key: &str) -> String {
        format!("{}{{{write_key}}}:rate", self.prefix)
    }

    /// A batch of a site.
    pub(super) fn batch(&self, write_key: &str, batch_id: &str) -> String {
        format!("{}{{{write_key}}}:b:{}", self.prefix, digest(batch_id))
    }

    /// An event of a site.
    pub(super) fn event(&self, write_key: &str, event_id: &str) -> String {
        format!("{}{{{write_key}}}:e:{}", self.prefix, digest(event_id))
    }

    /// The bucket of a client address. Without the salt of the day nobody can go from this back to the address.
    pub(super) fn address(&self, salt: &str, counted: u128, site: Option<&str>) -> String {
        // A write key has no colon, so no site's keys have this tag.
        format!("{}{{address:{}}}", self.prefix, keyed(salt, counted, site))
    }

    /// The salt of addresses.
    pub(super) fn salt(&self) -> String {
        format!("{}{{all:sites}}:salt", self.prefix)
    }

    /// What is known of Redis itself.
    pub(super) fn state(&self) -> String {
        format!("{}{{all:sites}}:state", self.prefix)
    }
}

/// An id, which may have 256 bytes, as 16 characters. The same on all servers, so without a salt.
fn digest(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(id)[..DIGEST_BYTES])
}

/// HMAC-SHA256 (RFC 2104) of an address under the salt.
fn keyed(salt: &str, counted: u128, site: Option<&str>) -> String {
    // All lengths of keys are taken, so that there is no error to tell.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt.as_bytes()) else { return String::new() };
    mac.update(&counted.to_be_bytes());
    mac.update(site.unwrap_or_default().as_bytes());
    URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..DIGEST_BYTES])
}

/// A salt that nobody knows; empty where the system gives no randomness.
pub(super) fn random_salt() -> String {
    random::<32>().map_or(String::new(), |bytes| URL_SAFE_NO_PAD.encode(bytes))
}

/// A name for this process that no other one has.
pub(super) fn random_name() -> String {
    let number = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
    random::<9>().map_or_else(|| format!("{:x}", number()), |bytes| URL_SAFE_NO_PAD.encode(bytes))
}

fn random<const BYTES: usize>() -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    let filled = getrandom::fill(&mut bytes);
    filled.inspect_err(|error| tracing::error!(%error, "no randomness for what servers share")).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_has_one_tag_and_no_other_has_it() {
        let keys = Keys::new("footfall:");
        for key in [keys.epoch("pk"), keys.rate("pk"), keys.batch("pk", "b1"), keys.event("pk", "e1")] {
            assert!(key.starts_with("footfall:{pk}:"), "{key}");
        }
        assert_eq!(
            keys.event("pk", "e1"),
            "footfall:{pk}:e:i1zE337sfTKngU7K",
            "other servers find it by this name"
        );
        assert_ne!(keys.event("pk", "x"), keys.batch("pk", "x"));
    }

    #[test]
    fn an_address_is_told_from_others_by_who_knows_the_salt_alone() {
        let keys = Keys::new("f:");
        let (salt, other) = (random_salt(), random_salt());
        let key = keys.address(&salt, 7, None);
        assert_eq!((key.clone(), salt.len()), (keys.address(&salt, 7, None), 43));
        for differs in
            [keys.address(&other, 7, None), keys.address(&salt, 8, None), keys.address(&salt, 7, Some("pk"))]
        {
            assert_ne!(key, differs);
        }
    }
}
