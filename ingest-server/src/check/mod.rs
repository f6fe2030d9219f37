//! The step "check" beyond the model's own rules: whether the user is valid, and what a site's tracking plan says.
//! It judges one event at a time and only says what follows; answering and storing are left to the steps after it.

mod counts;
pub mod plan;
mod user;

pub use counts::{PlanCounts, PlanLabels};
pub use user::{AnonymousPolicy, SECRET_BYTES, UserSigner};

use footfall_event_model::{Context, Event, Rule, Violation};
use plan::Plan;
use std::fmt;
use std::sync::Arc;

/// What follows from a violation of the tracking plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlanMode {
    /// The event is refused. The default.
    #[default]
    Enforce,
    /// It passes and is counted.
    Report,
    /// The plan is not looked at.
    Off,
}

/// What is checked of one site's events.
#[derive(Debug, Clone, Default)]
pub struct SiteChecks {
    /// The tracking plan, where there is one.
    pub plan: Option<Arc<Plan>>,
    /// What follows from it.
    pub plan_mode: PlanMode,
    /// What happens to events that name no user.
    pub anonymous: AnonymousPolicy,
    /// Signs the site's users, where it has a secret.
    pub signer: Option<UserSigner>,
    /// Whether a user must be signed; there is a signer then.
    pub users_are_signed: bool,
}

impl fmt::Display for SiteChecks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.plan_mode {
            PlanMode::Enforce => "enforced",
            PlanMode::Report => "reported",
            PlanMode::Off => "off",
        };
        match &self.plan {
            Some(plan) => write!(f, "tracking plan {mode} ({plan})")?,
            None => f.write_str("no tracking plan")?,
        }
        let anonymous = match self.anonymous {
            AnonymousPolicy::Accept => "accepted",
            AnonymousPolicy::Anonymise => "anonymised",
            AnonymousPolicy::Drop => "dropped",
        };
        let users = if self.users_are_signed { "must be signed" } else { "need no signature" };
        write!(f, "; events without a user are {anonymous}; users {users}")
    }
}

/// What follows for an event that the model's own checks have passed.
#[derive(Debug, PartialEq)]
pub(crate) enum Fate {
    /// It is kept.
    Kept,
    /// It is kept without what would tell whose it was.
    Nameless,
    /// It is refused.
    Invalid(Step, Vec<Violation>),
    /// A policy drops it: the policy's code and its sentence.
    Dropped(&'static str, &'static str),
}

/// The step that refused an event, as dead letters tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The model's own rules.
    Check,
    /// The user's signature.
    User,
    /// The tracking plan.
    Plan,
}

impl Step {
    /// Its name in a dead letter.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::User => "user",
            Self::Plan => "plan",
        }
    }
}

/// The checks of one batch.
pub(crate) struct Checker<'a> {
    site: &'a SiteChecks,
    counts: &'a PlanCounts,
    /// The user and the signature that the batch says for all its events; kept only where they matter.
    user_id: Option<String>,
    signature: Option<String>,
    /// What was verified last, since the events of a batch mostly have one user.
    verified: Option<(String, String, bool)>,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(site: &'a SiteChecks, counts: &'a PlanCounts, context: &Context) -> Self {
        let matters = site.anonymous != AnonymousPolicy::Accept || site.signer.is_some();
        let kept = |text: &Option<String>| text.clone().filter(|_| matters);
        let (user_id, signature) = (kept(&context.user_id), kept(&context.user_signature));
        Self { site, counts, user_id, signature, verified: None }
    }

    /// Judges one event; a key event of the plan is marked as one.
    pub(crate) fn check(&mut self, event: &mut Event) -> Fate {
        let own = event.context.as_deref();
        let own_id = event.user_id.as_deref().or(own.and_then(|own| own.user_id.as_deref()));
        let own_signature = own.and_then(|own| own.user_signature.as_deref());
        let named = own_id.is_some() || self.user_id.is_some();
        if !named && self.site.anonymous == AnonymousPolicy::Drop {
            return Fate::Dropped("anonymous", "the site takes no events without a user_id");
        }
        if self.site.users_are_signed && named && !self.is_signed(own_id, own_signature) {
            return Fate::Invalid(Step::User, vec![not_signed()]);
        }
        match &self.site.plan {
            Some(plan) if self.site.plan_mode != PlanMode::Off => {
                if let Some(violations) = self.plan(plan, event) {
                    return Fate::Invalid(Step::Plan, violations);
                }
            }
            _ => {}
        }
        if !named && self.site.anonymous == AnonymousPolicy::Anonymise { Fate::Nameless } else { Fate::Kept }
    }

    /// Whether the user of an event is signed; what the event does not say itself, its batch says.
    pub(crate) fn is_signed(&mut self, own_id: Option<&str>, own_signature: Option<&str>) -> bool {
        let Some(signer) = &self.site.signer else { return false };
        let Some(user_id) = own_id.or(self.user_id.as_deref()) else { return false };
        let Some(signature) = own_signature.or(self.signature.as_deref()) else { return false };
        if let Some((id, signed, verified)) = &self.verified
            && (id.as_str(), signed.as_str()) == (user_id, signature)
        {
            return *verified;
        }
        let verified = signer.verifies(user_id, signature);
        self.verified = Some((user_id.to_owned(), signature.to_owned(), verified));
        verified
    }

    /// Whether neither an event that has no user of its own nor its batch names one.
    pub(crate) fn names_nobody(&self, own_id: Option<&str>) -> bool {
        own_id.is_none() && self.user_id.is_none()
    }

    /// What happens to events of this site that name no user.
    pub(crate) fn anonymous(&self) -> AnonymousPolicy {
        self.site.anonymous
    }

    /// The violations for which an event is refused.
    fn plan(&self, plan: &Plan, event: &mut Event) -> Option<Vec<Violation>> {
        let verdict = plan.judge(event);
        let name = event.name.as_deref().unwrap_or(event.kind.as_str());
        for violation in &verdict.violations {
            self.counts.count(plan, name, violation.rule.code());
        }
        if verdict.deprecated {
            self.counts.count(plan, name, "deprecated");
        }
        if verdict.key_event {
            event.key_event = Some(true);
        }
        let refused = !verdict.violations.is_empty() && self.site.plan_mode == PlanMode::Enforce;
        refused.then_some(verdict.violations)
    }
}

