//! Reads a text once, without recursion and without building anything: is it one JSON value, how deep, how wide?
//! It stands beside `serde_json` because it runs in each visitor's browser, where that would be four times its size.

/// How deep and how wide a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shape {
    /// Objects and arrays inside one another, the outermost counted; 0 for a plain value.
    pub(crate) depth: usize,
    /// Keys of all objects at every depth.
    pub(crate) keys: usize,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Value,
    /// A value, or the end of an array that has just begun.
    ValueOrEnd,
    Key,
    /// A key, or the end of an object that has just begun.
    KeyOrEnd,
    /// A comma or an end; the end of the text where nothing is open.
    Separator,
}

/// Measures a text that is exactly one JSON value (RFC 8259) with no white space around it; `None` for any other.
pub(crate) fn scan(text: &[u8]) -> Option<Shape> {
    // What is open, innermost last: `true` for an object.
    let mut open: Vec<bool> = Vec::new();
    let (mut shape, mut next, mut at) = (Shape::default(), Next::Value, 0);
    if is_space(*text.first()?) || is_space(*text.last()?) {
        return None;
    }
    while let Some(&byte) = text.get(at) {
        at += 1;
        match (next, byte) {
            (_, byte) if is_space(byte) => {}
            (Next::Value | Next::ValueOrEnd, b'{' | b'[') => {
                open.push(byte == b'{');
                shape.depth = shape.depth.max(open.len());
                next = if byte == b'{' { Next::KeyOrEnd } else { Next::ValueOrEnd };
            }
            (Next::Separator | Next::ValueOrEnd | Next::KeyOrEnd, b'}' | b']') => {
                if open.pop()? != (byte == b'}') {
                    return None;
                }
                next = Next::Separator;
            }
            (Next::Separator, b',') => next = if *open.last()? { Next::Key } else { Next::Value },
            (Next::Key | Next::KeyOrEnd, b'"') => {
                at = string(text, at)?;
                while is_space(*text.get(at)?) {
                    at += 1;
                }
                if text[at] != b':' {
                    return None;
                }
                at += 1;
                shape.keys += 1;
                next = Next::Value;
            }
            (Next::Value | Next::ValueOrEnd, _) => {
                at = plain(text, at - 1)?;
                next = Next::Separator;
            }
            _ => return None,
        }
    }
    (next == Next::Separator && open.is_empty()).then_some(shape)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Reads a string whose opening quote stands before `at`; gives the place after its closing quote.
fn string(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let byte = *text.get(at)?;
        at += 1;
        match byte {
            b'"' => return Some(at),
            b'\\' => match text.get(at)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 1,
                b'u' if text.get(at + 1..at + 5)?.iter().all(u8::is_ascii_hexdigit) => at += 5,
                _ => return None,
            },
            0..0x20 => return None,
            _ => {}
        }
    }
}

/// Reads a string, a number, `true`, `false` or `null` at `at`; gives the place after it.
fn plain(text: &[u8], at: usize) -> Option<usize> {
    match text[at] {
        b'"' => return string(text, at + 1),
        b'-' | b'0'..=b'9' => return number(text, at),
        _ => {}
    }
    let words: [&[u8]; 3] = [b"true", b"false", b"null"];
    words.into_iter().find(|word| text[at..].starts_with(word)).map(|word| at + word.len())
}

fn number(text: &[u8], mut at: usize) -> Option<usize> {
    // No number holds a zero byte, so that one stands for the end.
    let byte = |at: usize| text.get(at).copied().unwrap_or(0);
    let digits = |mut at: usize| {
        let first = at;
        while byte(at).is_ascii_digit() {
            at += 1;
        }
        (at > first).then_some(at)
    };
    if byte(at) == b'-' {
        at += 1;
    }
    at = if byte(at) == b'0' { at + 1 } else { digits(at)? };
    if byte(at) == b'.' {
        at = digits(at + 1)?;
    }
    if byte(at) | 0x20 == b'e' {
        at += 1;
        if matches!(byte(at), b'+' | b'-') {
            at += 1;
        }
        at = digits(at)?;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    fn shape(text: &str) -> Option<Shape> {
        scan(text.as_bytes())
    }

    fn measured(depth: usize, keys: usize) -> Option<Shape> {
        Some(Shape { depth, keys })
    }

    /// What `serde_json` says of the same text.
    fn is_json(text: &str) -> bool {
        text.trim_matches([' ', '\t', '\n', '\r']).len() == text.len()
            && serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    #[test]
    fn depth_counts_the_outermost_and_keys_count_at_every_depth() {
        assert_eq!(shape("5"), measured(0, 0));
        assert_eq!(shape("{}"), measured(1, 0));
        assert_eq!(shape(r#"{"a":[{"b":1},{"c":2}],"d":{}}"#), measured(3, 4));
    }

    #[test]
    fn braces_and_colons_inside_strings_do_not_count() {
        assert_eq!(shape(r#"{"a{[:":"}]:\"{{\\"}"#), measured(1, 1));
    }

    #[test]
    fn a_bomb_of_a_hundred_thousand_brackets_is_measured() {
        let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(shape(&bomb), measured(100_000, 0));
    }

    #[test]
    fn what_is_no_json_is_told_apart() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "{}{}",
            "{} ",
            " 1",
            "[1,]",
            "[,1]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "[1 2]",
            "[}",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "1e+",
            "+1",
            "tru",
            "nul",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"",
            "undefined",
            "[object Object]",
            "NaN",
            "[1}",
            "{]",
            "1,",
            ",",
        ] {
            assert_eq!((shape(text), is_json(text)), (None, false), "{text}");
        }
        for text in
            ["-0.5e-3", "0", "10", "[ 1 , 2 ]", "{ \"a\" : [ ] }", "\"\\ud83d\"", "\"\u{7f}\"", "1E9", "null"]
        {
            assert!(shape(text).is_some() && is_json(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn it_agrees_with_serde_json_on_any_text(text in r#"[\[\]{}:,"0-9.eE+\-a-f\\ut nrls\n]{0,12}"#) {
            prop_assert_eq!(shape(&text).is_some(), is_json(&text), "{}", text);
        }

        #[test]
        fn it_agrees_with_serde_json_on_json_with_a_byte_changed(
            keys in prop::collection::vec(r#"[a-c"\\:{}]{0,4}"#, 0..4), number in any::<f64>(), at in any::<usize>(), byte in 0u8..128,
        ) {
            let value = serde_json::json!({ "keys": keys, "number": number, "nested": [[{}, null, true], "x"] });
            let mut text = value.to_string().into_bytes();
            prop_assert!(scan(&text).is_some());
            let at = at % text.len();
            text[at] = byte;
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(shape(&text).is_some(), is_json(&text), "{}", text);
        }
    }
}
