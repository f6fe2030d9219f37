//! Members and their log-in sessions; a name alone logs in, so a session protects a visit and not a secret.
//! How the session travels in a cookie is left to `http::session`.

use rusqlite::{OptionalExtension, params};

use super::{Author, Store};
use crate::{
    Error,
    moment::{Moment, now_ms},
};

/// How long a session lasts, in milliseconds: 30 days.
const SESSION_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// The most sessions that are kept; the oldest goes for a new one.
const MAX_SESSIONS: i64 = 10_000;

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) id: i64,
    pub(crate) handle: String,
}

/// What everybody can see of a member.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) author: Author,
    pub(crate) about: String,
    pub(crate) joined: Moment,
    pub(crate) posts: i64,
    pub(crate) comments: i64,
}

impl Store {
    /// Begins a session for `handle`, as a new member where there is none of that name; gives the session's token.
    pub(crate) async fn log_in(&self, handle: String) -> Result<(Member, String), Error> {
        let token = token()?;
        self.call(move |connection| {
            let now = now_ms();
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT INTO member (handle, joined_at_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![handle, now],
            )?;
            let id = transaction
                .query_row("SELECT id FROM member WHERE handle = ?1", [&handle], |row| row.get(0))?;
            transaction.execute(
                "DELETE FROM session WHERE expires_at_ms <= ?1 OR token IN (
                     SELECT token FROM session ORDER BY expires_at_ms DESC LIMIT -1 OFFSET ?2)",
                params![now, MAX_SESSIONS - 1],
            )?;
            transaction.execute(
                "INSERT INTO session (token, member_id, expires_at_ms) VALUES (?1, ?2, ?3)",
                params![token, id, now + SESSION_MS],
            )?;
            transaction.commit()?;
            Ok((Member { id, handle }, token))
        })
        .await
    }

    /// Ends the session of `token`; an unknown one is ended already.
    pub(crate) async fn log_out(&self, token: String) -> Result<(), Error> {
        self.call(move |connection| {
            connection.execute("DELETE FROM session WHERE token = ?1", [token])?;
            Ok(())
        })
        .await
    }

    /// Who the session of `token` belongs to; `None` where it is unknown or over.
    pub(crate) async fn logged_in(&self, token: String) -> Result<Option<Member>, Error> {
        self.call(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT member.id, handle FROM session JOIN member ON member.id = member_id
                 WHERE token = ?1 AND expires_at_ms > ?2",
            )?;
            let member = statement.query_row(params![token, now_ms()], |row| {
                Ok(Member { id: row.get(0)?, handle: row.get(1)? })
            });
            Ok(member.optional()?)
        })
        .await
    }

    /// What everybody can see of member `id`, or `None` where there is none.
    pub(crate) async fn profile(&self, id: i64) -> Result<Option<Profile>, Error> {
        self.call(move |connection| {
            let now = now_ms();
            let mut statement = connection.prepare_cached(
                "SELECT id, handle, about, joined_at_ms,
                        strftime('%Y-%m-%dT%H:%M:%SZ', joined_at_ms / 1000, 'unixepoch') AS joined_iso,
                        (SELECT count(*) FROM post WHERE author = member.id) AS posts,
                        (SELECT count(*) FROM comment WHERE author = member.id) AS comments
                 FROM member WHERE id = ?1",
            )?;
            let profile = statement.query_row([id], |row| {
                Ok(Profile {
                    author: Author { id: row.get("id")?, handle: row.get("handle")? },
                    about: row.get("about")?,
                    joined: Moment::new(row.get("joined_at_ms")?, row.get("joined_iso")?, now),
                    posts: row.get("posts")?,
                    comments: row.get("comments")?,
                })
            });
            Ok(profile.optional()?)
        })
        .await
    }
}

/// 128 random bits in hexadecimal.
fn token() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_session_goes_when_the_limit_is_reached() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let oldest = store.log_in("first".into()).await.unwrap().1;
        store
            .call(|connection| {
                connection.execute(
                    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                     INSERT INTO session SELECT 'other' || i, 1, ?2 + i FROM n",
                    params![MAX_SESSIONS - 1, now_ms() + SESSION_MS],
                )?;
                Ok(())
            })
            .await
            .unwrap();
        assert!(store.logged_in(oldest.clone()).await.unwrap().is_some());
        let newest = store.log_in("second".into()).await.unwrap().1;
        assert!(store.logged_in(oldest).await.unwrap().is_none());
        assert!(store.logged_in(newest).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_session_that_is_over_logs_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let token = store.log_in("first".into()).await.unwrap().1;
        store
            .call(|connection| {
                connection.execute("UPDATE session SET expires_at_ms = ?1", [now_ms() - 1])?;
                Ok(())
            })
            .await
            .unwrap();
        assert!(store.logged_in(token).await.unwrap().is_none());
    }
}
