//! What one request holds in Redis: its batch's id and its events' ids, from before delivery until their fate is known.
//! All of a batch's events are taken at once or none, and a request that waits for another holds none of them, so that
//! no two servers wait for each other.

use super::backlog::Settlement;
use super::scripts::{EVENTS_AT_ONCE, RESERVE_BATCH, RESERVE_EVENTS, SETTLE};
use super::{Away, SharedMemory};
use crate::receipts::EventSet;
use crate::refusal::Refused;
use redis::{ScriptInvocation, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Between two looks at what another server stores: the first pause, which doubles, and the longest.
const LOOKS: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(320)];

/// What a batch's id came to.
#[derive(Debug, PartialEq, Eq)]
pub enum BatchReserved {
    /// The batch is durable already.
    Known,
    /// It is ours to store, but for these events, which another server has stored.
    Ours(EventSet),
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchFate {
    /// Every event is durable, or will never be.
    Known,
    /// These events are.
    Part(EventSet),
    /// The store did not say.
    Doubt,
    /// Nothing was stored that was not before.
    Released,
}

/// What a request holds; dropping it releases that.
#[derive(Debug)]
#[must_use = "the ids are released when this is dropped"]
pub struct Holding {
    memory: Arc<SharedMemory>,
    write_key: String,
    token: String,
    /// The batch's key.
    batch: Option<String>,
    /// The places of events in their batch, and their keys.
    events: Vec<(u32, String)>,
    /// Whether Redis may hold any of it for us.
    is_held: bool,
}

impl Holding {
    pub(super) fn new(memory: Arc<SharedMemory>, write_key: &str, token: String) -> Self {
        Self {
            memory,
            write_key: write_key.to_owned(),
            token,
            batch: None,
            events: Vec::new(),
            is_held: false,
        }
    }

    /// Reserves the batch's id; where another server is storing the batch, waits for its fate until `deadline`. While
    /// Redis is away the batch is ours, and its fate is told later.
    ///
    /// # Errors
    /// [`Refused::InFlight`] after the deadline, [`Refused::RedisUnavailable`] where the settings say so.
    pub async fn reserve_batch(
        &mut self,
        batch_id: &str,
        deadline: Instant,
    ) -> Result<BatchReserved, Refused> {
        let ours = || BatchReserved::Ours(EventSet::default());
        let Some(window) = self.memory.settings.receipts else { return Ok(ours()) };
        let key = self.memory.keys.batch(&self.write_key, batch_id);
        let epoch = self.memory.keys.epoch(&self.write_key);
        let lease = millis(self.memory.lease);
        let mut looks = Looks::new(deadline);
        loop {
            let said: Result<Vec<String>, Away> = self
                .memory
                .link
                .call(&RESERVE_BATCH, |call| {
                    call.key(&key).key(&epoch).arg(&self.token).arg(lease).arg(millis(window));
                })
                .await;
            let said = match said {
                Ok(said) => said,
                Err(Away { asked }) => {
                    self.is_held |= asked;
                    self.batch = Some(key);
                    return self.memory.go_on().map(|()| ours());
                }
            };
            match (said.first().map(String::as_str), said.get(1)) {
                (Some("known"), _) => return Ok(BatchReserved::Known),
                (Some("ours"), stored) => {
                    (self.is_held, self.batch) = (true, Some(key));
                    let stored = stored.and_then(|stored| EventSet::from_text(stored));
                    return Ok(BatchReserved::Ours(stored.unwrap_or_default()));
                }
                _ => looks.next().await?,
            }
        }
    }

    /// Reserves the events that are no copies, and returns the places of those that are. `event_ids` are different ids,
    /// each with its place in the batch.
    ///
    /// # Errors
    /// As of [`Self::reserve_batch`].
    pub async fn reserve_events<'a>(
        &mut self,
        event_ids: impl Iterator<Item = (u32, &'a str)>,
        deadline: Instant,
    ) -> Result<Vec<u32>, Refused> {
        if self.memory.settings.event_ids.is_none() {
            return Ok(Vec::new());
        }
        let key = |id| self.memory.keys.event(&self.write_key, id);
        let mut events: Vec<_> = event_ids.map(|(place, id)| (place, key(id))).collect();
        if events.is_empty() {
            return Ok(Vec::new());
        }
        // All servers go through them in one order: of two that have some in common, the one that is ahead passes.
        events.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
        let (mut copies, mut looks) = (Vec::new(), Looks::new(deadline));
        let taken = loop {
            match self.take_events(&events, &mut copies).await {
                Ok(false) => looks.next().await?,
                taken => break taken,
            }
        };
        copies.sort_unstable();
        events.retain(|(place, _)| copies.binary_search(place).is_err());
        self.events = events;
        match taken {
            Ok(_) => self.is_held = true,
            Err(Away { asked }) => {
                self.is_held |= asked;
                self.memory.go_on()?;
            }
        }
        Ok(copies)
    }

