//! What a visitor of the forum can read and do, over HTTP and without any script.
//! Refusals are left to `refusals.rs`, the live view to `live_view.rs`.

use crate::support::{Browser, Forum};
use axum::http::{StatusCode, header};

/// The address of the seeded post about jam.
async fn jam(browser: &mut Browser) -> String {
    let found = browser.get("/search?q=jam+thermometer").await.text;
    let start = found.find("/t/jam-that-sets").expect("the search finds the post about jam");
    found[start..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_front_page_shows_four_boards_and_the_newest_posts() {
    let forum = Forum::start().await;
    let page = Browser::new(&forum).get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    for board in ["gardening", "cycling", "cooking", "computing"] {
        assert!(page.text.contains(&format!("href=\"/b/{board}\" data-track=\"board_open\"")), "{board}");
    }
    assert_eq!(page.text.matches("data-track-view=\"post_card\"").count(), 20);
    let newest = page.text.find("Tomatoes on a north-facing balcony").unwrap();
    let older = page.text.find("The squeak was the seat post").unwrap();
    assert!(newest < older);
}

#[tokio::test]
async fn every_page_carries_the_one_script_tag_of_footfall() {
    let forum = Forum::start().await;
    let mut browser = Browser::new(&forum);
    let tag = "<script async src=\"http://127.0.0.1:8080/sdk/footfall.js\" data-key=\"pk_test\" \
               data-endpoint=\"http://127.0.0.1:8080\" data-flush-interval=\"300\"></script>";
    for path in
        ["/", "/b/cooking", &jam(&mut browser).await, "/search?q=soup", "/login", "/user/1", "/nowhere"]
    {
        let page = browser.get(path).await;
        assert_eq!(page.text.matches(tag).count(), 1, "{path}");
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("connect-src 'self' http://127.0.0.1:8080;"), "{policy}");
    }
}

#[tokio::test]
async fn lists_lead_to_their_older_pages() {
    let forum = Forum::start().await;
    let mut browser = Browser::new(&forum);
    let first = browser.get("/").await.text;
    let before = first.split("href=\"?before=").nth(1).unwrap().split('"').next().unwrap();
    let second = browser.get(&format!("/?before={before}")).await.text;
    assert_eq!(second.matches("data-track-view=\"post_card\"").count(), 4);
    assert!(!second.contains("?before="));
}

#[tokio::test]
async fn a_post_page_tells_footfall_which_post_is_seen() {
    let forum = Forum::start().await;
    let mut browser = Browser::new(&forum);
    let address = jam(&mut browser).await;
    let page = browser.get(&address).await.text;
    let id = address.rsplit('/').next().unwrap();
    assert!(page.contains("data-event=\"post_view\""));
    // The quotes of the JSON are escaped inside the attribute.
    let properties = page.split("data-event-properties=\"").nth(1).unwrap().split('"').next().unwrap();
    let properties = properties.replace("&#34;", "\"");
    let properties: serde_json::Value = serde_json::from_str(&properties).unwrap();
    assert_eq!(properties, serde_json::json!({ "post_id": id, "board": "cooking" }));
}

#[tokio::test]
async fn an_outdated_title_in_an_address_leads_to_the_right_one() {
    let forum = Forum::start().await;
    let mut browser = Browser::new(&forum);
    let address = jam(&mut browser).await;
    let id = address.rsplit('/').next().unwrap();
    let moved = browser.get(&format!("/t/old-title/{id}")).await;
    assert_eq!((moved.status, moved.location()), (StatusCode::PERMANENT_REDIRECT, address.as_str()));
}

#[tokio::test]
async fn a_member_likes_a_post_once_and_takes_it_back() {
    let forum = Forum::start().await;
    let mut browser = Browser::logged_in(&forum, "new_here").await;
    let address = jam(&mut browser).await;
    let pressed = "aria-pressed=\"true\" data-track=\"unlike\"";
    assert!(!browser.get(&address).await.text.contains(pressed));
    for _ in 0..2 {
        let answer = browser.post(&format!("{address}/like"), &[("on", "true")]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, address.as_str()));
        let page = browser.get(&address).await.text;
        assert!(page.contains(pressed) && page.contains("<span class=\"count\">6</span>"), "{page}");
    }
    browser.post(&format!("{address}/like"), &[("on", "false")]).await;
    let page = browser.get(&address).await.text;
    assert!(!page.contains(pressed) && page.contains("<span class=\"count\">5</span>"));
}

#[tokio::test]
async fn favourites_are_kept_on_the_members_own_page_and_shown_to_nobody_else() {
    let forum = Forum::start().await;
    let mut browser = Browser::logged_in(&forum, "new_here").await;
    let address = jam(&mut browser).await;
    browser.post(&format!("{address}/favourite"), &[("on", "true")]).await;
    let front = browser.get("/").await.text;
    let own = front.split("href=\"/user/").nth(1).unwrap().split('"').next().unwrap();
    let own = format!("/user/{own}");
    assert!(browser.get(&own).await.text.contains(&address));
    let seen_by_others = Browser::logged_in(&forum, "somebody").await.get(&own).await.text;
    assert!(seen_by_others.contains("new_here") && !seen_by_others.contains(&address));
}

