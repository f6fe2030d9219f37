//! One database in the MaxMind DB format: read whole, checked whole, and asked for one address.
//! Nothing in it can harm a request: what does not fit is left out, and texts are cut.

use super::Place;
use super::entry::Entry;
use footfall_event_model::text::cut;
use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use serde::Deserialize;
use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes of a name that are kept; the longest names of regions and companies are shorter.
const NAME_BYTES: usize = 128;
/// Bytes of a file at most: the largest databases of cities have a tenth of it.
const FILE_BYTES: u64 = 1 << 30;

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The system does not give it.
    #[error("geo.files: {path}: cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// It is none, or half of one.
    #[error("geo.files: {path}: is no sound database in the MaxMind DB format: {source}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: MaxMindDbError,
    },
    /// It is a database of something else.
    #[error("geo.files: {path}: is a database of {kind:?}, which tells no country, region, city or ASN")]
    NoPlaces {
        /// The file.
        path: PathBuf,
        /// What it says it is.
        kind: String,
    },
}

/// What tells that a file is another one than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileIdentity {
    modified: SystemTime,
    bytes: u64,
    #[cfg(unix)]
    inode: u64,
}

impl FileIdentity {
    /// `None` where there is no such file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: metadata.modified().ok()?,
            bytes: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&metadata),
        })
    }
}

/// A database that was found sound.
pub(super) struct Database {
    reader: Reader<Vec<u8>>,
}

/// What is read of a row, in the form of MaxMind's databases, and in the flat one of ip-location-db.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Row<'a> {
    #[serde(borrow)]
    country: Entry<'a>,
    country_code: Option<&'a str>,
    subdivisions: Entry<'a>,
    state1: Option<&'a str>,
    city: Entry<'a>,
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<&'a str>,
}

impl Database {
    /// Reads a file and checks all of it.
    ///
    /// # Errors
    /// [`DatabaseError`] where it cannot be read, is broken, or knows no places.
    pub(super) fn read(path: &Path) -> Result<Self, DatabaseError> {
        let failed = |source| DatabaseError::Read { path: path.to_owned(), source };
        let bytes = std::fs::metadata(path).map_err(failed)?.len();
        if bytes > FILE_BYTES {
            return Err(failed(std::io::Error::other(format!(
                "it has {bytes} bytes, the most is {FILE_BYTES}"
            ))));
        }
        let broken = |source| DatabaseError::Broken { path: path.to_owned(), source };
        let reader = Reader::from_source(std::fs::read(path).map_err(failed)?).map_err(broken)?;
        let database = Self { reader };
        if database.check().map_err(broken)? {
            return Ok(database);
        }
        let kind = cut(&database.reader.metadata().database_type, NAME_BYTES).to_owned();
        Err(DatabaseError::NoPlaces { path: path.to_owned(), kind })
    }

    /// Reads every row once, and says whether one of them knows a place. `Reader::verify` would also refuse a database
    /// that says nothing of itself, which is no harm.
    fn check(&self) -> Result<bool, MaxMindDbError> {
        // A tree of n nodes has at most 2 n ends; one that is tangled has more.
        let most = self.reader.metadata().node_count as usize * 3;
        let (mut seen, mut knows_places) = (HashSet::new(), false);
        for (count, found) in self.reader.networks(WithinOptions::default())?.enumerate() {
            if count > most {
                let message = "the search tree is tangled".to_owned();
                return Err(MaxMindDbError::InvalidDatabase { message, offset: None });
            }
            let found = found?;
            if found.offset().is_some_and(|offset| seen.insert(offset))
                && let Some(row) = found.decode::<Row<'_>>()?
            {
                let mut place = Place::default();
                row.add(&mut place);
                knows_places |= place != Place::default();
            }
        }
        Ok(knows_places)
    }

    /// Adds what it knows of an address, where nothing is known yet.
    pub(super) fn add(&self, address: IpAddr, place: &mut Place) {
        // An error is an address that the file cannot have, such as one of IPv6 where it has IPv4 alone.
        if let Ok(Some(row)) = self.reader.lookup(address).and_then(|found| found.decode::<Row<'_>>()) {
            row.add(place);
        }
    }

    /// When its maker built it, in Unix seconds.
    pub(super) fn built_at(&self) -> u64 {
        self.reader.metadata().build_epoch
    }
}

impl Row<'_> {
    fn add(&self, place: &mut Place) {
        let fill = |field: &mut Option<String>, value: Option<&str>| {
            if let (None, Some(value)) = (&field, value.filter(|value| !value.is_empty())) {
                *field = Some(cut(value, NAME_BYTES).to_owned());
            }
        };
        let codes = [self.country.code, self.country.text, self.country_code];
        let country = codes.into_iter().flatten().find(|code| is_country(code));
        if let (None, Some(country), Some(part)) = (&place.region, country, self.subdivisions.code)
            && is_part(part)
        {
            place.region = Some(format!("{country}-{part}"));
        }
        fill(&mut place.country, country);
        fill(&mut place.region_name, self.subdivisions.name.or(self.state1));
        fill(&mut place.city, self.city.name.or(self.city.text));
        fill(&mut place.as_name, self.autonomous_system_organization);
        place.asn = place.asn.or(self.autonomous_system_number);
    }
}

/// ISO 3166-1 alpha-2.
fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// What follows the country in ISO 3166-2.
fn is_part(code: &str) -> bool {
    (1..=3).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = self.reader.metadata();
        let built = SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(about.build_epoch));
        write!(f, "a database of {:?}", cut(&about.database_type, NAME_BYTES))?;
        match built.filter(|_| about.build_epoch < 253_402_300_800) {
            Some(built) => {
                write!(f, " built on {:.10}", humantime::format_rfc3339_seconds(built).to_string())
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}
