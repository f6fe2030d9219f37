//! What is told of the databases of places: how old each is, and whether a newer file was refused.
//! An age would be wrong between two scrapes, so the time of building is told; the age is the scraper's difference.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::path::Path;

/// Which database; there are as many as the settings name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DatabaseLabels {
    /// The name of its file, without the folder.
    file: String,
}

/// What is told of the databases of places.
#[derive(Debug, Default)]
pub struct GeoMetrics {
    built: Family<DatabaseLabels, Gauge>,
    /// Changed files that were no sound database.
    pub refused: Counter,
}

impl GeoMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "When each database of places was built, in Unix seconds";
        registry.register("geo_database_built_timestamp_seconds", help, metrics.built.clone());
        let help = "Changed database files that were not taken over, because they were broken or gone";
        registry.register("geo_databases_refused", help, metrics.refused.clone());
        metrics
    }

    /// Notes when the database in this file was built, in Unix seconds.
    pub fn built(&self, path: &Path, unix_seconds: u64) {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.built
            .get_or_create(&DatabaseLabels { file })
            .set(i64::try_from(unix_seconds).unwrap_or(i64::MAX));
    }
}
