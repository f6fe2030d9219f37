//! Text as the web sends it: cut by code point, and with lone surrogates made harmless.
//! Both are about keeping a string valid Unicode; what may be in it is decided by `check`.

/// Cuts `text` to at most `max_bytes` without splitting a code point.
///
/// ```
/// assert_eq!(footfall_event_model::text::cut("häuser", 2), "h");
/// ```
pub fn cut(text: &str, max_bytes: usize) -> &str {
    let mut end = max_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Texts put together. (`concat` brings a copying loop for each kind of slice into every visitor's browser.)
///
/// ```
/// assert_eq!(footfall_event_model::text::joined(&["a", "b"]), "ab");
/// ```
pub fn joined(parts: &[&str]) -> String {
    let mut joined = String::new();
    for part in parts {
        joined.push_str(part);
    }
    joined
}

const DIGITS: &str = "0123456789abcdef";

/// Appends a digit, up to the hexadecimal ones.
pub fn push_digit(out: &mut String, digit: usize) {
    out.push_str(DIGITS.get(digit..=digit).unwrap_or_default());
}

/// Appends a number in decimal digits. (`format!` would cost each visitor of a page a kilobyte.)
///
/// ```
/// let mut text = String::new();
/// footfall_event_model::text::push_number(&mut text, 42);
/// assert_eq!(text, "42");
/// ```
pub fn push_number(out: &mut String, number: u64) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    push_digit(out, (number % 10) as usize);
}

/// Replaces each lone surrogate escape (`\ud83d` without its other half) in a JSON text by `\ufffd`, in place,
/// and returns how many there were.
///
/// JavaScript's strings may hold half a surrogate pair and `JSON.stringify` escapes it (ECMA-262, "well-formed
/// JSON.stringify"); such a text is JSON, but no Unicode string can be made of it, and one half emoji would
/// cost the whole event. Both escapes are six bytes long, so nothing moves.
pub fn repair_surrogates(json: &mut [u8]) -> usize {
    let mut repaired = 0;
    // Most texts escape nothing, and this looks at many bytes at once.
    if !json.contains(&b'\\') {
        return repaired;
    }
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| rest.iter().position(|&b| b == b'\\')) {
        at += found;
        match surrogate_at(json, at) {
            Some(Half::High) if surrogate_at(json, at + 6) == Some(Half::Low) => at += 12,
            Some(_) => {
                json[at + 2..at + 6].copy_from_slice(b"fffd");
                repaired += 1;
                at += 6;
            }
            // An escaped backslash, quote or letter: two bytes. The digits of another \u hold no backslash.
            None => at += 2,
        }
    }
    repaired
}

#[derive(PartialEq)]
enum Half {
    High,
    Low,
}

/// Tells which half of a surrogate pair is escaped at `at`, if one is.
fn surrogate_at(json: &[u8], at: usize) -> Option<Half> {
    let [b'\\', b'u', b'd' | b'D', second, third, fourth] = json.get(at..at + 6)? else { return None };
    if !third.is_ascii_hexdigit() || !fourth.is_ascii_hexdigit() {
        return None;
    }
    match second {
        b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => Some(Half::High),
        b'c'..=b'f' | b'C'..=b'F' => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn repaired(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        repair_surrogates(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn pairs_stay_and_halves_become_the_replacement_character() {
        assert_eq!(repaired(r#""\ud83d\ude00""#), r#""\ud83d\ude00""#);
        assert_eq!(repaired(r#""a\ud83d""#), r#""a\ufffd""#);
        assert_eq!(repaired(r#""\uDE00\ud83d""#), r#""\ufffd\ufffd""#);
        assert_eq!(repaired(r#""\ud83d\ud83d\ude00""#), r#""\ufffd\ud83d\ude00""#);
    }

    #[test]
    fn an_escaped_backslash_before_u_is_text() {
        assert_eq!(repaired(r#""\\ud83d""#), r#""\\ud83d""#);
        assert_eq!(repaired(r#""\\\ud83d""#), r#""\\\ufffd""#);
    }

    proptest! {
        #[test]
        fn any_utf16_that_a_browser_escapes_decodes_afterwards(units in prop::collection::vec(any::<u16>(), 0..24)) {
            let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let mut json = format!("\"{escaped}\"").into_bytes();
            repair_surrogates(&mut json);
            let decoded: String = serde_json::from_slice(&json).unwrap();
            prop_assert_eq!(decoded, String::from_utf16_lossy(&units));
        }

        #[test]
        fn a_number_is_written_as_it_is(number: u64) {
            let mut text = String::new();
            push_number(&mut text, number);
            prop_assert_eq!(text, number.to_string());
        }

        #[test]
        fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let before = bytes.len();
            repair_surrogates(&mut bytes);
            prop_assert_eq!(bytes.len(), before);
        }

        #[test]
        fn a_cut_is_a_prefix_within_the_limit(text in ".{0,24}", max in 0usize..40) {
            let cut = cut(&text, max);
            prop_assert!(cut.len() <= max && text.starts_with(cut));
        }
    }
}
