//! An address, split at its marks and nowhere else: what a browser sends is well-formed already (WHATWG URL), and what
//! anybody else sends is only ever text here.

use footfall_event_model::text::cut;
use std::borrow::Cow;

/// Bytes of a host with its port: 253 of a name (RFC 1035, section 2.3.4), a colon and five digits.
const HOST_BYTES: usize = 259;
/// Bytes of a path that are kept.
const PATH_BYTES: usize = footfall_event_model::limits::URL_BYTES;

/// The parts of an address.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Address<'a> {
    pub(super) scheme: Option<Cow<'a, str>>,
    /// In lower case, with the port, without a user's name or password.
    pub(super) host: Option<Cow<'a, str>>,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
}

impl<'a> Address<'a> {
    /// Splits an absolute address or a path. `None` where it is neither, such as `about:blank`.
    pub(super) fn split(text: &'a str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with('/') && !text.starts_with("//") {
            let (path, query) = path_and_query(text);
            return Some(Self { path, query, ..Self::default() });
        }
        let (scheme, rest) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme))?;
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (path, query) = path_and_query(tail);
        Some(Self {
            scheme: Some(lower(scheme)),
            host: Some(lower(cut(host, HOST_BYTES))).filter(|host| !host.is_empty()),
            path: if path.is_empty() { "/" } else { path },
            query,
        })
    }
}

/// A path without query and fragment, as a sender may also give it.
pub(super) fn path_of(text: &str) -> &str {
    path_and_query(text.trim()).0
}

fn path_and_query(text: &str) -> (&str, &str) {
    let text = text.split_once('#').map_or(text, |(before, _)| before);
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    (cut(path, PATH_BYTES), query)
}

/// RFC 3986, section 3.1.
fn is_scheme(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.len() <= 32
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && text.bytes().all(allowed)
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_comes_apart_at_its_marks() {
        let part = |text| {
            let address = Address::split(text)?;
            let own = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned).unwrap_or_default();
            Some([own(address.scheme), own(address.host), address.path.to_owned(), address.query.to_owned()])
        };
        for (text, expected) in [
            ("https://forum.example/t/a/42?x=1&y#top", Some(["https", "forum.example", "/t/a/42", "x=1&y"])),
            ("HTTPS://Forum.Example:8443", Some(["https", "forum.example:8443", "/", ""])),
            ("https://anna:secret@forum.example/a", Some(["https", "forum.example", "/a", ""])),
            ("https://a@b@forum.example?q=1", Some(["https", "forum.example", "/", "q=1"])),
            ("http://[2001:db8::1]:80/#/route?no", Some(["http", "[2001:db8::1]:80", "/", ""])),
            ("file:///etc/passwd", Some(["file", "", "/etc/passwd", ""])),
            ("android-app://com.example.mail", Some(["android-app", "com.example.mail", "/", ""])),
            (" /t/a?b#c ", Some(["", "", "/t/a", "b"])),
            ("//forum.example/a", None),
            ("about:blank", None),
            ("java script://x", None),
            ("", None),
        ] {
            assert_eq!(part(text), expected.map(|parts| parts.map(str::to_owned)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_a_password_a_query_or_a_fragment_into_a_path(text in "(https?://)?[a-z@:/?#.\\\\ ä😀%0-9]{0,60}|.{0,60}") {
            if let Some(address) = Address::split(&text) {
                prop_assert!(!address.path.contains(['?', '#']) && !address.query.contains('#'));
                prop_assert!(address.host.is_none_or(|host| !host.contains(['@', '/', '?', '#'])));
            }
            prop_assert!(!path_of(&text).contains(['?', '#']));
        }
    }
}
