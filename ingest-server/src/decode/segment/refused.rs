//! What is wrong with an event, said in the names that its sender knows.
//! The rules and the sentences are those of all events.

use footfall_event_model::Violation;

/// Our fields that have another name there.
const NAMES: [(&str, &str); 6] = [
    ("event_id", "messageId"),
    ("user_id", "userId"),
    ("group_id", "groupId"),
    ("previous_id", "previousId"),
    ("context.anonymous_id", "anonymousId"),
    ("context.group_id", "context.groupId"),
];

/// The violation with the sender's own names.
pub(super) fn renamed(mut violation: Violation) -> Violation {
    if let Some((ours, theirs)) = NAMES.iter().find(|(ours, _)| *ours == violation.path) {
        if let Some(rest) = violation.message.strip_prefix(ours) {
            violation.message = format!("{theirs}{rest}");
        }
        violation.path = (*theirs).to_owned();
    }
    violation
}
