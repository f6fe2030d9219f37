//! From a name as people write it (`Order Completed`) to one of ours (`order_completed`).
//! One that cannot be mapped without becoming another's is refused: a guess would mix up two events.

use footfall_event_model::limits::NAME_BYTES;
use footfall_event_model::text::cut;
use footfall_event_model::{Rule, Violation};

/// Our form of a name: words in lower case with `_` between them. A word begins after anything but a letter, a digit,
/// `.` and `:`, and at a capital that follows a small letter or a digit, or that a small letter follows.
///
/// # Errors
/// A violation where the name has letters beyond ASCII, does not begin with a letter, or is too long.
pub(super) fn mapped(name: &str) -> Result<String, Violation> {
    let refused = |why: &str| {
        let message = format!(
            "event name {:?} cannot be made one of ours: {why}; a name such as \"Order Completed\" becomes \"order_completed\"",
            cut(name, NAME_BYTES)
        );
        Err(Violation::new("event", Rule::BadName, message))
    };
    let bytes = name.as_bytes();
    let is_ours = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b':');
    let begins = bytes.first().is_some_and(u8::is_ascii_lowercase);
    if begins && bytes.len() <= NAME_BYTES && bytes.iter().all(is_ours) {
        return Ok(name.to_owned());
    }
    let mut ours = String::with_capacity(name.len() + 4);
    // Whether a `_` is due before the next letter; none stands at the beginning, at the end, or twice.
    let mut due = false;
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'A'..=b'Z' => {
                let before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied().unwrap_or(b' ');
                let next = bytes.get(at + 1).copied().unwrap_or(b' ');
                let begins = before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_ascii_uppercase() && next.is_ascii_lowercase());
                push(&mut ours, &mut due, begins, byte.to_ascii_lowercase());
            }
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b':' => push(&mut ours, &mut due, false, byte),
            // A dash or an emoji divides words as a space does.
            _ => due = true,
        }
        if ours.len() > NAME_BYTES {
            return refused("it has more than 64 characters");
        }
    }
    if name.chars().any(|c| !c.is_ascii() && c.is_alphanumeric()) {
        return refused("it has letters other than a to z");
    }
    if !ours.starts_with(|first: char| first.is_ascii_lowercase()) {
        return refused("it does not begin with a letter from a to z");
    }
    Ok(ours)
}

fn push(ours: &mut String, due: &mut bool, begins: bool, letter: u8) {
    if (*due || begins) && !ours.is_empty() {
        ours.push('_');
    }
    *due = false;
    ours.push(char::from(letter));
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_event_model::{Event, check};
    use proptest::prelude::*;

    #[test]
    fn names_become_words_in_lower_case() {
        for (theirs, ours) in [
            ("Order Completed", "order_completed"),
            ("order_completed", "order_completed"),
            ("orderCompleted", "order_completed"),
            ("  Order -- Completed! ", "order_completed"),
            ("HTTPError", "http_error"),
            ("Viewed 3D Model", "viewed_3_d_model"),
            ("$pageview", "pageview"),
            ("shop:cart.Opened", "shop:cart.opened"),
            ("Order\u{2014}Completed", "order_completed"),
            ("A", "a"),
        ] {
            assert_eq!(mapped(theirs).unwrap(), ours, "{theirs}");
        }
    }

    #[test]
    fn what_would_become_anothers_name_is_refused_in_words() {
        let long = "x".repeat(65);
        for (name, why) in [
            ("K\u{e4}ufe", "it has letters other than a to z"),
            ("\u{8cfc}\u{5165}", "it has letters other than a to z"),
            ("3D View", "it does not begin with a letter"),
            ("!!!", "it does not begin with a letter"),
            ("", "it does not begin with a letter"),
            (long.as_str(), "it has more than 64 characters"),
        ] {
            let refused = mapped(name).unwrap_err();
            assert_eq!((refused.path.as_str(), refused.rule), ("event", Rule::BadName), "{name}");
            assert!(refused.message.contains(why), "{}", refused.message);
        }
    }

    proptest! {
        #[test]
        fn a_mapped_name_is_one_of_ours_and_stays_as_it_is(name in "\\PC{0,80}|[A-Za-z0-9_.: -]{0,80}") {
            if let Ok(ours) = mapped(&name) {
                prop_assert!(check(&Event::track(ours.clone())).is_ok(), "{}", ours);
                prop_assert_eq!(mapped(&ours).unwrap(), ours);
            }
        }
    }
}
