//! Retention of the events that stay in the journal: when the oldest of them go, and how many at a time.
//! Rows for Kafka and dead letters are left alone; they have bounds of their own.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::JournalSettings;
use super::database::Database;
use super::outbox::Left;
use super::passing::is_damage;

/// What one transaction deletes at most, so that an append that comes meanwhile waits for little.
const STEP_ROWS: i64 = 4_000;
const STEP_BYTES: u64 = 2 << 20;

/// Of a small journal's bound one step takes at most this share, or it would empty the journal.
const STEP_SHARE: u64 = 8;

/// A group that needs more than this share of what is kept moves nothing: it is refused instead.
const ROOM_SHARE: u64 = 2;

/// How long a look that failed is not repeated.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// Between two deletions while nothing presses.
const PAUSE: Duration = Duration::from_millis(20);

/// What is kept, and when it is looked at next.
#[derive(Debug)]
pub(super) struct Retention {
    age: Option<Duration>,
    /// Where Kafka is set, room is the outbox's business, and events from before only go by age.
    bytes: Option<u64>,
    /// What else stands in the file for good: rows for a Kafka that is not set any more.
    outbox_bytes: u64,
    look_at: Option<Instant>,
    is_failing: bool,
    /// Why the oldest rows cannot be deleted, where their pages are damaged.
    damage: Option<String>,
}

impl Retention {
    pub(super) fn new(settings: &JournalSettings, left: &Left) -> Self {
        let bytes = settings.retention_bytes.map(|bytes| bytes.min(settings.max_bytes / 10 * 9));
        let look_at = (settings.retention_age.is_some() || bytes.is_some()).then(Instant::now);
        let (age, outbox_bytes) = (settings.retention_age, left.bytes);
        Self { age, bytes, outbox_bytes, look_at, is_failing: false, damage: None }
    }

    /// Rows on their way to Kafka come and go from now on.
    pub(super) fn by_age_alone(&mut self) {
        self.bytes = None;
    }

    /// Forgets that it failed: the file is another one.
    pub(super) fn look_now(&mut self) {
        self.is_failing = false;
        self.look_at = self.look_at.map(|_| Instant::now());
    }

    /// No file is open in which to look.
    pub(super) fn look_later(&mut self) {
        self.look_at = self.look_at.map(|_| Instant::now() + AFTER_FAILURE);
    }

    /// Damage that was met since the last call.
    pub(super) fn take_damage(&mut self) -> Option<String> {
        self.damage.take()
    }

    /// When to look next; `None` where everything is kept.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.look_at
    }

    /// Bytes of the file above which events go. What is no event does not push them all out: a quarter of the bound is
    /// theirs, and where the file has no room for that, it is full.
    fn bound(&self, database: &Database) -> Option<u64> {
        let bytes = self.bytes?;
        Some(bytes.max(self.outbox_bytes + database.dead_letter_bytes + bytes / 4))
    }

    /// What a step for room takes.
    fn step_bytes(&self) -> u64 {
        self.bytes.map_or(STEP_BYTES, |bytes| STEP_BYTES.min(bytes / STEP_SHARE))
    }

    /// Whether the file has grown above the bound.
    fn is_above(&self, database: &Database) -> rusqlite::Result<bool> {
        let Some(bound) = self.bound(database) else { return Ok(false) };
        Ok(database.used_bytes()? > bound)
    }

    /// Deletes a step of what is too much or too old, and says how many rows that were.
    pub(super) fn look(&mut self, database: &mut Database, now_ms: i64) -> u64 {
        let is_above = self.is_above(database);
        let deleted = is_above.and_then(|is_above| {
            if is_above {
                return database.expire(i64::MAX, self.step_bytes());
            }
            let Some(age) = self.age else { return Ok(0) };
            let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
            database.expire(now_ms.saturating_sub(age_ms), STEP_BYTES)
        });
        let wait = match &deleted {
            Ok(0) => self.quiet(),
            Ok(_) => PAUSE,
            Err(_) => AFTER_FAILURE,
        };
        self.look_at = self.look_at.map(|_| Instant::now() + wait);
        self.told(deleted)
    }

    /// Looks at once where an append has made the file too large.
    pub(super) fn appended(&mut self, database: &Database) {
        if self.look_at.is_some() && !self.is_failing && self.is_above(database).unwrap_or(false) {
            self.look_at = Some(Instant::now());
        }
    }

    /// Makes room for a group that would not fit, and says how many rows that cost.
    pub(super) fn make_room(&mut self, database: &mut Database, wanted_bytes: u64) -> u64 {
        let Some(bound) = self.bound(database) else { return 0 };
        // Rows fill pages only in part.
        let wanted = wanted_bytes + wanted_bytes / 2 + (64 << 10);
        if self.is_failing || wanted > bound / ROOM_SHARE {
            return 0;
        }
        let mut total = 0;
        loop {
            let deleted = database.used_bytes().and_then(|used| {
                if used + wanted <= database.max_bytes() {
                    return Ok(0);
                }
                database.expire(i64::MAX, self.step_bytes())
            });
            match self.told(deleted) {
                0 => return total,
                deleted => total += deleted,
            }
        }
    }

    fn told(&mut self, deleted: rusqlite::Result<u64>) -> u64 {
        match deleted {
            Ok(deleted) => {
                self.is_failing = false;
                deleted
            }
            Err(error) => {
                self.damage = is_damage(&error).then(|| error.to_string());
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(
                        "the journal's oldest events cannot be deleted, so it will be full: {error}"
                    );
                }
                0
            }
        }
    }

    fn quiet(&self) -> Duration {
        let of_age = self.age.unwrap_or(AFTER_FAILURE) / 20;
        of_age.clamp(Duration::from_millis(100), AFTER_FAILURE)
    }
}

impl Database {
    /// Deletes the oldest events, a step of those at the front that were written before `before_ms`.
    fn expire(&mut self, before_ms: i64, step_bytes: u64) -> rusqlite::Result<u64> {
        // Deleting writes to the log too.
        if self.is_log_at_bound() {
            return Ok(0);
        }
        let Some(last) = last_of_step(&self.connection, before_ms, step_bytes)? else { return Ok(0) };
        let mut delete = self.connection.prepare_cached("DELETE FROM events WHERE seq <= ?1")?;
        let deleted = delete.execute([last])?;
        drop(delete);
        self.fold_when_due();
        Ok(deleted as u64)
    }
}

/// The last row of a step. The first row that is young ends it, also where a clock that was wrong has let older ones
/// follow: those go when their turn comes.
fn last_of_step(connection: &Connection, before_ms: i64, step_bytes: u64) -> rusqlite::Result<Option<i64>> {
    let oldest = "SELECT seq, appended_at_ms, length(payload) FROM events ORDER BY seq LIMIT ?1";
    let mut select = connection.prepare_cached(oldest)?;
    let mut rows = select.query([STEP_ROWS])?;
    let (mut last, mut bytes) = (None, 0);
    while bytes < step_bytes
        && let Some(row) = rows.next()?
        && row.get::<_, i64>(1)? < before_ms
    {
        last = Some(row.get(0)?);
        bytes += row.get::<_, i64>(2)?.unsigned_abs();
    }
    Ok(last)
}
