//! The salt of hashed addresses: it lives in memory only and is another one each day (UTC) and after each start.
//! Without it nobody can go from a hash back to an address, or from one day's visitor to the next day's.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Bytes of a hash that are kept: among a billion addresses no two are the same.
const HASH_BYTES: usize = 16;

/// The salt of a day.
#[derive(Default)]
pub(super) struct DailySalt {
    today: Mutex<Option<Salt>>,
}

#[derive(Clone, Copy)]
struct Salt {
    day: i64,
    key: [u8; 32],
}

impl DailySalt {
    /// HMAC-SHA256 (RFC 2104) of an address under the salt of the day, as 32 hexadecimal digits.
    ///
    /// # Errors
    /// [`getrandom::Error`] where the system gives no randomness for the day's salt.
    pub(super) fn hash(&self, address: IpAddr, now_ms: i64) -> Result<String, getrandom::Error> {
        let key = self.key(now_ms.div_euclid(DAY_MS))?;
        // All lengths of keys are taken, so that there is no error to tell.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return Ok(String::new()) };
        match address {
            IpAddr::V4(v4) => mac.update(&v4.octets()),
            IpAddr::V6(v6) => mac.update(&v6.octets()),
        }
        let hash = mac.finalize().into_bytes();
        Ok(hash.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect())
    }

    fn key(&self, day: i64) -> Result<[u8; 32], getrandom::Error> {
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(salt) = today.filter(|salt| salt.day == day) {
            return Ok(salt.key);
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        // Yesterday's is overwritten: what was hashed with it stays hashed.
        *today = Some(Salt { day, key });
        Ok(key)
    }
}

impl fmt::Debug for DailySalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DailySalt(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_same_for_a_day_and_another_one_the_next_day_and_after_a_start() {
        let (salt, midnight) = (DailySalt::default(), 20_000 * DAY_MS);
        let (one, two): (IpAddr, IpAddr) = ("203.0.113.7".parse().unwrap(), "203.0.113.8".parse().unwrap());
        let first = salt.hash(one, midnight).unwrap();
        assert!(first.len() == 32 && first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
        assert_eq!(salt.hash(one, midnight + DAY_MS - 1).unwrap(), first);
        assert_ne!(salt.hash(two, midnight).unwrap(), first);
        assert_ne!(salt.hash(one, midnight + DAY_MS).unwrap(), first);
        assert_ne!(salt.hash(one, midnight).unwrap(), first, "a day that is over does not come back");
        assert_ne!(DailySalt::default().hash(one, midnight).unwrap(), first);
    }

    #[test]
    fn the_salt_is_not_shown() {
        let salt = DailySalt::default();
        salt.hash("203.0.113.7".parse().unwrap(), 0).unwrap();
        assert_eq!(format!("{salt:?}"), "DailySalt(not shown)");
    }
}
