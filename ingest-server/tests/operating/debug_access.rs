//! Who may watch `/debug/events`, and how many at once.

use crate::support::Server;
use crate::support::live::{ask, watch};
use std::net::{SocketAddr, UdpSocket};

const TOKEN: &str = "0123456789abcdef-only-for-tests";
/// `operator:` and the token.
const BASIC: &str = "Basic b3BlcmF0b3I6MDEyMzQ1Njc4OWFiY2RlZi1vbmx5LWZvci10ZXN0cw==";

#[tokio::test]
async fn where_a_token_is_set_nobody_watches_without_it() {
    let server = Server::start(&[("admin.token", TOKEN)]).await;
    let (right, wrong) = (format!("Bearer {TOKEN}"), format!("Bearer {}", TOKEN.to_uppercase()));
    let in_the_address = format!("?token={TOKEN}");
    for (query, authorization, code) in [
        ("", None, "no_token"),
        ("", Some("Negotiate abc"), "no_token"),
        ("", Some("Bearer"), "no_token"),
        (in_the_address.as_str(), None, "token_in_address"),
        ("", Some(wrong.as_str()), "wrong_token"),
        ("", Some("Basic b3BlcmF0b3I6"), "wrong_token"),
        ("", Some(&right[..right.len() - 1]), "wrong_token"),
        // What else is asked for is not looked at before the token.
        ("?replay=all", Some(wrong.as_str()), "wrong_token"),
    ] {
        let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
        let reply = ask(server.admin, query, &headers).await.err().unwrap();
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (401, code), "{query} {authorization:?}");
        assert_eq!(
            reply.header("www-authenticate"),
            Some("Basic realm=\"footfall\", Bearer realm=\"footfall\"")
        );
        let told = format!("{reply:?}");
        assert!(told.contains("Authorization: Bearer") || code == "wrong_token", "{told}");
        assert!(!told.contains(TOKEN), "{told}");
    }
    server.post(r#"{"events":[{"event":"a"}]}"#).await;
    for authorization in [right.as_str(), &format!("bearer {TOKEN}"), BASIC] {
        // With a token it does not matter by which name the server is asked for.
        let headers = [("authorization", authorization), ("host", "footfall.example:8081")];
        let mut watcher = ask(server.admin, "?replay=1", &headers).await.ok().unwrap();
        assert_eq!(watcher.until(1).await[0].data["event"], "a");
    }
    // What names no visitor is for load balancers and scrapers.
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn without_a_token_a_name_that_any_page_could_point_here_is_refused() {
    let server = Server::start(&[]).await;
    for host in ["evil.example", "evil.example:8081", "localhost.evil.example", "127.0.0.1.evil.example", "?"]
    {
        let reply = ask(server.admin, "", &[("host", host)]).await.err().unwrap();
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, "host_not_local"), "{host}");
        assert!(reply.json()["reason"].as_str().unwrap().contains("or set a token"));
    }
    for host in ["localhost", "LOCALHOST:8081", "127.0.0.1:8081", "[::1]:8081", "[::1]"] {
        assert!(ask(server.admin, "", &[("host", host)]).await.is_ok(), "{host}");
    }
}

#[tokio::test]
async fn without_a_token_another_machine_is_refused() {
    // An address of this machine's own that is not loopback stands in for another machine's.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let own = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    let Some(own) = own.ok().filter(|own| !own.ip().is_loopback()) else {
        return eprintln!("this machine has no network, so nobody can come from elsewhere");
    };
    for (token, status) in [(None, 403), (Some(TOKEN), 401)] {
        let token: Vec<_> = token.map(|token| ("admin.token", token)).into_iter().collect();
        let server = Server::start(&[&[("admin_listen", "0.0.0.0:0")][..], &token].concat()).await;
        let admin = SocketAddr::new(own.ip(), server.admin.port());
        let reply = ask(admin, "", &[]).await.err().unwrap();
        assert_eq!(reply.status, status);
        if token.is_empty() {
            assert_eq!(reply.code(), "not_local");
            assert!(reply.json()["reason"].as_str().unwrap().contains("admin.token_file"));
        } else {
            let right = [("authorization", &*format!("Bearer {TOKEN}"))];
            assert!(ask(admin, "", &right).await.is_ok());
        }
    }
}

#[tokio::test]
async fn so_many_may_watch_and_one_that_leaves_makes_room() {
    let server = Server::start(&[]).await;
    let mut watchers = Vec::new();
    for _ in 0..256 {
        watchers.push(watch(server.admin, "").await);
    }
    let reply = ask(server.admin, "", &[]).await.err().unwrap();
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (503, "too_many_watchers"));
    assert_eq!(reply.header("retry-after"), Some("5"));
    assert!(reply.json()["reason"].as_str().unwrap().starts_with("256 live views are open"));
    drop(watchers.pop());
    crate::support::until(async || ask(server.admin, "", &[]).await.is_ok()).await;
    server.post(r#"{"events":[{"event":"a"}]}"#).await;
    for watcher in &mut watchers {
        assert_eq!(watcher.until(1).await[0].data["event"], "a", "nobody was cut off");
    }
}
