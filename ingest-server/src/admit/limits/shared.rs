//! Buckets that several servers share through Redis. What this server knows of a bucket already is enough to refuse,
//! since others only take more; so a flood that is refused here costs Redis nothing. The wait that is told then leaves
//! out what others took meanwhile.

use super::bucket::{Bucket, Quota};
use super::{Counted, Limits, allowed};
use crate::refusal::Refused;
use crate::shared::{SharedMemory, Tokens};

impl Limits {
    /// Takes one token of an address's bucket; `None` where this server counts for itself, since Redis is away.
    pub(super) async fn take_shared_of_address(
        &self,
        shared: &SharedMemory,
        counted: u128,
        site: Option<&str>,
        bucket: &Bucket,
    ) -> Result<Option<Quota>, Refused> {
        let asked_at = self.now();
        allowed(Counted::Address, self.addresses.look(counted, site, bucket, asked_at))?;
        let Ok(tokens) = shared.take_of_address(counted, site, bucket.rate()).await else {
            return shared.go_on().map(|()| None);
        };
        self.addresses.learn(counted, site, asked_at + tokens.missing_ns);
        allowed(Counted::Address, quota(bucket, tokens)).map(Some)
    }

    /// Takes the tokens of a batch from a key's bucket, all of them or none; `None` as above.
    pub(super) async fn take_shared_of_key(
        &self,
        shared: &SharedMemory,
        write_key: &str,
        bucket: &Bucket,
        events: u32,
        learn: impl FnOnce(u64),
    ) -> Result<Option<Quota>, Refused> {
        let asked_at = self.now();
        let Ok(tokens) = shared.take_of_key(write_key, bucket.rate(), events).await else {
            return shared.go_on().map(|()| None);
        };
        learn(asked_at + tokens.missing_ns);
        allowed(Counted::Key, quota(bucket, tokens)).map(Some)
    }
}

fn quota(bucket: &Bucket, tokens: Tokens) -> Quota {
    bucket.quota(tokens.missing_ns, 0, tokens.wait_ns)
}
