//! Who the visitor is: an anonymous id for the browser, a session that ends after 30 idle minutes, a user once told.
//! In anonymous mode none of it exists; where the values are kept is the browser's part.

use super::text::{Members, push_number};
use super::{Command, Now, Topic};
use footfall_event_model::uuid_v7;

/// A session ends after this long without an event.
const SESSION_IDLE_MS: u64 = 30 * 60 * 1000;
/// Other tabs learn of activity at this grain, so that not every event writes to storage.
const SESSION_GRAIN_MS: u64 = 10_000;

/// The visitor. Ids that are not there are empty.
#[derive(Debug, Default)]
pub(super) struct Identity {
    pub(super) anonymous_id: String,
    pub(super) user_id: Option<String>,
    pub(super) session_id: String,
    pub(super) last_ms: u64,
    pub(super) saved_ms: u64,
    pub(super) private: bool,
}

impl Identity {
    /// Notes activity: goes on with the session or begins one. True where that changes who the visitor is.
    pub(super) fn touch(
        &mut self,
        now: Now,
        random: &mut fastrand::Rng,
        commands: &mut Vec<Command>,
    ) -> bool {
        if self.private {
            return false;
        }
        let first = self.anonymous_id.is_empty();
        if first {
            self.anonymous_id = new_id(now, random);
            let text = self.anonymous_id.clone();
            commands.push(Command::Tell { what: Topic::AnonymousId, text });
        }
        // A clock that was set back leaves a last activity in the future; a session that far off is no use.
        let begun = self.session_id.is_empty() || now.unix_ms.abs_diff(self.last_ms) >= SESSION_IDLE_MS;
        if begun {
            self.session_id = new_id(now, random);
        }
        self.last_ms = now.unix_ms;
        if begun || now.unix_ms.abs_diff(self.saved_ms) >= SESSION_GRAIN_MS {
            self.saved_ms = now.unix_ms;
            let mut text = self.session_id.clone();
            text.push_str(" ");
            push_number(&mut text, self.last_ms);
            commands.push(Command::Tell { what: Topic::Session, text });
        }
        first || begun
    }

    /// Takes over the session of an earlier page or another tab, with its last activity.
    pub(super) fn set_session(&mut self, id: String, last_ms: u64) {
        self.session_id = id;
        self.last_ms = last_ms;
        self.saved_ms = last_ms;
    }

    /// The visitor's part of a context, as members of a JSON object.
    pub(super) fn context(&self) -> String {
        let mut object = Members::default();
        for (name, id) in [("anonymous_id", &self.anonymous_id), ("session_id", &self.session_id)] {
            object.text(name, Some(&**id).filter(|id| !id.is_empty()));
        }
        object.text("user_id", self.user_id.as_deref());
        object.0
    }
}

/// A fresh UUID v7.
pub(super) fn new_id(now: Now, random: &mut fastrand::Rng) -> String {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    uuid_v7(now.unix_ms, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn at(unix_ms: u64) -> Now {
        Now { unix_ms, monotonic_ms: 0 }
    }

    struct Visitor {
        identity: Identity,
        random: fastrand::Rng,
        commands: Vec<Command>,
    }

    impl Visitor {
        fn new() -> Self {
            Self { identity: Identity::default(), random: fastrand::Rng::with_seed(7), commands: vec![] }
        }

        fn touch(&mut self, unix_ms: u64) -> bool {
            self.identity.touch(at(unix_ms), &mut self.random, &mut self.commands)
        }
    }

    #[test]
    fn a_session_ends_after_thirty_idle_minutes_and_not_before() {
        let mut visitor = Visitor::new();
        assert!(visitor.touch(0));
        let first = visitor.identity.session_id.clone();
        assert!(!visitor.touch(29 * MINUTE));
        assert!(!visitor.touch(58 * MINUTE));
        assert_eq!(visitor.identity.session_id, first);
        assert!(visitor.touch(88 * MINUTE));
        assert_ne!(visitor.identity.session_id, first);
    }

    #[test]
    fn the_next_page_goes_on_with_the_session() {
        let mut visitor = Visitor::new();
        visitor.identity.set_session("0190aaaa".into(), 0);
        visitor.touch(MINUTE);
        assert_eq!(visitor.identity.session_id, "0190aaaa");
    }

    #[test]
    fn what_is_new_is_told_once_and_activity_at_its_grain() {
        let mut visitor = Visitor::new();
        for at in [0, 9_999, 10_000, 10_001] {
            visitor.touch(at);
        }
        let told = |command: &Command| match command {
            Command::Tell { what, text } => (*what, text.split(' ').nth(1).map(str::to_owned)),
            Command::Send { .. } => panic!("an identity sends nothing"),
        };
        let session = |last: &str| (Topic::Session, Some(last.to_owned()));
        let expected = [(Topic::AnonymousId, None), session("0"), session("10000")];
        assert_eq!(visitor.commands.iter().map(told).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_clock_set_back_begins_a_session_rather_than_keeping_one_for_ever() {
        let mut visitor = Visitor::new();
        visitor.identity.set_session("0190aaaa".into(), 90_000_000_000);
        visitor.touch(0);
        assert_ne!(visitor.identity.session_id, "0190aaaa");
    }

    #[test]
    fn anonymous_mode_has_no_ids_and_remembers_nothing() {
        let mut visitor = Visitor::new();
        visitor.identity.private = true;
        assert!(!visitor.touch(0));
        assert_eq!(visitor.commands, []);
        assert_eq!(visitor.identity.context(), "");
    }
}
