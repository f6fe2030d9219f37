//! What the forum refuses, and that each refusal is a page that says what was wrong.
//! Bounds of the database are tested beside the store.

use crate::support::{Browser, Forum};
use axum::http::StatusCode;

const POST: &str = "/t/i-turned-off-every-notification-for-a-month/1";

#[tokio::test]
async fn what_does_not_exist_is_said_in_words() {
    let forum = Forum::start().await;
    let mut browser = Browser::new(&forum);
    for (path, words) in [
        ("/nowhere", "no page at this address"),
        ("/b/sailing", "no board of this name"),
        ("/t/soup/999", "no such post"),
        ("/t/soup/not-a-number", "no page at this address"),
        ("/user/999", "no member of this number"),
        ("/static/secret.txt", "no file of this name"),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.text.contains(words) && page.text.contains("role=\"alert\""), "{path}: {}", page.text);
    }
    assert_eq!(browser.get("/logout").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(browser.get("/?before=abc").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_is_not_logged_in_is_asked_to_and_brought_back() {
    let forum = Forum::start().await;
    let mut browser = Browser::new(&forum);
    for (action, field, value, words) in [
        ("comment", "body", "Hello", "logged in to comment"),
        ("like", "on", "true", "logged in to like a post"),
        ("favourite", "on", "true", "logged in to keep a favourite"),
    ] {
        let page = browser.post(&format!("{POST}/{action}"), &[(field, value)]).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{action}");
        let back = format!("name=\"next\" value=\"{POST}\"");
        assert!(page.text.contains(words) && page.text.contains(&back), "{action}: {}", page.text);
    }
    assert_eq!(browser.get("/new").await.status, StatusCode::UNAUTHORIZED);
    assert!(!browser.get(POST).await.text.contains("Hello"));
}

#[tokio::test]
async fn a_comment_that_breaks_a_rule_comes_back_with_the_reason() {
    let forum = Forum::start().await;
    let mut browser = Browser::logged_in(&forum, "new_here").await;
    let long = "word ".repeat(500);
    for (body, reason) in [("  ", "The comment is empty"), (long.as_str(), "2000 are the most")] {
        let page = browser.post(&format!("{POST}/comment"), &[("body", body)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.text.contains(reason) && page.text.contains(&format!(">{body}</textarea>")), "{reason}");
        assert!(!page.text.contains("data-event="), "a refusal is no view of the post");
    }
}

#[tokio::test]
async fn a_post_that_breaks_a_rule_comes_back_with_the_reason() {
    let forum = Forum::start().await;
    let mut browser = Browser::logged_in(&forum, "new_here").await;
    let (long, body) = ("x".repeat(10_001), "A text that is long enough");
    for (board, title, body, reason) in [
        ("cooking", "", body, "The title is empty"),
        ("cooking", "abc", body, "The title is too short"),
        ("cooking", "A title", "short", "The text is too short"),
        ("cooking", "A title", long.as_str(), "The text is too long: it has 10001 characters"),
        ("sailing", "A title", body, "choose one of the boards"),
    ] {
        let page = browser.post("/new", &[("board", board), ("title", title), ("body", body)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{reason}");
        assert!(page.text.contains(reason) && page.text.contains(body), "{reason}: {}", page.text);
    }
}

#[tokio::test]
async fn a_form_that_cannot_be_read_or_is_too_big_is_refused() {
    let forum = Forum::start().await;
    let mut browser = Browser::logged_in(&forum, "new_here").await;
    let missing = browser.post(&format!("{POST}/comment"), &[]).await;
    assert!(missing.status.is_client_error() && missing.text.contains("body"), "{}", missing.text);
    let wrong = browser.post(&format!("{POST}/like"), &[("on", "perhaps")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let big = browser.post(&format!("{POST}/comment"), &[("body", &"x".repeat(200_000))]).await;
    assert_eq!(big.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(big.text.contains("Shorten the text"));
    let query = format!("/search?q={}", "x".repeat(101));
    assert_eq!(browser.get(&query).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(browser.post("/login", &[("name", "no")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_form_from_another_site_changes_nothing() {
    let forum = Forum::start().await;
    let mut browser = Browser::logged_in(&forum, "new_here").await;
    let own = forum.url.as_str();
    let refused: [&[(&str, &str)]; 5] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", own)],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    for headers in refused {
        let answer = browser.post_with(&format!("{POST}/comment"), &[("body", "Planted")], headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(answer.text.contains("another site"));
    }
    assert!(!browser.get(POST).await.text.contains("Planted"));
    let allowed =
        browser.post_with(&format!("{POST}/comment"), &[("body", "Typed")], &[("origin", own)]).await;
    assert_eq!(allowed.status, StatusCode::SEE_OTHER);
    assert!(browser.get(POST).await.text.contains("Typed"));
}

#[tokio::test]
async fn a_log_in_leads_to_no_other_site() {
    let forum = Forum::start().await;
    for next in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let answer = Browser::new(&forum).post("/login", &[("name", "new_here"), ("next", next)]).await;
        assert_eq!(answer.location(), "/", "{next}");
    }
}
