//! Pages as senders say them, and what stands in the record.

use super::*;
use crate::settings::Route;
use proptest::prelude::*;
use serde_json::{Value, json};

fn route(pattern: &str, name: Option<&str>) -> Route {
    Route { pattern: pattern.to_owned(), name: name.map(str::to_owned) }
}

fn rules() -> PageRules {
    let site = SiteSettings {
        origins: Some(Origins::new(
            ["https://forum.example", "https://help.example:8443"].map(str::to_owned).into(),
        )),
        routes: vec![route("/t/{slug}/{post_id}", Some("post_detail"))],
        ..SiteSettings::default()
    };
    let common = PageSettings {
        query: ["sort", "gclid"].map(str::to_owned).into(),
        routes: vec![route("/t/{a}/{b}", Some("not this one")), route("/user/{id}", None)],
    };
    PageRules::new(&site, &common)
}

fn texts(page: &Page, private: bool) -> [Value; 3] {
    let texts = rules().read(page, private).unwrap();
    [texts.page, texts.referrer, texts.campaign]
        .map(|text| text.map_or(Value::Null, |text| serde_json::from_str(text.get()).unwrap()))
}

fn page(url: &str, referrer: &str) -> Page {
    Page { url: Some(url.to_owned()), referrer: Some(referrer.to_owned()), ..Page::default() }
}

#[test]
fn a_page_comes_apart_and_only_the_query_that_is_named_stays() {
    let url = "https://forum.example/t/tomaten%20%C3%A4/42/?token=secret&sort=new&utm_source=mail&utm_campaign=May+sale&utm_x=y&gclid=G1#c7";
    let [page, referrer, campaign] =
        texts(&page(url, "https://www.google.at/search?q=Tomaten+anbauen&sei=x"), false);
    assert_eq!(
        page,
        json!({"scheme": "https", "host": "forum.example", "path": "/t/tomaten%20%C3%A4/42/",
            "query": {"sort": "new", "utm_source": "mail", "utm_campaign": "May sale", "utm_x": "y", "gclid": "G1"},
            "route": "/t/{slug}/{post_id}", "name": "post_detail", "params": {"slug": "tomaten ä", "post_id": "42"}})
    );
    assert_eq!(
        referrer,
        json!({"class": "search", "name": "Google", "term": "Tomaten anbauen", "host": "www.google.at", "path": "/search"})
    );
    assert_eq!(campaign, json!({"source": "mail", "name": "May sale", "click_ids": {"gclid": "G1"}}));
}

#[test]
fn who_asks_for_privacy_is_not_told_by_a_click_or_a_search() {
    let url = "https://forum.example/?utm_source=mail&GCLID=G1&fbclid=F&gclid=G2";
    let [page, referrer, campaign] = texts(&page(url, "https://www.google.at/search?q=Tomaten"), true);
    assert_eq!(page["query"], json!({"utm_source": "mail"}));
    assert_eq!(referrer, json!({"class": "search", "name": "Google", "host": "www.google.at"}));
    assert_eq!(campaign, json!({"source": "mail"}));
}

#[test]
fn where_one_came_from_has_a_class() {
    for (referrer, class) in [
        ("", "direct"),
        (" ", "direct"),
        ("https://forum.example/t/a/1?q=x", "internal"),
        ("https://www.forum.example/", "internal"),
        ("https://help.example:8443/a", "internal"),
        ("https://l.facebook.com/", "social"),
        ("https://chatgpt.com/", "ai"),
        ("https://blog.example/", "other"),
        ("about:blank", "other"),
        ("https://", "other"),
    ] {
        let [_, said, campaign] = texts(&page("https://forum.example:443/", referrer), false);
        assert_eq!((said["class"].as_str(), campaign), (Some(class), Value::Null), "{referrer}");
    }
}

#[test]
fn a_path_of_the_senders_own_counts_and_a_route_needs_no_name() {
    let said = Page {
        path: Some("/user/7?x#y".to_owned()),
        title: Some("A".to_owned()),
        ..page("https://a.example/app", "")
    };
    let expected = json!({"scheme": "https", "host": "a.example", "path": "/user/7", "title": "A", "route": "/user/{id}",
        "params": {"id": "7"}});
    assert_eq!(texts(&said, false)[0], expected);
    assert_eq!(texts(&Page::default(), false)[0], Value::Null, "nothing was said");
}

#[test]
fn what_is_long_is_cut() {
    let many: String = (0..1000).map(|number| format!("&utm_{number}={}", "v".repeat(300))).collect();
    let [page, ..] = texts(&page(&format!("https://a.example/{}?{many}", "p".repeat(5000)), ""), false);
    assert_eq!(page["path"].as_str().map(str::len), Some(2048));
    let query = page["query"].as_object().unwrap();
    assert!(query.len() <= 64 && query.values().all(|value| value.as_str().unwrap().len() == 256));
}

proptest! {
    #[test]
    fn any_page_is_taken_apart(
        url in prop::option::of("https?://[a-z.@:]{0,12}[/a-z%0-9{}]{0,20}\\?[a-z_=&%+0-9ä]{0,40}|.{0,60}"),
        path in prop::option::of("/(t|user)/[^?#]{0,12}/.{0,8}|.{0,20}"),
        referrer in prop::option::of("https?://(www\\.)?(google|bing|reddit)\\.[a-z.]{0,6}/.{0,20}|.{0,40}"), private: bool,
    ) {
        let texts = rules().read(&Page { url, path, title: None, referrer }, private).unwrap();
        let written: usize = [texts.page, texts.referrer, texts.campaign].iter().flatten().map(|text| text.get().len()).sum();
        prop_assert!(written < 4096);
    }
}
