//! The forum's data in one SQLite file: opening it, filling a new one, and running calls off the async threads.
//! What the calls ask for stands beside it, one file for posts, reactions, members; pages are left to `http`.

mod members;
mod posts;
mod reactions;
mod seed;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::{sync::Semaphore, task};

use crate::Error;
pub(crate) use members::{Member, Profile};
pub(crate) use posts::{Author, Board, Comment, MAX_COMMENTS, Post, PostList, PostSummary, Scope};
pub(crate) use reactions::{Kind, Reactions};

const FILE: &str = "forum.sqlite3";
/// The format of the file, kept in `user_version`; a changed schema counts it up.
const FORMAT: i64 = 1;
/// Calls that may wait for the one connection; a further one is refused.
const MAX_WAITING: usize = 64;
/// The size limit of the file, in pages of 4 KiB: 256 MiB.
const MAX_PAGES: i64 = 65_536;

/// A handle to the database, cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
    waiting: Arc<Semaphore>,
}

impl Store {
    /// Opens the database under `dir`; makes and fills it where there is none.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(dir).map_err(|source| Error::DataDir { path: dir.to_owned(), source })?;
        let path = dir.join(FILE);
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        limit_pages(&connection, MAX_PAGES)?;

        // Immediate: two forums started at once on a new directory must not both fill it.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match transaction.pragma_query_value(None, "user_version", |row| row.get(0))? {
            0 => {
                transaction.execute_batch(include_str!("schema.sql"))?;
                seed::fill(&transaction, crate::moment::now_ms())?;
                transaction.pragma_update(None, "user_version", FORMAT)?;
            }
            FORMAT => {}
            found => return Err(Error::Format { path, found, expected: FORMAT }),
        }
        transaction.commit()?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        })
    }

    /// Runs `work` on the connection, one call at a time.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Error::Busy)?;
        let connection = Arc::clone(&self.connection);
        let call = task::spawn_blocking(move || {
            // A call that panicked has rolled its transaction back, so the connection is sound.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = work(&mut connection).map_err(told_apart);
            drop(permit);
            answer
        });
        call.await.map_err(|_| Error::Interrupted)?
    }
}

fn limit_pages(connection: &Connection, pages: i64) -> Result<(), Error> {
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    Ok(())
}

/// A full database is an answer for the visitor, not a fault of the forum.
fn told_apart(error: Error) -> Error {
    match error {
        Error::Database(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => Error::Full,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_start_keeps_what_was_written_and_fills_nothing_twice() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let member = store.log_in("new_here".into()).await.unwrap().0;
        let id = store
            .write_post(member.id, "cooking".into(), "Soup".into(), "A long soup".into())
            .await
            .unwrap()
            .id;
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.boards().await.unwrap().iter().map(|board| board.posts).sum::<i64>(), 25);
        assert_eq!(store.post(id).await.unwrap().unwrap().summary.title, "Soup");
    }

    #[tokio::test]
    async fn a_full_database_refuses_to_write_and_still_reads() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let member = store.log_in("new_here".into()).await.unwrap().0;
        limit_pages(&store.connection.lock().unwrap(), 1).unwrap();
        let body = "word ".repeat(20_000);
        let refused = store.write_post(member.id, "cooking".into(), "Soup".into(), body).await;
        assert!(matches!(refused, Err(Error::Full)), "{refused:?}");
        assert!(store.post(1).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_call_beyond_the_waiting_limit_is_refused_and_not_queued() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let permits = store.waiting.try_acquire_many(u32::try_from(MAX_WAITING).unwrap()).unwrap();
        assert!(matches!(store.boards().await, Err(Error::Busy)));
        drop(permits);
        assert!(store.boards().await.is_ok());
    }

    #[test]
    fn a_database_of_another_version_is_refused_in_words() {
        let dir = tempfile::tempdir().unwrap();
        Connection::open(dir.path().join(FILE)).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let reason = Store::open(dir.path()).map(|_| ()).unwrap_err().to_string();
        assert!(reason.contains("99") && reason.contains("--data-dir"), "{reason}");
    }

    #[test]
    fn a_data_directory_that_is_a_file_is_refused_in_words() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let reason = Store::open(file.path()).map(|_| ()).unwrap_err().to_string();
        assert!(reason.contains("--data-dir"), "{reason}");
    }
}
