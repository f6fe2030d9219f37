//! The Client Hints of a browser (User-Agent Client Hints, section 3), as far as it sent them.
//! Chromium sends brand, mobile and platform to everybody over HTTPS, the rest only where the page delegates it.

/// Brands of a list that are read.
const BRANDS: usize = 16;

/// What the hints say.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Hints<'a> {
    /// The browser, by the name that uap-core has for it, and its version.
    pub(super) brand: Option<(&'a str, &'a str)>,
    /// Whether it wants pages for phones.
    pub(super) mobile: Option<bool>,
    pub(super) platform: Option<&'a str>,
    pub(super) platform_version: Option<&'a str>,
    pub(super) model: Option<&'a str>,
}

impl<'a> Hints<'a> {
    /// Reads the headers in the order of `HEADERS`, without the first.
    pub(super) fn read(mut headers: impl Iterator<Item = &'a str>) -> Self {
        let mut next = || headers.next().unwrap_or_default();
        let (brands, full, mobile, platform, platform_version, model) =
            (next(), next(), next(), next(), next(), next());
        Self {
            brand: brand(full).or_else(|| brand(brands)),
            mobile: match mobile {
                "?1" => Some(true),
                "?0" => Some(false),
                _ => None,
            },
            platform: text(platform).filter(|name| *name != "Unknown"),
            platform_version: text(platform_version),
            model: text(model),
        }
    }
}

/// A string of a structured field (RFC 9651, section 3.3.3). One with an escape is in no browser's hint, and is left.
fn text(field: &str) -> Option<&str> {
    let inner = field.trim().strip_prefix('"')?.strip_suffix('"')?.trim();
    (!inner.is_empty() && !inner.contains(['"', '\\'])).then_some(inner)
}

/// The brand that a list means: not the one that is there to be ignored ("Not/A)Brand", section 3.4), and `Chromium`
/// only where there is none on top of it.
fn brand(list: &str) -> Option<(&str, &str)> {
    let mut found = None;
    for member in Members(list).take(BRANDS) {
        let (name, version) = (member.0.trim(), member.1.trim());
        if name.is_empty() || (name.contains("Not") && name.contains("Brand")) {
            continue;
        }
        if name != "Chromium" {
            return Some((common(name), version));
        }
        found = Some((name, version));
    }
    found
}

/// The name that the `User-Agent` of the same browser leads to.
fn common(brand: &str) -> &str {
    match brand {
        "Google Chrome" => "Chrome",
        "Microsoft Edge" => "Edge",
        "Android WebView" => "Chrome WebView",
        "Microsoft Edge WebView2" => "Edge WebView2",
        other => other,
    }
}

/// The members `"name";v="version"` of a list.
struct Members<'a>(&'a str);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = quoted(self.0)?;
        let (version, rest) = match rest.strip_prefix(";v=") {
            Some(rest) => quoted(rest).unwrap_or(("", "")),
            None => ("", rest),
        };
        self.0 = rest;
        Some((name, version))
    }
}

/// The next text in quotes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once('"')?;
    let mut escaped = false;
    let end = rest.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some((rest.get(..end)?, rest.get(end + 1..)?))
}

/// What the platform's version means to people: Windows counts the versions of an interface (table in section 3.8 of
/// Microsoft's notes on the hint: 13 and above is Windows 11).
pub(super) fn os_version<'a>(platform: &str, version: &'a str) -> &'a str {
    if platform != "Windows" {
        return trimmed(version);
    }
    let mut parts = version.split('.');
    let major = parts.next().and_then(|part| part.parse::<u32>().ok());
    match (major, parts.next()) {
        (Some(13..), _) => "11",
        (Some(1..13), _) => "10",
        (Some(0), Some("3")) => "8.1",
        (Some(0), Some("2")) => "8",
        (Some(0), Some("1")) => "7",
        _ => version,
    }
}

/// A version without the zeros that every browser of a kind tells.
pub(super) fn trimmed(version: &str) -> &str {
    let mut version = version;
    while let Some(shorter) = version.strip_suffix(".0")
        && shorter.contains('.')
    {
        version = shorter;
    }
    version
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: &str =
        r#""Not/A)Brand";v="8.0.0.0", "Chromium";v="126.0.6478.61", "Google Chrome";v="126.0.6478.61""#;

    fn read(headers: [&str; 6]) -> Hints<'_> {
        Hints::read(headers.into_iter())
    }

    #[test]
    fn a_browser_is_told_by_its_brand_and_not_by_what_is_there_to_be_ignored() {
        for (list, expected) in [
            (LIST, Some(("Chrome", "126.0.6478.61"))),
            (r#""Chromium";v="126", " Not A;Brand";v="99""#, Some(("Chromium", "126"))),
            (r#""(Not(A:Brand";v="8", "Chromium";v="98", "Microsoft Edge";v="98""#, Some(("Edge", "98"))),
            (r#""Brave""#, Some(("Brave", ""))),
            (r#"""; " ";v="1""#, None),
            (r#"""; " Brave ";v=" 1 ""#, Some(("Brave", "1"))),
            (r#""a\"b";v="1""#, Some((r#"a\"b"#, "1"))),
            (r#""Chrome"#, None),
            ("Chrome", None),
            ("", None),
        ] {
            assert_eq!(brand(list), expected, "{list}");
        }
    }

    #[test]
    fn the_long_list_wins_over_the_short_one_and_the_rest_is_read() {
        let short = r#""Google Chrome";v="126""#;
        let hints = read([short, LIST, "?1", "\"Android\"", "\"14.0.0\"", "\"Pixel 8\""]);
        let expected = Hints {
            brand: Some(("Chrome", "126.0.6478.61")),
            mobile: Some(true),
            platform: Some("Android"),
            platform_version: Some("14.0.0"),
            model: Some("Pixel 8"),
        };
        assert_eq!(hints, expected);
        assert_eq!(read(["", "", "yes", "Android", "\"\"", "\"a"]), Hints::default());
    }

    #[test]
    fn windows_tells_its_version_in_a_way_of_its_own() {
        for (version, said) in
            [("15.0.0", "11"), ("13.0.0", "11"), ("10.0.0", "10"), ("0.3.0", "8.1"), ("x", "x")]
        {
            assert_eq!(os_version("Windows", version), said);
        }
        assert_eq!(os_version("macOS", "14.5.0"), "14.5");
        assert_eq!(trimmed("126.0.0.0"), "126.0");
    }

    proptest! {
        #[test]
        fn any_text_is_survived(list in "[\"\\\\;v=, a-c]{0,40}|.{0,40}", other in ".{0,20}") {
            let _ = (brand(&list), read([&list, &other, &list, &other, &list, &other]), os_version("Windows", &other));
        }
    }
}