    /// Reserves all of these events that are no copies, and tells the places of those that are; or none, where another
    /// request is storing one of them: `false`.
    async fn take_events(&self, events: &[(u32, String)], copies: &mut Vec<u32>) -> Result<bool, Away> {
        let lease = millis(self.memory.lease);
        copies.clear();
        for (number, part) in events.chunks(EVENTS_AT_ONCE).enumerate() {
            let with_earlier = |Away { asked }| Away { asked: asked || number > 0 };
            let fill = |call: &mut ScriptInvocation<'_>| {
                part.iter().for_each(|(_, key)| _ = call.key(key));
                call.arg(&self.token).arg(lease);
            };
            let said: Result<Vec<Value>, Away> = self.memory.link.call(&RESERVE_EVENTS, fill).await;
            let mut said = said.map_err(with_earlier)?.into_iter();
            if said.next().is_none_or(|first| first != Value::BulkString(b"ours".to_vec())) {
                self.give_back(&events[..number * EVENTS_AT_ONCE]).await.map_err(with_earlier)?;
                return Ok(false);
            }
            let known = said.filter_map(|place| match place {
                Value::Int(place) => part.get(usize::try_from(place).ok()?.checked_sub(1)?),
                _ => None,
            });
            copies.extend(known.map(|(place, _)| place));
        }
        Ok(true)
    }

    /// Releases events that were reserved before one that another request is storing.
    async fn give_back(&self, events: &[(u32, String)]) -> Result<(), Away> {
        for part in events.chunks(EVENTS_AT_ONCE) {
            let fill = |call: &mut ScriptInvocation<'_>| {
                part.iter().for_each(|(_, key)| _ = call.key(key));
                // No batch is told of, and none of the events is durable.
                call.arg(&self.token).arg("").arg(0).arg(0).arg("");
            };
            self.memory.link.call::<()>(&SETTLE, fill).await?;
        }
        Ok(())
    }

    /// Says what became of the batch, and of which places in it the events are durable; waits no longer than the few
    /// commands of it may take.
    pub async fn settle(mut self, batch: BatchFate, is_durable: impl Fn(u32) -> bool) {
        self.is_held = false;
        if let Some(settlement) = self.settlement(batch, is_durable) {
            self.memory.tell(settlement).await;
        }
    }

    fn settlement(&mut self, fate: BatchFate, is_durable: impl Fn(u32) -> bool) -> Option<Settlement> {
        let settings = &self.memory.settings;
        let (key, events) = (self.batch.take(), std::mem::take(&mut self.events));
        if key.is_none() && events.is_empty() {
            return None;
        }
        let fate = match fate {
            BatchFate::Known => "1".to_owned(),
            BatchFate::Part(stored) => format!("p{}", stored.to_text()),
            BatchFate::Doubt => "p?".to_owned(),
            BatchFate::Released => "x".to_owned(),
        };
        let mut durable = String::with_capacity(events.len());
        let each = |(place, key)| {
            durable.push(if is_durable(place) { '1' } else { '0' });
            key
        };
        Some(Settlement {
            token: self.token.clone(),
            epoch: self.memory.keys.epoch(&self.write_key),
            batch: key.map(|key| (key, fate)),
            events: events.into_iter().map(each).collect(),
            durable,
            known_ms: [settings.receipts, settings.event_ids].map(|window| window.map_or(1, millis)),
        })
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        if let Some(settlement) = self.settlement(BatchFate::Released, |_| false) {
            let memory = Arc::clone(&self.memory);
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => {
                    let tell = async move { memory.tell(settlement).await };
                    self.memory.releases.spawn_on(tell, &runtime);
                }
                Err(_) => self.memory.backlog.push(settlement),
            }
        }
    }
}

/// When it is looked again.
struct Looks {
    deadline: Instant,
    pause: Duration,
}

impl Looks {
    fn new(deadline: Instant) -> Self {
        Self { deadline, pause: LOOKS[0] }
    }

    /// Waits for the next look.
    async fn next(&mut self) -> Result<(), Refused> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(Refused::InFlight);
        }
        sleep_until(self.deadline.min(now + self.pause)).await;
        self.pause = LOOKS[1].min(self.pause * 2);
        Ok(())
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
