//! A forum on a real socket in a directory of its own, and a browser without script that keeps its cookie.
//! What is promised about them is left to the tests.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{path::Path, time::Duration};

use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::Bytes;
use footfall_demo_site::{BaseUrl, Error, Settings, run};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// The longest that any condition of these tests may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Forum {
    pub(crate) url: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), Error>>,
    _dir: TempDir,
}

impl Forum {
    pub(crate) async fn start() -> Self {
        // Nothing listens on port 1: the live panel is tested with an admin address of its own.
        Self::start_with_admin("http://127.0.0.1:1").await
    }

    pub(crate) async fn start_with_admin(admin_url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let settings = settings(dir.path(), admin_url);
        let served = tokio::spawn(run(listener, settings, async move {
            let _ = stopped.await;
        }));
        Self { url, stop, served, _dir: dir }
    }

    /// Asks the forum to stop and gives what `run` came to, within the deadline.
    pub(crate) async fn stop(self) -> Result<(), Error> {
        self.stop.send(()).unwrap();
        tokio::time::timeout(DEADLINE, self.served).await.expect("the forum stops").unwrap()
    }
}

fn settings(dir: &Path, admin_url: &str) -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: dir.to_owned(),
        ingest_url: BaseUrl::parse("http://127.0.0.1:8080").unwrap(),
        admin_url: BaseUrl::parse_plain_http(admin_url).unwrap(),
        write_key: "pk_test".into(),
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }
}

pub(crate) struct Browser {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    cookie: Option<String>,
}

impl Browser {
    pub(crate) fn new(forum: &Forum) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, url: forum.url.clone(), cookie: None }
    }

    pub(crate) async fn logged_in(forum: &Forum, name: &str) -> Self {
        let mut browser = Self::new(forum);
        let answer = browser.post("/login", &[("name", name), ("next", "/")]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
        browser
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], String::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, fields, &[("sec-fetch-site", "same-origin")]).await
    }

    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, path, headers, body).await
    }

    /// Opens a stream and gives its body as it comes.
    pub(crate) async fn open(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        let mut request = Request::get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.client.request(request.body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
        Stream { body: answer.into_body(), text: String::new() }
    }

    async fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let answer = self.client.request(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        if let Some(cookie) = parts.headers.get(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            self.cookie =
                (!cookie.contains("Max-Age=0")).then(|| cookie.split(';').next().unwrap().to_owned());
        }
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }
}

pub(crate) struct Stream {
    body: Incoming,
    text: String,
}

impl Stream {
    /// Reads on until `wanted` has come, and gives all that has come so far.
    pub(crate) async fn until(&mut self, wanted: &str) -> &str {
        let reading = async {
            while !self.text.contains(wanted) {
                let frame = self.body.frame().await.expect("the stream goes on").unwrap();
                self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
            }
        };
        tokio::time::timeout(DEADLINE, reading).await.unwrap_or_else(|_| panic!("{wanted} never came"));
        &self.text
    }

    /// The first event, whatever it is.
    pub(crate) async fn first_event(mut self) -> String {
        self.until("\n\n").await.to_owned()
    }

    /// Reads to the end of the stream, and gives all of it.
    pub(crate) async fn whole(self) -> String {
        let rest =
            tokio::time::timeout(DEADLINE, self.body.collect()).await.expect("the stream ends").unwrap();
        self.text + std::str::from_utf8(&rest.to_bytes()).unwrap()
    }
}
