//! A panic in one request, over real sockets and both versions of HTTP.

use super::outlive::outliving;
use super::*;
use crate::settings::HttpSettings;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

const LONG: Duration = Duration::from_secs(60);
const BOUNDS: HttpSettings = HttpSettings {
    max_connections: 10,
    max_connections_per_address: 10,
    max_body_bytes: 1 << 20,
    handshake_timeout: LONG,
    head_timeout: LONG,
    body_timeout: LONG,
    idle_timeout: LONG,
    answer_timeout: LONG,
    max_connection_age: LONG,
};

async fn fails() -> &'static str {
    outliving(&TaskTracker::new(), || async { panic!("a defect, made for this test") }).await
}

#[tokio::test]
async fn a_panic_costs_one_request_a_500_is_counted_and_hurts_no_other() {
    let metrics = Arc::new(Metrics::default());
    let routes = Router::new().route("/fails", get(fails)).route("/works", get(async || "works"));
    let routes = in_public(routes, Arc::clone(&metrics));
    let front = Front::admin(routes, BOUNDS, Arc::clone(&metrics));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    let serving = tokio::spawn(serve(Listener::Tcp(listener), None, Arc::new(front), stopping));

    let ask = |path| {
        Request::get(format!("http://x{path}"))
            .header("host", "x")
            .header("origin", "https://a.example")
            .header("x-request-id", "mine-1")
            .body(Empty::<bytes::Bytes>::new())
            .unwrap()
    };
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut two, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let (failed, worked) =
        tokio::join!(two.send_request(ask("/fails")), two.clone().send_request(ask("/works")));
    let failed = failed.unwrap();
    assert_eq!(failed.status(), 500);
    // A page is told of it, by an answer that it may read.
    for (name, value) in [
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-allow-credentials", "true"),
        ("x-request-id", "mine-1"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(failed.headers().get(name).map(|value| value.to_str().unwrap()), Some(value), "{name}");
    }
    assert!(failed.headers()["access-control-expose-headers"].to_str().unwrap().contains("x-request-id"));
    assert!(failed.headers()["vary"].to_str().unwrap().contains("origin"));
    let body = failed.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(br#"{"code":"internal""#), "{body:?}");
    assert_eq!(worked.unwrap().status(), 200, "beside it on the same connection");

    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut one, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    for (path, status) in [("/fails", 500), ("/works", 200)] {
        let answer = one.send_request(ask(path)).await.unwrap();
        assert_eq!(answer.status(), status, "one after the other on the same connection");
        answer.into_body().collect().await.unwrap();
    }
    assert_eq!(metrics.transport.panics.get(), 2);
    drop((one, two));
    stop.send_replace(true);
    serving.await.unwrap();
}
