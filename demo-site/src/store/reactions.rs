//! Likes and favourites: one of each kind for a member and a post.
//! Setting one twice changes nothing, so a form that is sent again does no harm.

use rusqlite::{Connection, params};

use super::Store;
use crate::Error;

/// What a member can say about a post without writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Counted in public.
    Like,
    /// Kept in the member's own list.
    Favourite,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Like => "like",
            Self::Favourite => "favourite",
        }
    }
}

/// What a member has said about a post.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reactions {
    pub(crate) liked: bool,
    pub(crate) favourite: bool,
}

impl Store {
    /// Sets or takes back a reaction of `member` to an existing post.
    pub(crate) async fn react(&self, post: i64, member: i64, kind: Kind, on: bool) -> Result<(), Error> {
        self.call(move |connection| {
            let sql = if on {
                "INSERT OR IGNORE INTO reaction (post, member, kind) VALUES (?1, ?2, ?3)"
            } else {
                "DELETE FROM reaction WHERE post = ?1 AND member = ?2 AND kind = ?3"
            };
            connection.execute(sql, params![post, member, kind.name()])?;
            Ok(())
        })
        .await
    }

    /// What `member` has said about `post`.
    pub(crate) async fn reactions(&self, post: i64, member: i64) -> Result<Reactions, Error> {
        self.call(move |connection| {
            let is_set = |kind: Kind, connection: &Connection| {
                let sql =
                    "SELECT EXISTS (SELECT 1 FROM reaction WHERE post = ?1 AND member = ?2 AND kind = ?3)";
                connection.query_row(sql, params![post, member, kind.name()], |row| row.get(0))
            };
            Ok(Reactions {
                liked: is_set(Kind::Like, connection)?,
                favourite: is_set(Kind::Favourite, connection)?,
            })
        })
        .await
    }
}
