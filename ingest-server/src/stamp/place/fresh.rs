//! Looks now and then whether a database's file has changed, and takes the new one over.
//! A file that is broken or gone is told once, and the database in memory stays.

use super::database::{Database, FileIdentity};
use super::{Open, Places};
use crate::metrics::Metrics;
use std::sync::Arc;
use std::time::Duration;

/// Looks every `interval`, off the threads that answer requests, for as long as it is polled.
pub async fn keep_fresh(places: Arc<Places>, interval: Duration, metrics: Arc<Metrics>) {
    if places.now().is_empty() {
        return;
    }
    loop {
        tokio::time::sleep(interval).await;
        let (places, metrics) = (Arc::clone(&places), Arc::clone(&metrics));
        let look = tokio::task::spawn_blocking(move || places.refresh(&metrics));
        if let Err(error) = look.await {
            tracing::error!(%error, "looking for new databases of places failed");
        }
    }
}

impl Places {
    /// Takes over what has changed.
    pub(super) fn refresh(&self, metrics: &Metrics) {
        let now = self.now();
        let next: Vec<_> = now.iter().map(|open| open.refreshed(metrics)).collect();
        if next.iter().zip(now.iter()).any(|(next, open)| next.identity != open.identity) {
            self.replace(next);
        }
    }
}

impl Open {
    /// Itself, or what its file has become. The identity is taken first: a file that changes while it is read is
    /// read again the next time.
    fn refreshed(&self, metrics: &Metrics) -> Self {
        let identity = FileIdentity::of(&self.path);
        if identity == self.identity {
            return self.clone();
        }
        let database = match Database::read(&self.path) {
            Ok(database) => {
                tracing::info!("places come from {} anew, {database}", self.path.display());
                metrics.geo.built(&self.path, database.built_at());
                Arc::new(database)
            }
            Err(error) => {
                tracing::warn!("{error}; what was read before stays in use");
                metrics.geo.refused.inc();
                Arc::clone(&self.database)
            }
        };
        Self { path: self.path.clone(), identity, database }
    }
}
