//! What an operator may write for a site, and what is said to it.

use super::super::tests::resolve;
use super::*;
use proptest::prelude::*;

fn site(table: &str) -> Result<SiteSettings, Vec<String>> {
    let file = format!("write_key = 'pk'\n[site.pk]\n{table}\n");
    resolve(&[], &[], Some(&file)).map(|mut settings| settings.sites.remove("pk").unwrap())
}

#[test]
fn what_is_not_said_is_left_to_the_sdk() {
    let told = site("").unwrap();
    assert_eq!(told, SiteSettings::default());
    assert_eq!(serde_json::to_string(&told.capture).unwrap(), "{}");
    let told = site("capture = []\nsample_rate = 1\nsample = {}\nkey_events = []").unwrap().capture;
    assert!(told.capture.unwrap().values().all(|on| !on), "an empty list switches all off");
    assert_eq!((told.sample_rate, told.sample.unwrap().len()), (Some(1.0), 0));
}

#[test]
fn an_inner_table_is_a_table() {
    let told = site("[site.pk.sample]\nelement_view = 0.1\nclick = 1").unwrap().capture.sample.unwrap();
    assert_eq!(told, BTreeMap::from([("click".to_owned(), 1.0), ("element_view".to_owned(), 0.1)]));
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let file = r#"write_key = "pk"
[site]
pk_flat = 1
[site.pk_other]
[site.pk]
origins = ["https://forum.example",
           "https://forum.example/", 7]
null_origin = "deny"
capture = ["click"]
sample_rate = 0
sample = { "Post View" = 0.5, view = 1.5 }
key_events = "purchase"
origin = []
"#;
    let told = resolve(&[], &[], Some(file)).unwrap_err();
    let expected = [
        "footfall.toml:3:1 site.pk_flat: must be a table: [site.pk_flat]",
        "footfall.toml:7:12 site.pk.origins: is \"https://forum.example/\"; it must be an origin as a browser writes it",
        "footfall.toml:7:38 site.pk.origins: must be a list of strings",
        "footfall.toml:8:1 site.pk.null_origin: must be \"accept\" or \"refuse\"",
        "footfall.toml:9:12 site.pk.capture: \"click\": unknown capture; did you mean clicks?",
        "footfall.toml:10:1 site.pk.sample_rate: is 0; it must be a share from 0.000001 to 1, such as 0.5",
        "footfall.toml:11:12 site.pk.sample.Post View: event name \"Post View\" is not allowed",
        "footfall.toml:11:31 site.pk.sample.view: is 1.5; it must be a share from 0.000001 to 1, such as 0.5, or 0 for none",
        "footfall.toml:12:1 site.pk.key_events: must be a list of strings",
        "footfall.toml:13:1 site.pk.origin: unknown key; did you mean origins?",
        "footfall.toml:4:7 site.pk_other: write_key does not name \"pk_other\"; add it there, or leave this out",
    ];
    for expected in expected {
        assert!(told.iter().any(|problem| problem.starts_with(expected)), "{expected}\n is not in {told:#?}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
}

#[test]
fn a_list_of_origins_that_lets_nobody_in_is_a_mistake() {
    assert!(site("origins = []").unwrap_err()[0].contains("is empty, so that no page could send"));
    assert!(
        resolve(&[("write_key", "pk")], &[], Some("site = 1")).unwrap_err()[0].contains("site: unknown key")
    );
}

#[test]
fn an_origin_is_written_as_browsers_write_it() {
    for right in [
        "https://forum.example",
        "http://localhost:3000",
        "https://xn--mller-kva.example",
        "http://[::1]:8080",
        "http://[2001:db8::1]",
        "http://127.0.0.1",
        "capacitor://localhost",
        "chrome-extension://abc",
        "https://shop.example:80",
    ] {
        assert_eq!(origins::check(right), Ok(()), "{right}");
    }
    for wrong in [
        "",
        "*",
        "null",
        "forum.example",
        "https://",
        "https://Forum.example",
        "HTTPS://forum.example",
        "https://forum.example/",
        "https://forum.example/a",
        "https://*.example",
        "https://forum.example:443",
        "http://forum.example:80",
        "https://forum.example:0443",
        "https://forum.example:",
        "https://müller.example",
        "https://a@forum.example",
        "http://[::1",
        "http://::1",
        "https://forum.example:99999",
        "://x",
    ] {
        assert!(origins::check(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_check_of_an_origin_fail(text in "\\PC{0,30}") {
        let _ = origins::check(&text);
    }
}

#[test]
fn a_site_has_limits_of_its_own() {
    let limits = site("events_per_second = 20\naddress_requests_per_second = 'off'").unwrap().limits;
    assert_eq!(limits.key_events.unwrap().unwrap().burst, 500);
    assert_eq!(limits.address_requests, Some(None));
    assert_eq!(
        limits.to_string(),
        "; events 20 a second, 500 at once; requests of an address without a limit"
    );
    assert_eq!(site("").unwrap().limits, SiteLimits::default());
    for (table, told) in [
        ("events_per_second = -1", "site.pk.events_per_second: is \"-1\"; it must be off or a whole number"),
        ("events_burst = 600", "site.pk.events_burst: is set, but the rate is off"),
        ("events_per_second = 1\nevents_burst = 5", "site.pk.events_burst: is 5; it must be at least 500"),
        ("address_requests_per_second = []", "site.pk.address_requests_per_second: is \"\"; it must be off"),
    ] {
        let problems = site(table).unwrap_err();
        assert!(problems[0].contains(told), "{told}: {problems:?}");
    }
}

#[test]
fn what_browsers_ask_for_is_obeyed_unless_a_site_says_otherwise() {
    let default = Signals { gpc: SignalPolicy::Anonymous, dnt: SignalPolicy::Anonymous };
    assert_eq!(site("").unwrap().signals, default);
    let said = site("gpc = 'drop'\ndnt = 'ignore'").unwrap().signals;
    assert_eq!(said, Signals { gpc: SignalPolicy::Drop, dnt: SignalPolicy::Ignore });
    let problems = site("gpc = 'yes'\ndnt = 1").unwrap_err();
    assert!(
        problems[1].ends_with("site.pk.gpc: must be \"anonymous\", \"drop\" or \"ignore\""),
        "{problems:?}"
    );
    assert!(problems[0].contains("site.pk.dnt: must be"), "{problems:?}");
}
