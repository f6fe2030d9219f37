//! Where an address is, by databases in the MaxMind DB format: country, region, city, and the network it belongs to.
//! They are held in memory and replaced as a whole when their files change; what of a place is kept is decided above.

mod database;
mod entry;
mod fresh;

pub use database::DatabaseError;
pub use fresh::keep_fresh;

use crate::metrics::Metrics;
use crate::settings::GeoSettings;
use database::{Database, FileIdentity};
use footfall_event_model::Client;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// What the databases say of one address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166-1, two letters.
    pub country: Option<String>,
    /// ISO 3166-2, such as `GB-ENG`.
    pub region: Option<String>,
    /// The region's name, in English where the database has it.
    pub region_name: Option<String>,
    /// The city's name, in English where the database has it.
    pub city: Option<String>,
    /// The number of the autonomous system.
    pub asn: Option<u32>,
    /// Whose autonomous system that is.
    pub as_name: Option<String>,
}

impl Place {
    /// Adds itself to what is told of a client.
    pub(super) fn told(self, client: Client) -> Client {
        let Self { country, region, region_name, city, asn, as_name } = self;
        Client { country, region, region_name, city, asn, as_name, ..client }
    }
}

/// The databases, in the order of the settings.
#[derive(Debug, Default)]
pub struct Places {
    open: RwLock<Arc<Vec<Open>>>,
}

/// A database, and the file that it was read from.
#[derive(Debug, Clone)]
struct Open {
    path: PathBuf,
    identity: Option<FileIdentity>,
    database: Arc<Database>,
}

impl Places {
    /// Reads the databases of the settings. This takes a second for the largest ones.
    ///
    /// # Errors
    /// [`DatabaseError`] with the first file that cannot be read or is no database of places.
    pub fn open(settings: &GeoSettings, metrics: &Metrics) -> Result<Self, DatabaseError> {
        let mut open = Vec::with_capacity(settings.files.len());
        for path in &settings.files {
            let identity = FileIdentity::of(path);
            let database = Arc::new(Database::read(path)?);
            tracing::info!("places come from {}, {database}", path.display());
            metrics.geo.built(path, database.built_at());
            open.push(Open { path: path.clone(), identity, database });
        }
        Ok(Self { open: RwLock::new(Arc::new(open)) })
    }

    /// What is known of an address. Where two databases know the same, the first one counts.
    pub fn find(&self, address: IpAddr) -> Place {
        let mut place = Place::default();
        for open in self.now().iter() {
            open.database.add(address, &mut place);
        }
        place
    }

    /// The databases as they are now; whoever holds them keeps them while they are replaced.
    fn now(&self) -> Arc<Vec<Open>> {
        Arc::clone(&self.open.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, open: Vec<Open>) {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(open);
    }
}

#[cfg(test)]
mod tests;
