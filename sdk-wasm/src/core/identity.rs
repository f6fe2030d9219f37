//! Who the visitor is: an anonymous id for the browser, a session that ends after 30 idle minutes, a user once told.
//! In anonymous mode none of it exists; where the values are kept is the browser's part.

use super::{Command, Now, Slot};
use footfall_event_model::{Context, uuid_v7};

/// A session ends after this long without an event.
const SESSION_IDLE_MS: i64 = 30 * 60 * 1000;
/// Other tabs learn of activity at this grain, so that not every event writes to storage.
const SESSION_GRAIN_MS: i64 = 10_000;

/// What earlier pages of this browser left, as it was read.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// The value of [`Slot::AnonymousId`].
    pub anonymous_id: Option<String>,
    /// The value of [`Slot::Session`].
    pub session: Option<String>,
    /// The value of [`Slot::Seq`].
    pub seq: Option<String>,
}

/// The visitor.
#[derive(Debug)]
pub(super) struct Identity {
    /// `None` in anonymous mode.
    pub(super) anonymous_id: Option<String>,
    pub(super) user_id: Option<String>,
    session: Option<Session>,
    private: bool,
}

#[derive(Debug)]
struct Session {
    id: String,
    last_ms: i64,
    saved_ms: i64,
}

impl Identity {
    pub(super) fn new(
        private: bool,
        stored: Stored,
        now: Now,
        random: &mut fastrand::Rng,
    ) -> (Self, Vec<Command>) {
        let mut commands = Vec::new();
        if private {
            // What was kept before the visitor asked for privacy goes.
            for (slot, value) in [
                (Slot::AnonymousId, stored.anonymous_id),
                (Slot::Session, stored.session),
                (Slot::Seq, stored.seq),
            ] {
                if value.is_some() {
                    commands.push(Command::Remember { slot, value: None });
                }
            }
            return (Self { anonymous_id: None, user_id: None, session: None, private }, commands);
        }
        let known = stored.anonymous_id.filter(|id| usable(id));
        let anonymous_id = known.unwrap_or_else(|| {
            let id = new_id(now, random);
            commands.push(Command::Remember { slot: Slot::AnonymousId, value: Some(id.clone()) });
            id
        });
        let session = stored.session.as_deref().and_then(Session::read);
        (Self { anonymous_id: Some(anonymous_id), user_id: None, session, private }, commands)
    }

    pub(super) fn session_id(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.id.as_str())
    }

    /// Notes activity: goes on with the session or begins one. `Some` where it should be remembered, and whether
    /// it is a new one.
    pub(super) fn touch(&mut self, now: Now, random: &mut fastrand::Rng) -> Option<(Command, bool)> {
        if self.private {
            return None;
        }
        let now_ms = now.unix_ms;
        // A clock that was set back leaves a last activity in the future; a session that far off is no use.
        let alive = |session: &&mut Session| (now_ms - session.last_ms).abs() < SESSION_IDLE_MS;
        let (session, begun) = match self.session.as_mut().filter(alive) {
            Some(session) => (session, false),
            None => {
                let fresh = Session { id: new_id(now, random), last_ms: now_ms, saved_ms: i64::MIN };
                (self.session.insert(fresh), true)
            }
        };
        session.last_ms = now_ms;
        let saved_ago = now_ms.saturating_sub(session.saved_ms);
        if begun || !(0..SESSION_GRAIN_MS).contains(&saved_ago) {
            session.saved_ms = now_ms;
            return Some((Command::Remember { slot: Slot::Session, value: Some(session.text()) }, begun));
        }
        None
    }

    /// Takes over what another tab has remembered. True where it changes who the visitor is.
    pub(super) fn remembered(&mut self, slot: Slot, value: Option<&str>) -> bool {
        match (slot, value) {
            _ if self.private => false,
            (Slot::AnonymousId, Some(id)) if usable(id) && self.anonymous_id.as_deref() != Some(id) => {
                self.anonymous_id = Some(id.to_owned());
                true
            }
            (Slot::Session, Some(text)) => match Session::read(text) {
                Some(session) => {
                    let changed = self.session_id() != Some(&session.id);
                    self.session = Some(session);
                    changed
                }
                None => false,
            },
            _ => false,
        }
    }

    /// The visitor's part of a context.
    pub(super) fn context(&self) -> Context {
        Context {
            anonymous_id: self.anonymous_id.clone(),
            session_id: self.session_id().map(str::to_owned),
            user_id: self.user_id.clone(),
            ..Context::default()
        }
    }
}

