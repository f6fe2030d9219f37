//! Addresses as privacy lets them be sent: no fragment, and of the query only campaign tags (`utm_*`).
//! Rules that a site sets itself, and ids inside paths, are not judged here.

use footfall_event_model::{limits::URL_BYTES, text};

/// An address for `page.url` and `page.referrer`.
///
/// ```
/// let url = "https://forum.example/t/42?token=s3cret&utm_source=mail#reply";
/// assert_eq!(footfall_sdk::core::address::scrubbed(url), "https://forum.example/t/42?utm_source=mail");
/// ```
pub fn scrubbed(url: &str) -> String {
    let (base, query) = split(url);
    let mut kept = base.to_owned();
    let mut mark = '?';
    let mut rest = query;
    while !rest.is_empty() {
        let (pair, more) = split_at(rest, b'&');
        if pair.starts_with("utm_") {
            kept.push(mark);
            kept.push_str(pair);
            mark = '&';
        }
        rest = more;
    }
    cut(kept)
}

/// The target of a link on a page of `origin`: the path within the site, origin and path outside of it, and
/// only the scheme of what is no web address (an e-mail address or a telephone number is somebody's).
pub fn target(href: &str, origin: &str) -> String {
    let (base, _) = split(href);
    if let Some(path) = base.strip_prefix(origin)
        && (path.is_empty() || path.starts_with('/'))
    {
        return cut(path.to_owned());
    }
    match split_at(base, b':') {
        ("http" | "https", _) | (_, "") => cut(base.to_owned()),
        (scheme, _) => [scheme, ":"].concat(),
    }
}

/// An address without what stands after `#`.
pub fn without_fragment(url: &str) -> &str {
    split_at(url, b'#').0
}

/// What stands before the query, and the query without its fragment.
fn split(url: &str) -> (&str, &str) {
    split_at(without_fragment(url), b'?')
}

/// Splits at the first such character, which belongs to neither part.
fn split_at(text: &str, mark: u8) -> (&str, &str) {
    let at = text.bytes().position(|byte| byte == mark);
    at.map_or((text, ""), |at| (&text[..at], &text[at + 1..]))
}

fn cut(mut url: String) -> String {
    url.truncate(text::cut(&url, URL_BYTES).len());
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_campaign_tags_of_a_query_are_kept() {
        for (url, kept) in [
            ("https://a.example/p", "https://a.example/p"),
            ("https://a.example/p?q=1", "https://a.example/p"),
            (
                "https://a.example/p?utm_source=x&sid=1&utm_medium=y#?utm_z=1",
                "https://a.example/p?utm_source=x&utm_medium=y",
            ),
            ("https://a.example/#utm_source=x", "https://a.example/"),
            ("", ""),
        ] {
            assert_eq!(scrubbed(url), kept);
        }
        assert_eq!(scrubbed(&"ä".repeat(5_000)).len(), URL_BYTES);
    }

    #[test]
    fn a_link_tells_where_it_leads_and_no_more() {
        for (href, told) in [
            ("https://a.example/t/1?x=1#y", "/t/1"),
            ("https://a.example", ""),
            ("https://a.example.evil/t/1?x=1", "https://a.example.evil/t/1"),
            ("http://b.example/z", "http://b.example/z"),
            ("mailto:ann@b.example", "mailto:"),
            ("tel:+49123", "tel:"),
            ("javascript:alert(1)", "javascript:"),
        ] {
            assert_eq!(target(href, "https://a.example"), told);
        }
    }
}
