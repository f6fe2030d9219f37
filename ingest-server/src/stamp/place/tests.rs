//! MaxMind's test databases and a real one of countries, and what becomes of them when their files change.

use super::*;
use std::path::Path;
use std::time::Duration;

/// What `scripts/setup.sh geo geo-test` has fetched.
fn file(name: &str) -> PathBuf {
    let from = |name: &str, under: &str| Some(PathBuf::from(std::env::var_os(name)?).join(under));
    let cache = from("BUILD_CACHE", "")
        .or_else(|| from("XDG_CACHE_HOME", "footfall"))
        .or_else(|| from("HOME", ".cache/footfall"))
        .unwrap();
    let found =
        ["geo", "geo-test"].map(|part| cache.join(part).join(name)).into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is missing: run scripts/setup.sh geo geo-test"))
}

const CITY: &str = "GeoIP2-City-Test.mmdb";
const ASN: &str = "GeoLite2-ASN-Test.mmdb";
const COUNTRY: &str = "GeoLite2-Country-Test.mmdb";

fn open(files: &[PathBuf]) -> Result<Places, DatabaseError> {
    let settings = GeoSettings { files: files.to_vec(), check_interval: Duration::from_secs(1) };
    Places::open(&settings, &Metrics::default())
}

fn place(places: &Places, address: &str) -> Place {
    places.find(address.parse().unwrap())
}

#[test]
fn a_city_and_a_network_are_told_together() {
    let places = open(&[file(CITY), file(ASN)]).unwrap();
    let found = place(&places, "89.160.20.128");
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        found,
        Place {
            country: text("SE"),
            region: text("SE-E"),
            region_name: text("Östergötland County"),
            city: text("Linköping"),
            asn: Some(29518),
            as_name: text("Bredband2 AB"),
        }
    );
    assert_eq!(
        place(&places, "2.125.160.216").region.as_deref(),
        Some("GB-ENG"),
        "the largest part comes first"
    );
    assert_eq!(place(&places, "2001:218::1").country.as_deref(), Some("JP"));
    for nowhere in ["127.0.0.1", "10.0.0.1", "::1", "255.255.255.255", "ffff::"] {
        assert_eq!(place(&places, nowhere), Place::default(), "{nowhere}");
    }
}

#[test]
fn a_flat_database_of_countries_is_read_too() {
    let places = open(&[file("geo-whois-asn-country.mmdb")]).unwrap();
    for (address, country) in [("8.8.8.8", "US"), ("2001:4860:4860::8888", "US"), ("193.99.144.85", "DE")] {
        let expected = Place { country: Some(country.to_owned()), ..Place::default() };
        assert_eq!(place(&places, address), expected, "{address}");
    }
}

#[test]
fn what_is_no_database_of_places_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let written = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let whole = std::fs::read(file(CITY)).unwrap();
    for (path, said) in [
        (dir.path().join("missing"), "cannot be read"),
        (written("empty", b""), "no sound database"),
        (written("half", &whole[..whole.len() / 2]), "no sound database"),
        (written("text", b"not a database"), "no sound database"),
        (file("MaxMind-DB-test-broken-search-tree-24.mmdb"), "no sound database"),
        (file("MaxMind-DB-test-broken-pointers-24.mmdb"), ": is "),
        (file("GeoIP2-Anonymous-IP-Test.mmdb"), "tells no country, region, city or ASN"),
    ] {
        let told = open(std::slice::from_ref(&path)).unwrap_err().to_string();
        assert!(
            told.starts_with(&format!("geo.files: {}: ", path.display())) && told.contains(said),
            "{told}"
        );
    }
}

/// Puts a file in the place of another at once, as those who fetch databases do.
fn renamed(from: &Path, to: &Path) {
    let beside = to.with_extension("new");
    std::fs::copy(from, &beside).unwrap();
    std::fs::rename(beside, to).unwrap();
}

#[test]
fn a_new_file_is_taken_over_and_a_broken_or_missing_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("places.mmdb");
    renamed(&file(COUNTRY), &path);
    let places = open(std::slice::from_ref(&path)).unwrap();
    let metrics = Metrics::default();
    let city = || place(&places, "89.160.20.128").city;
    places.refresh(&metrics);
    assert_eq!((city(), metrics.geo.refused.get()), (None, 0));

    renamed(&file(CITY), &path);
    places.refresh(&metrics);
    assert_eq!((city().as_deref(), metrics.geo.refused.get()), (Some("Linköping"), 0));

    std::fs::write(&path, b"half of it").unwrap();
    places.refresh(&metrics);
    places.refresh(&metrics);
    assert_eq!((city().as_deref(), metrics.geo.refused.get()), (Some("Linköping"), 1), "told once");

    std::fs::remove_file(&path).unwrap();
    places.refresh(&metrics);
    assert_eq!((city().as_deref(), metrics.geo.refused.get()), (Some("Linköping"), 2));

    renamed(&file(COUNTRY), &path);
    places.refresh(&metrics);
    assert_eq!((city(), place(&places, "89.160.20.128").country.as_deref()), (None, Some("SE")));
}

/// What a request pays: `cargo test --release -p footfall-ingest-server --lib cost_of_a_place -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a promise"]
fn cost_of_a_place() {
    let addresses: Vec<IpAddr> =
        (0..1_000_000u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes().into()).collect();
    for files in [vec![file("geo-whois-asn-country.mmdb")], vec![file(CITY), file(ASN)]] {
        let places = open(&files).unwrap();
        let known: Vec<_> =
            ["89.160.20.128", "2.125.160.216", "81.2.69.142"].map(|text| text.parse().unwrap()).into();
        for (name, addresses) in [("random", &addresses), ("known", &known)] {
            let (started, mut found) = (std::time::Instant::now(), 0usize);
            for address in addresses.iter().cycle().take(1_000_000) {
                found += usize::from(places.find(*address).country.is_some());
            }
            eprintln!(
                "{} files, {name}: {:?} each, {found} found",
                files.len(),
                started.elapsed() / 1_000_000
            );
        }
    }
}
