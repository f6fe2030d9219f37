//! The forum's settings, from flags and the environment, each checked before anything starts.
//! Opening what they name (the port, the data directory) is left to the start itself.

use std::{fmt, net::SocketAddr, path::PathBuf};

use axum::http::Uri;
use clap::Parser;

/// A small forum that shows what Footfall sees of it.
#[derive(Debug, Clone, Parser)]
#[command(name = "footfall-forum", version)]
pub struct Settings {
    /// Address and port of the forum; port 0 takes a free one.
    #[arg(long, env = "FORUM_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,

    /// Where the forum keeps its database; made and filled at the first start.
    #[arg(long, env = "FORUM_DATA_DIR", default_value = ".footfall/forum", value_name = "DIR")]
    pub data_dir: PathBuf,

    /// The ingest server as browsers reach it.
    #[arg(long, env = "FORUM_INGEST_URL", default_value = "http://127.0.0.1:8080", value_name = "URL", value_parser = BaseUrl::parse)]
    pub ingest_url: BaseUrl,

    /// The ingest server's admin address as the forum reaches it, for the live panel.
    #[arg(long, env = "FORUM_ADMIN_URL", default_value = "http://127.0.0.1:8081", value_name = "URL", value_parser = BaseUrl::parse_plain_http)]
    pub admin_url: BaseUrl,

    /// The write key that the page sends its events with.
    #[arg(long, env = "FORUM_WRITE_KEY", default_value = "pk_demo", value_name = "KEY", value_parser = parse_write_key)]
    pub write_key: String,
}

/// An `http://` or `https://` address that paths are appended to: no query, no fragment, no slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    origin: String,
}

impl BaseUrl {
    /// Reads an address such as `https://events.example.org` or `http://127.0.0.1:8080/footfall/`.
    ///
    /// # Errors
    /// A sentence that names what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shape = "write it as http://HOST:PORT or https://HOST";
        let uri: Uri = text.parse().map_err(|error| format!("not an address ({error}): {shape}"))?;
        let scheme = match uri.scheme_str() {
            Some(scheme @ ("http" | "https")) => scheme,
            Some(other) => return Err(format!("the scheme {other}:// is not served: {shape}")),
            None => return Err(format!("the scheme is missing: {shape}")),
        };
        let authority = uri.authority().ok_or_else(|| format!("the host is missing: {shape}"))?;
        if authority.as_str().contains('@') {
            return Err(format!("a name or password has no place here: {shape}"));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(format!("a query or fragment has no place here: {shape}"));
        }
        let origin = format!("{scheme}://{authority}");
        // Quotes, semicolons and spaces would end the attribute or the policy that the address is written into.
        if text.contains([';', ',', '"', '\'', '<', '>', ' ']) {
            return Err(format!("it contains a character that a web address must escape: {shape}"));
        }
        Ok(Self { text: format!("{origin}{}", uri.path().trim_end_matches('/')), origin })
    }

    /// Like [`BaseUrl::parse`], for an address that the forum itself calls, without TLS.
    ///
    /// # Errors
    /// A sentence that names what is wrong and what would be right.
    pub fn parse_plain_http(text: &str) -> Result<Self, String> {
        let url = Self::parse(text)?;
        if url.text.starts_with("https://") {
            return Err(
                "the forum reaches the admin address without TLS: write it as http://HOST:PORT".into()
            );
        }
        Ok(url)
    }

    /// Scheme, host and port alone, as a Content-Security-Policy names a source.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parse_write_key(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if (1..=256).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("a write key has 1 to 256 letters, digits, '_', '-' or '.', such as pk_demo".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_keeps_its_path_and_loses_the_last_slash() {
        let url = BaseUrl::parse("https://example.org:8443/footfall/").unwrap();
        assert_eq!(url.to_string(), "https://example.org:8443/footfall");
        assert_eq!(url.origin(), "https://example.org:8443");
    }

    #[test]
    fn a_wrong_url_is_answered_with_what_would_be_right() {
        for (text, word) in [
            ("127.0.0.1:8080", "scheme"),
            ("ftp://example.org", "ftp"),
            ("http://a:b@example.org", "password"),
            ("http://example.org/?a=1", "query"),
            ("http://example.org/;script-src", "escape"),
            ("", "not an address"),
        ] {
            let reason = BaseUrl::parse(text).unwrap_err();
            assert!(reason.contains(word) && reason.contains("http://HOST:PORT"), "{text}: {reason}");
        }
        assert!(BaseUrl::parse_plain_http("https://example.org").unwrap_err().contains("http://HOST:PORT"));
    }

    #[test]
    fn settings_come_from_flags_and_have_the_documented_defaults() {
        let settings = Settings::try_parse_from(["footfall-forum"]).unwrap();
        assert_eq!(settings.listen.port(), 3000);
        assert_eq!(settings.write_key, "pk_demo");
        let error = Settings::try_parse_from(["footfall-forum", "--listen", "3000"]).unwrap_err().to_string();
        assert!(error.contains("--listen") && error.contains("3000"), "{error}");
    }
}
