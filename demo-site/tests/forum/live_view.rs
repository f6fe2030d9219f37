//! The live view: what the admin address sends reaches the browser it belongs to, and what happens when it does not.
//! The admin address here is a small server that says what a test wants; the real one is tested with real browsers.

use std::convert::Infallible;

use crate::support::{Browser, DEADLINE, Forum};
use axum::{
    Router,
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures_util::stream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

/// One call of `GET /debug/events`: what it asked for, and the way to answer it.
struct Call {
    query: String,
    last_event_id: Option<String>,
    events: mpsc::Sender<&'static str>,
}

struct Admin {
    url: String,
    calls: mpsc::Receiver<Call>,
}

impl Admin {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (calling, calls) = mpsc::channel::<Call>(256);
        let router = Router::new().route("/debug/events", get(answer)).with_state(calling);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, calls }
    }

    async fn call(&mut self) -> Call {
        timeout(DEADLINE, self.calls.recv()).await.expect("the forum calls the admin address").unwrap()
    }
}

async fn answer(
    State(calling): State<mpsc::Sender<Call>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let (events, sent) = mpsc::channel(1);
    let last_event_id = headers.get("last-event-id").map(|id| id.to_str().unwrap().to_owned());
    calling.send(Call { query: query.unwrap(), last_event_id, events }).await.unwrap();
    let body = stream::unfold(sent, |mut sent| async move {
        let event = sent.recv().await?;
        Some((Ok::<_, Infallible>(Bytes::from_static(event.as_bytes())), sent))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(body)).into_response()
}

#[tokio::test]
async fn an_accepted_event_reaches_the_browser_as_it_was_sent() {
    let mut admin = Admin::start().await;
    let forum = Forum::start_with_admin(&admin.url).await;
    let browser = Browser::new(&forum);
    let mut view = browser.open("/live?anonymous_id=a%20b%26c", &[]).await;
    view.until("event: connected\n").await;
    let call = admin.call().await;
    assert_eq!((call.query.as_str(), call.last_event_id), ("anonymous_id=a+b%26c&replay=50", None));
    let event = "id: 7\nevent: accepted\ndata: {\"event\":\"like\"}\n\n";
    call.events.send(event).await.unwrap();
    assert!(view.until("like").await.ends_with(event));
    call.events.send(": still here\n\n").await.unwrap();
    view.until("still here").await;
}

#[tokio::test]
async fn a_browser_that_comes_back_goes_on_after_the_last_event_it_saw() {
    let mut admin = Admin::start().await;
    let forum = Forum::start_with_admin(&admin.url).await;
    let browser = Browser::new(&forum);
    let _view = browser.open("/live?anonymous_id=a", &[("last-event-id", "41")]).await;
    assert_eq!(admin.call().await.last_event_id.as_deref(), Some("41"));
}

#[tokio::test]
async fn the_admin_stream_ends_when_the_browser_leaves() {
    let mut admin = Admin::start().await;
    let forum = Forum::start_with_admin(&admin.url).await;
    let browser = Browser::new(&forum);
    let view = browser.open("/live?anonymous_id=a", &[]).await;
    let call = admin.call().await;
    drop((view, browser));
    timeout(DEADLINE, call.events.closed()).await.expect("the forum hangs up");
}

#[tokio::test]
async fn the_browsers_stream_ends_when_the_admin_stream_does_so_that_it_asks_again() {
    let mut admin = Admin::start().await;
    let forum = Forum::start_with_admin(&admin.url).await;
    let browser = Browser::new(&forum);
    let view = browser.open("/live?anonymous_id=a", &[]).await;
    drop(admin.call().await);
    assert_eq!(view.whole().await, "event: connected\ndata: live\n\n");
}

#[tokio::test]
async fn an_admin_address_that_is_down_wrong_or_mute_is_said_in_words_and_tried_again() {
    let not_found = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wrong = format!("http://{}", not_found.local_addr().unwrap());
    let nothing = Router::new().fallback(|| async { StatusCode::NOT_FOUND });
    tokio::spawn(async move { axum::serve(not_found, nothing).await });
    // The system takes the connection, and nobody ever answers.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute_url = format!("http://{}", mute.local_addr().unwrap());
    for admin_url in ["http://127.0.0.1:1", &wrong, &mute_url] {
        let forum = Forum::start_with_admin(admin_url).await;
        let view = Browser::new(&forum).open("/live?anonymous_id=a", &[]).await;
        let said = "retry: 1000\nevent: unavailable\ndata: live view not reachable, retrying\n\n";
        assert_eq!(view.whole().await, said);
    }
}

#[tokio::test]
async fn a_live_view_beyond_the_limit_is_told_to_come_back_and_others_go_on() {
    let mut admin = Admin::start().await;
    let forum = Forum::start_with_admin(&admin.url).await;
    let browser = Browser::new(&forum);
    let (mut views, mut calls) = (Vec::new(), Vec::new());
    for _ in 0..128 {
        views.push(browser.open("/live?anonymous_id=a", &[]).await);
        calls.push(admin.call().await);
    }
    let refused = browser.open("/live?anonymous_id=a", &[]).await.whole().await;
    assert!(refused.contains("event: unavailable\ndata: all live views are taken, retrying"), "{refused}");
    calls[0].events.send("data: still here\n\n").await.unwrap();
    views[0].until("still here").await;
    // A view that ends makes room.
    drop((views.pop(), calls.pop()));
    timeout(DEADLINE, async {
        while browser.open("/live?anonymous_id=a", &[]).await.first_event().await.contains("unavailable") {}
    })
    .await
    .expect("room for another view");
}

#[tokio::test]
async fn a_request_without_an_id_or_with_a_wrong_one_is_refused_in_words() {
    let forum = Forum::start().await;
    let mut browser = Browser::new(&forum);
    let too_long = format!("/live?anonymous_id={}", "x".repeat(257));
    for path in ["/live", "/live?anonymous_id=", &too_long] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(answer.text.contains("anonymous_id must have 1 to 256 bytes"), "{path}");
    }
}

#[tokio::test]
async fn an_open_live_view_does_not_hold_up_a_stop() {
    let mut admin = Admin::start().await;
    let forum = Forum::start_with_admin(&admin.url).await;
    let browser = Browser::new(&forum);
    let view = browser.open("/live?anonymous_id=a", &[]).await;
    let call = admin.call().await;
    forum.stop().await.unwrap();
    assert_eq!(view.whole().await, "event: connected\ndata: live\n\n", "the stream ends in order");
    timeout(DEADLINE, call.events.closed()).await.expect("the forum hangs up");
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_at_a_stop() {
    let forum = Forum::start().await;
    let mut stuck = TcpStream::connect(forum.url.trim_start_matches("http://")).await.unwrap();
    // The forum answers 100 when it has begun to wait for the body, which never comes.
    let head = "POST /login HTTP/1.1\r\nhost: forum\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                content-length: 9\r\nexpect: 100-continue\r\n\r\n";
    stuck.write_all(head.as_bytes()).await.unwrap();
    timeout(DEADLINE, stuck.read_exact(&mut [0; 25])).await.expect("the forum waits").unwrap();
    forum.stop().await.unwrap();
}
