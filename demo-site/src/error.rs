//! Everything that can go wrong in the forum, at the start and while it serves.
//! The status and the words of an error page are derived from here; how the page looks is left to `http::refusal`.

use std::{io, net::SocketAddr, path::PathBuf};

use axum::http::StatusCode;

/// What went wrong, in words for the person who reads it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {}", listen_advice(.source))]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The data directory cannot be made or written.
    #[error("cannot use the data directory {}: {source}; name another with --data-dir", .path.display())]
    DataDir {
        /// The directory that was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database was made by a forum of another version.
    #[error("{} has format {found}, this forum reads {expected}: move it away or name another --data-dir", .path.display())]
    Format {
        /// The database file.
        path: PathBuf,
        /// The format found in it.
        found: i64,
        /// The format this version reads.
        expected: i64,
    },
    /// The database refused a statement.
    #[error("the forum's database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The content that a new forum starts with is broken.
    #[error("the forum's first content: {0}")]
    Seed(#[from] serde_json::Error),
    /// Accepting connections or listening for signals failed.
    #[error("serving: {0}")]
    Serve(#[source] io::Error),
    /// The operating system gave no random bytes for a session.
    #[error("no random bytes for a session: {0}")]
    Random(#[from] getrandom::Error),
    /// A template could not be written out.
    #[error("rendering a page: {0}")]
    Render(#[from] askama::Error),
    /// A task of the forum ended early.
    #[error("a database call ended before its answer")]
    Interrupted,
    /// Too many database calls are waiting.
    #[error("The forum has more to do than it can hold. Please try again in a moment.")]
    Busy,
    /// The database has reached its size limit.
    #[error("The forum's database is full, so nothing more can be written. Reading still works.")]
    Full,
    /// There is no such thing; the text names it.
    #[error("{0}")]
    NotFound(String),
    /// The page exists, for another method.
    #[error("This address does not answer to that kind of request. Go back and use the links and buttons.")]
    Method,
    /// Something that only members may do.
    #[error("You need to be logged in to {action}.")]
    NotLoggedIn {
        /// What was tried, such as `like a post`.
        action: &'static str,
        /// Where to come back to.
        next: String,
    },
    /// A field breaks its rule; the text says which and what would be right.
    #[error("{0}")]
    Invalid(String),
    /// The request cannot be read as the form or address it should be.
    #[error("The request could not be read: {0}")]
    Unreadable(String),
    /// The form is longer than any form of this forum.
    #[error("That is more than the forum takes in one go. Shorten the text and send it again.")]
    TooLarge,
    /// A form that another site sent.
    #[error(
        "This form was sent from another site, so nothing was changed. Open the page here and send it again."
    )]
    ForeignSite,
}

impl Error {
    /// The HTTP status that this error is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotLoggedIn { .. } => StatusCode::UNAUTHORIZED,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ForeignSite => StatusCode::FORBIDDEN,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A short headline for the error page.
    #[must_use]
    pub fn headline(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "Nothing here",
            Self::Method | Self::Unreadable(_) | Self::TooLarge => "That did not work",
            Self::NotLoggedIn { .. } => "Log in first",
            Self::Invalid(_) => "Not quite",
            Self::ForeignSite => "Not from here",
            Self::Busy | Self::Full => "Not just now",
            _ => "Something broke on our side",
        }
    }

    /// The words for the visitor; an error of the forum itself keeps its details for the log.
    #[must_use]
    pub fn for_visitor(&self) -> String {
        if self.status() == StatusCode::INTERNAL_SERVER_ERROR {
            "The forum could not finish this request. The reason is in its log; please try again.".into()
        } else {
            self.to_string()
        }
    }
}

fn listen_advice(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            "another program uses this port; stop it, or name another with --listen ADDRESS:PORT".into()
        }
        io::ErrorKind::PermissionDenied => {
            "no permission; take a port above 1023 with --listen ADDRESS:PORT".into()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; try --listen 127.0.0.1:PORT".into()
        }
        _ => source.to_string(),
    }
}
