//! The header `Forwarded` (RFC 7239, section 4), read from its right end.
//! A proxy appends to what it was sent, so only from that end does a stray quote of somebody before it harm nothing.

use super::node;
use std::borrow::Cow;
use std::net::IpAddr;

/// The elements of one line, the last one first; empty ones are left out (RFC 9110, section 5.6.1.2).
pub(super) fn elements_from_the_right(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let (before, element) = split_last(rest?);
        rest = before;
        Some(element.trim_ascii())
    })
    .filter(|element| !element.is_empty())
}

/// Splits at the last comma that stands in no quotes.
fn split_last(line: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b'"' if quoted => {
                let escapes = line[..at].iter().rev().take_while(|&&byte| byte == b'\\').count();
                quoted = escapes % 2 == 1;
            }
            b'"' => quoted = true,
            b',' if !quoted => return (Some(&line[..at]), &line[at + 1..]),
            _ => {}
        }
    }
    (None, line)
}

/// The address of an element's `for`; `None` where it tells none, tells two, or breaks the grammar.
pub(super) fn node(element: &[u8]) -> Option<IpAddr> {
    let mut found: Option<Cow<'_, [u8]>> = None;
    let mut rest = element;
    loop {
        rest = rest.trim_ascii_start();
        // The grammar allows a semicolon with nothing before it.
        if let Some(after) = rest.strip_prefix(b";") {
            rest = after;
            continue;
        }
        if rest.is_empty() {
            return node::read(&found?);
        }
        let (name, value, after) = pair(rest)?;
        if name.eq_ignore_ascii_case(b"for") && found.replace(value).is_some() {
            return None;
        }
        rest = after;
    }
}

type Pair<'a> = (&'a [u8], Cow<'a, [u8]>, &'a [u8]);

/// A name, its value without quotes, and what stands after the two.
fn pair(text: &[u8]) -> Option<Pair<'_>> {
    let equals = text.iter().position(|&byte| byte == b'=')?;
    let (name, text) = (&text[..equals], &text[equals + 1..]);
    if let Some(text) = text.strip_prefix(b"\"") {
        let (value, after) = unquoted(text)?;
        let after = after.trim_ascii_start();
        return (after.is_empty() || after.starts_with(b";")).then_some((name, value, after));
    }
    let end = text.iter().position(|&byte| byte == b';').unwrap_or(text.len());
    let (value, after) = text.split_at(end);
    Some((name, Cow::Borrowed(value.trim_ascii_end()), after))
}

/// The content of a quoted string whose first quote is gone, and what follows it (RFC 9110, section 5.6.4).
fn unquoted(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let end = text.iter().position(|&byte| byte == b'"' || byte == b'\\')?;
    if text[end] == b'"' {
        return Some((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut value = text[..end].to_vec();
    let mut bytes = text.iter().enumerate().skip(end);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some((Cow::Owned(value), &text[at + 1..])),
            b'\\' => value.push(*bytes.next()?.1),
            _ => value.push(*byte),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_come_from_the_right_and_commas_in_quotes_part_none() {
        let line = br#"for=1.1.1.1;by="a,b" ,, for="x\",y" , for=2.2.2.2"#;
        let elements: Vec<_> = elements_from_the_right(line).collect();
        assert_eq!(elements, [&b"for=2.2.2.2"[..], br#"for="x\",y""#, br#"for=1.1.1.1;by="a,b""#]);
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        for (element, address) in [
            ("for=\"_gazonk\"", None),
            ("For=\"[2001:db8:cafe::17]:4711\"", Some("2001:db8:cafe::17")),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", Some("192.0.2.60")),
            ("for=192.0.2.43", Some("192.0.2.43")),
            ("by=203.0.113.43; FOR=\"192.0.2.60:80\" ;", Some("192.0.2.60")),
            ("for=\"192\\.0.2.60\"", Some("192.0.2.60")),
            // Not what the grammar asks for, and what some proxies write.
            ("for=192.0.2.60:80", Some("192.0.2.60")),
            ("for=[2001:db8::1]:80", Some("2001:db8::1")),
            ("for=2001:db8::1", Some("2001:db8::1")),
        ] {
            assert_eq!(
                node(element.as_bytes()),
                address.map(|address| address.parse().unwrap()),
                "{element}"
            );
        }
    }

    #[test]
    fn what_breaks_the_grammar_tells_no_address() {
        for element in [
            "",
            "for",
            "for=",
            "for=unknown",
            "proto=https",
            "for=192.0.2.1;for=192.0.2.2",
            "for=\"192.0.2.1",
            "for=\"192.0.2.1\"x",
            "for=\"192.0.2.1\\",
            "192.0.2.1",
            "for=192.0.2.1;secret",
            "=192.0.2.1",
            "xfor=192.0.2.1",
            "for =192.0.2.1",
        ] {
            assert_eq!(node(element.as_bytes()), None, "{element}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
            let _ = elements_from_the_right(&bytes).map(node).count();
        }

        #[test]
        fn whatever_stands_in_quotes_comes_back(text in "[ -~]{0,24}") {
            let quoted = format!("for=\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            let elements: Vec<_> = elements_from_the_right(quoted.as_bytes()).collect();
            prop_assert_eq!(&elements, &[quoted.as_bytes()]);
            let (name, value, after) = pair(quoted.as_bytes()).unwrap();
            prop_assert_eq!((name, value.as_ref(), after), (&b"for"[..], text.as_bytes(), &b""[..]));
        }
    }
}