impl Session {
    fn text(&self) -> String {
        [&self.id, " ", &self.last_ms.to_string()].concat()
    }

    fn read(text: &str) -> Option<Self> {
        let (id, last_ms) = text.split_once(' ')?;
        let last_ms = last_ms.parse().ok()?;
        usable(id).then(|| Self { id: id.to_owned(), last_ms, saved_ms: last_ms })
    }
}

/// A fresh UUID v7.
pub(super) fn new_id(now: Now, random: &mut fastrand::Rng) -> String {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    uuid_v7(now.unix_ms.max(0) as u64, &bytes)
}

/// Storage is open to the whole page: what came from there is an id only if it looks like one.
fn usable(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(unix_ms: i64) -> Now {
        Now { unix_ms, monotonic_ms: 0 }
    }

    fn fresh(stored: Stored) -> (Identity, fastrand::Rng) {
        let mut random = fastrand::Rng::with_seed(7);
        (Identity::new(false, stored, at(0), &mut random).0, random)
    }

    #[test]
    fn a_session_ends_after_thirty_idle_minutes_and_not_before() {
        let (mut who, mut random) = fresh(Stored::default());
        who.touch(at(0), &mut random);
        let first = who.session_id().unwrap().to_owned();
        who.touch(at(29 * MINUTE), &mut random);
        who.touch(at(58 * MINUTE), &mut random);
        assert_eq!(who.session_id(), Some(first.as_str()));
        assert!(who.touch(at(88 * MINUTE), &mut random).unwrap().1);
        assert_ne!(who.session_id(), Some(first.as_str()));
    }

    #[test]
    fn the_next_page_goes_on_with_id_and_session() {
        let (mut who, mut random) = fresh(Stored::default());
        let (command, _) = who.touch(at(0), &mut random).unwrap();
        let Command::Remember { value: session, .. } = command else { panic!("not remembered") };
        let stored = Stored { anonymous_id: who.anonymous_id.clone(), session, seq: None };
        let (mut next, mut random) = fresh(stored);
        assert!(next.touch(at(MINUTE), &mut random).is_none_or(|(_, begun)| !begun));
        assert_eq!(next.context(), who.context());
    }

    #[test]
    fn what_another_tab_began_is_shared() {
        let (mut who, mut random) = fresh(Stored::default());
        who.touch(at(0), &mut random);
        assert!(who.remembered(Slot::Session, Some("0190aaaa-bbbb 5")));
        assert_eq!(who.session_id(), Some("0190aaaa-bbbb"));
        assert!(!who.remembered(Slot::Session, Some("<script> 5")));
        assert!(!who.remembered(Slot::AnonymousId, Some("")));
    }

    #[test]
    fn a_clock_set_back_begins_a_session_rather_than_keeping_one_for_ever() {
        let (mut who, mut random) =
            fresh(Stored { session: Some("0190aaaa 90000000000".into()), ..Default::default() });
        assert!(who.touch(at(0), &mut random).unwrap().1);
    }

    #[test]
    fn anonymous_mode_has_no_ids_and_forgets_those_kept_before() {
        let mut random = fastrand::Rng::with_seed(7);
        let stored = Stored { anonymous_id: Some("0190aaaa".into()), session: None, seq: Some("4".into()) };
        let (mut who, commands) = Identity::new(true, stored, at(0), &mut random);
        let forget = |slot| Command::Remember { slot, value: None };
        assert_eq!(commands, [forget(Slot::AnonymousId), forget(Slot::Seq)]);
        assert_eq!(who.touch(at(0), &mut random), None);
        assert_eq!(who.context(), Context::default());
    }
}