fn not_signed() -> Violation {
    let message = "the user_id has no valid signature: give context.user_signature, the HMAC-SHA-256 of the id by the \
                   site's secret in hex, made by the site's own server";
    Violation::new("context.user_signature", Rule::BadSignature, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> SiteChecks {
        let signer = UserSigner::new(b"0123456789abcdef");
        SiteChecks { signer, users_are_signed: true, ..SiteChecks::default() }
    }

    fn of(user_id: Option<&str>, signature: Option<&str>) -> Context {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Context { user_id: owned(user_id), user_signature: owned(signature), ..Context::default() }
    }

    #[test]
    fn each_event_needs_the_signature_of_its_own_user() {
        let site = site();
        let signer = site.signer.clone().unwrap();
        let (ada, bob) = (signer.sign("ada"), signer.sign("bob"));
        let counts = PlanCounts::default();
        let mut checker = Checker::new(&site, &counts, &of(Some("ada"), Some(&ada)));
        let own = |user_id, context| Event { user_id, context: Some(Box::new(context)), ..Event::track("a") };
        for (mut event, fine) in [
            (Event::track("a"), true),
            (Event { user_id: Some("bob".to_owned()), ..Event::track("a") }, false),
            (own(Some("bob".to_owned()), of(None, Some(&bob))), true),
            (own(None, of(Some("bob"), Some(&bob))), true),
            (own(None, of(Some("bob"), None)), false),
            (own(None, of(None, Some(&bob))), false),
            (own(None, of(None, Some("junk"))), false),
            (Event::track("a"), true),
        ] {
            let fate = checker.check(&mut event);
            assert_eq!(fate == Fate::Kept, fine, "{event:?}");
            if let Fate::Invalid(step, violations) = fate {
                assert_eq!((step, violations[0].rule), (Step::User, Rule::BadSignature));
            }
        }
        let mut nobody = Checker::new(&site, &counts, &of(None, None));
        assert_eq!(
            nobody.check(&mut Event::track("a")),
            Fate::Kept,
            "who names no user speaks in nobody's name"
        );
    }

    #[test]
    fn an_event_without_a_user_meets_its_sites_policy() {
        let counts = PlanCounts::default();
        for (anonymous, nobody) in [
            (AnonymousPolicy::Accept, "Kept"),
            (AnonymousPolicy::Anonymise, "Nameless"),
            (AnonymousPolicy::Drop, "Dropped(\"anonymous\", \"the site takes no events without a user_id\")"),
        ] {
            let site = SiteChecks { anonymous, ..SiteChecks::default() };
            let mut checker = Checker::new(&site, &counts, &Context::default());
            assert_eq!(format!("{:?}", checker.check(&mut Event::track("a"))), nobody);
            let mut named = Event { user_id: Some("ada".to_owned()), ..Event::track("a") };
            assert_eq!(checker.check(&mut named), Fate::Kept);
            let mut checker = Checker::new(&site, &counts, &of(Some("ada"), None));
            assert_eq!(checker.check(&mut Event::track("a")), Fate::Kept);
        }
    }
}
