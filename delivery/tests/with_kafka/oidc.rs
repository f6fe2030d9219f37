//! OAUTHBEARER with the tokens of an OpenID Connect provider: a real Kafka, and a token endpoint that gives out tokens
//! which nobody has signed. Only in a build with the feature `oidc`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::kafka::login::KafkaWithLogin;
use crate::support::{DEADLINE, ToKafka, batch, wait_for, wait_for_state, wait_until_healthy};
use footfall_delivery::{KafkaSasl, KafkaSecret, KafkaState, Stored, Weight, inspect};

/// `footfall:right`, as RFC 7617 has it.
const RIGHT: &str = "Basic Zm9vdGZhbGw6cmlnaHQ=";

/// How long a token is valid.
const LIFETIME: Duration = Duration::from_secs(10);

/// An endpoint that answers client credentials (RFC 6749, 4.4).
struct TokenEndpoint {
    address: SocketAddr,
    given: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

impl TokenEndpoint {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (given, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (counted, counted_refused) = (Arc::clone(&given), Arc::clone(&refused));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let counter = if answer(stream.unwrap()) { &counted } else { &counted_refused };
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { address, given, refused }
    }
}

/// Answers one request; says whether it gave out a token.
fn answer(mut stream: TcpStream) -> bool {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    while reader.read_line(&mut head).unwrap() > 2 {
        let line = head.lines().last().unwrap().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let may = head.contains(RIGHT)
        && body.contains("grant_type=client_credentials")
        && body.contains("scope=kafka");
    let (status, body) = match may {
        true => ("200 OK", format!(r#"{{"access_token":"{}","token_type":"Bearer"}}"#, token())),
        false => ("401 Unauthorized", r#"{"error":"invalid_client"}"#.to_owned()),
    };
    let headers = "content-type: application/json\r\nconnection: close";
    write!(stream, "HTTP/1.1 {status}\r\n{headers}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    may
}

/// An unsecured token (RFC 7519, section 6).
fn token() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = format!(r#"{{"sub":"footfall","iat":{now},"exp":{}}}"#, now + LIFETIME.as_secs());
    format!("{}.{}.", base64_url(br#"{"alg":"none"}"#), base64_url(claims.as_bytes()))
}

/// RFC 4648, section 5, without padding.
fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let sextets = |chunk: &[u8]| {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(move |place| ALPHABET[(bits >> (18 - 6 * place) & 63) as usize] as char)
    };
    bytes.chunks(3).flat_map(sextets).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "oidc"), ignore = "needs a build with --features oidc")]
async fn tokens_of_a_provider_sign_us_in_are_renewed_and_a_wrong_secret_is_mended_without_a_restart() {
    let kafka = KafkaWithLogin::start_with_tokens();
    kafka.create_topic("tokens", &[]).await;
    let endpoint = TokenEndpoint::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "wrong\n").unwrap();
    let sasl = KafkaSasl::Oidc {
        token_endpoint: format!("http://{}/token", endpoint.address),
        client_id: "footfall".to_owned(),
        client_secret: KafkaSecret::from_file("wrong", file.path()),
        scope: Some("kafka".to_owned()),
    };
    let mut asked = None;
    let opened = ToKafka::open(&kafka.brokers_with_login(), "tokens", |settings| {
        let kafka = settings.kafka.as_mut().unwrap();
        kafka.sasl = Some(sasl);
        asked = Some(kafka.clone());
    });
    let asked = asked.unwrap();
    let stored = opened.append(batch(0..50)).await.unwrap().stored;
    assert_eq!(stored, Stored::Journal);
    wait_for("a refusal", || (endpoint.refused.load(Ordering::Relaxed) > 0).then_some(())).await;
    let settings = asked.clone();
    let found = tokio::task::spawn_blocking(move || inspect(&settings, 1_000)).await.unwrap();
    println!("with a wrong secret: {found:#?}");
    assert!(found.iter().any(|finding| finding.weight == Weight::Wrong), "{found:?}");
    assert_eq!(opened.stats().kafka.unwrap().state, KafkaState::Away);

    std::fs::write(file.path(), "right\n").unwrap();
    wait_until_healthy(&opened).await;
    assert_eq!(kafka.count("tokens"), 50);
    let found = tokio::task::spawn_blocking(move || inspect(&asked, 1_000)).await.unwrap();
    println!("with the right secret: {found:#?}");
    assert!(found[0].words.contains("OAUTHBEARER") && found[0].weight == Weight::Right, "{found:?}");

    // A token is asked for again before it expires, and records go on.
    let given = endpoint.given.load(Ordering::Relaxed);
    let begun = Instant::now();
    let mut number = 50;
    while endpoint.given.load(Ordering::Relaxed) == given || begun.elapsed() < LIFETIME {
        assert!(begun.elapsed() < DEADLINE, "no other token was asked for");
        let stored = opened.append(batch(number..number + 10)).await.unwrap().stored;
        assert!(matches!(stored, Stored::Kafka(_)), "{stored:?} after {:?}", begun.elapsed());
        number += 10;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    wait_for_state(&opened, KafkaState::Healthy).await;
    assert_eq!(kafka.count("tokens"), number as i64);
}