#[tokio::test]
async fn a_comment_is_shown_under_the_post() {
    let forum = Forum::start().await;
    let mut browser = Browser::logged_in(&forum, "New_Here").await;
    let address = jam(&mut browser).await;
    let answer = browser
        .post(&format!("{address}/comment"), &[("body", "First line\r\nsecond\r\n\r\nNew part")])
        .await;
    assert_eq!(answer.location(), format!("{address}#comments"));
    let page = browser.get(&address).await.text;
    assert!(page.contains("<p>First line\nsecond</p>\n          <p>New part</p>"), "{page}");
    assert!(page.contains("2 comments") && page.contains(">new_here</a> <time"));
}

#[tokio::test]
async fn a_post_is_written_found_by_its_words_and_shown_first() {
    let forum = Forum::start().await;
    let mut browser = Browser::logged_in(&forum, "new_here").await;
    assert!(browser.get("/new?board=cycling").await.text.contains("value=\"cycling\" selected"));
    let fields =
        [("board", "cycling"), ("title", "A tandem for two"), ("body", "We found a marvellous tandem.")];
    let written = browser.post("/new", &fields).await;
    assert_eq!(written.status, StatusCode::SEE_OTHER);
    let address = written.location().to_owned();
    assert!(address.starts_with("/t/a-tandem-for-two/"), "{address}");
    for list in ["/", "/b/cycling", "/search?q=tandems", "/search?q=marvel"] {
        let page = browser.get(list).await.text;
        let first = page.split("<li class=\"card\"").nth(1).unwrap();
        assert!(first.contains(&address), "{list}");
    }
    assert!(!browser.get("/b/cooking").await.text.contains(&address));
}

#[tokio::test]
async fn footfall_learns_how_much_a_search_found_and_never_what_was_typed() {
    let forum = Forum::start().await;
    let page = Browser::new(&forum).get("/search?q=thermometer").await.text;
    let main = page.split("<main").nth(1).unwrap().split('>').next().unwrap();
    assert!(main.contains("data-event=\"search\"") && main.contains("{&#34;results&#34;:1}"), "{main}");
    assert!(!main.contains("thermometer"));
}

#[tokio::test]
async fn the_operators_of_the_search_engine_are_only_words_to_a_visitor() {
    let forum = Forum::start().await;
    let mut browser = Browser::new(&forum);
    assert!(browser.get("/search?q=thermometer").await.text.contains("1 post for"));
    for query in ["thermometer+NOT+zebra", "%22+*+-", "title:thermometer", "%28"] {
        let page = browser.get(&format!("/search?q={query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert!(page.text.contains("Nothing found"), "{query}");
    }
}

#[tokio::test]
async fn a_session_lasts_until_the_log_out_and_its_cookie_is_out_of_reach_for_scripts() {
    let forum = Forum::start().await;
    let mut browser = Browser::new(&forum);
    let answer = browser.post("/login", &[("name", "new_here"), ("next", "/b/cooking")]).await;
    assert_eq!(answer.location(), "/b/cooking");
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    let page = browser.get("/").await.text;
    assert!(page.contains("data-user-id=\"11\"") && page.contains("Log out"));
    assert_eq!(browser.post("/logout", &[]).await.status, StatusCode::SEE_OTHER);
    assert!(!browser.get("/").await.text.contains("data-user-id"));
}

#[tokio::test]
async fn what_members_write_is_shown_as_text_and_never_becomes_markup() {
    let forum = Forum::start().await;
    let mut browser = Browser::logged_in(&forum, "new_here").await;
    let attack = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>";
    let fields = [("board", "cooking"), ("title", attack), ("body", attack)];
    let address = browser.post("/new", &fields).await.location().to_owned();
    browser.post(&format!("{address}/comment"), &[("body", attack)]).await;
    let query = form_urlencoded::byte_serialize(attack.as_bytes()).collect::<String>();
    for path in [address, "/".into(), "/b/cooking".into(), format!("/search?q={query}"), "/user/11".into()] {
        let page = browser.get(&path).await.text;
        assert!(page.contains("&lt;script&#62;") || page.contains("&#60;script&#62;"), "{path}: {page}");
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{path}");
    }
    // What is refused comes back into the form, escaped as well.
    let refused = browser.post("/login", &[("name", attack)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.text.contains("<script>alert"));
}

#[tokio::test]
async fn scripts_and_styles_are_served_and_asked_for_by_their_tag() {
    let forum = Forum::start().await;
    let mut browser = Browser::new(&forum);
    let page = browser.get("/").await.text;
    for (file, kind) in
        [("forum.css", "text/css"), ("live-panel.css", "text/css"), ("forum.js", "text/javascript")]
    {
        assert!(page.contains(&format!("\"/static/{file}\"")));
        let answer = browser.get(&format!("/static/{file}")).await;
        assert!(answer.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with(kind));
        assert!(answer.headers.contains_key(header::ETAG) && !answer.text.is_empty());
        // Every script that another one brings in is served too.
        for import in answer.text.split("'./").skip(1).filter_map(|rest| rest.split('\'').next()) {
            assert_eq!(browser.get(&format!("/static/{import}")).await.status, StatusCode::OK, "{import}");
        }
    }
}

#[tokio::test]
async fn the_health_probe_answers_while_the_database_can_be_read() {
    let forum = Forum::start().await;
    let answer = Browser::new(&forum).get("/healthz").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "ok\n"));
}
