//! Every setting the server knows, once: its key in the file, its default, and a line for the help.
//! Flags and environment variables are derived from the key, so that the three cannot drift apart.

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its key in the file, such as `kafka.brokers`.
    pub key: &'static str,
    /// Its default as it would be written, where it has one.
    pub default: Option<&'static str>,
    /// May be given more than once: a list in the file, commas in the environment.
    pub list: bool,
    /// May not be shown: its variable says it, or the file that the setting with `_file` behind the key names.
    pub secret: bool,
    /// What stands for the value in the help.
    pub value_name: &'static str,
    /// What it decides, in a line.
    pub help: &'static str,
}

impl Setting {
    /// The flag without its dashes: `kafka-brokers`.
    pub fn flag(&self) -> String {
        self.key.replace(['.', '_'], "-")
    }

    /// The environment variable: `FOOTFALL_KAFKA_BROKERS`.
    pub fn env(&self) -> String {
        format!("FOOTFALL_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }
}

const fn one(
    key: &'static str,
    default: &'static str,
    value_name: &'static str,
    help: &'static str,
) -> Setting {
    Setting { key, default: Some(default), list: false, secret: false, value_name, help }
}

const fn unset(key: &'static str, list: bool, value_name: &'static str, help: &'static str) -> Setting {
    Setting { key, default: None, list, secret: false, value_name, help }
}

/// A secret; it has no flag, since every user of the machine can read a command line.
const fn secret(key: &'static str, help: &'static str) -> Setting {
    Setting { key, default: None, list: false, secret: true, value_name: "", help }
}

/// All settings, in the order of the help.
pub const SETTINGS: &[Setting] = &[
    one("listen", "127.0.0.1:8080", "ADDRESS", "Where events and the SDK are served"),
    unset("server.region", false, "NAME", "Where this server stands, for each record"),
    unset("server.instance", false, "NAME", "Which server it is, for each record"),
    one(
        "admin_listen",
        "127.0.0.1:8081",
        "ADDRESS",
        "Where probes, metrics and the live view are served; keep it private",
    ),
    secret("admin.token", "What opens the live view, /debug/events, also from other machines"),
    unset(
        "admin.token_file",
        false,
        "FILE",
        "The file of the token that opens /debug/events to other machines; or the token in FOOTFALL_ADMIN_TOKEN",
    ),
    unset("tls.listen", false, "ADDRESS", "Where events and the SDK are served by TLS, beside listen"),
    unset(
        "tls.certificate",
        false,
        "FILE",
        "The certificate and its chain, in PEM; a new one is taken over by itself",
    ),
    unset("tls.key", false, "FILE", "The certificate's private key, in PEM"),
    unset("unix.listen", false, "PATH", "A Unix socket where events and the SDK are served too, for a proxy"),
    one("unix.mode", "0660", "MODE", "Who may connect to the Unix socket"),
    one("data_dir", "footfall-data", "DIR", "Where the journal and the memory of batch ids are kept"),
    unset("write_key", true, "KEY", "A site's public key; give it once for each site"),
    unset("kafka.brokers", true, "HOST:PORT,…", "Produce to this Kafka; without it the journal is the store"),
    one("kafka.topic", "footfall.events", "NAME", "The topic for accepted events"),
    unset(
        "kafka.dead_letter_topic",
        false,
        "NAME",
        "The topic for refused events; without it that of events with .dead-letter behind it",
    ),
    one("kafka.format", "json", "FORMAT", "In which format an event stands there: json, avro or protobuf"),
    one(
        "kafka.cloud_events",
        "binary",
        "MODE",
        "How it is a CloudEvent: binary (in its headers), or structured (json only: the event inside of it)",
    ),
    unset(
        "kafka.schema_registry.url",
        false,
        "URL",
        "The registry of the schema of avro and protobuf (Confluent's API); without it records have no schema id",
    ),
    unset(
        "kafka.schema_registry.ca_file",
        false,
        "FILE",
        "Who may have signed its certificate, in PEM; else whom this machine trusts",
    ),
    unset("kafka.schema_registry.username", false, "NAME", "Who asks there"),
    secret("kafka.schema_registry.password", "The password of that name"),
    unset(
        "kafka.schema_registry.password_file",
        false,
        "FILE",
        "The file of the password; or the password in FOOTFALL_KAFKA_SCHEMA_REGISTRY_PASSWORD",
    ),
    one(
        "kafka.schema_registry.subject_name_strategy",
        "topic-name",
        "NAME",
        "How a topic's subject is named: topic-name, record-name or topic-record-name",
    ),
    one(
        "kafka.schema_registry.auto_register",
        "on",
        "SWITCH",
        "Whether the schema is registered where it is missing: on or off",
    ),
    one(
        "kafka.schema_registry.timeout",
        "10s",
        "DURATION",
        "How long the start waits for the registry; then ids from before are taken, or it fails",
    ),
    one("kafka.create_topics", "off", "SWITCH", "Whether topics that are missing are made: on or off"),
    unset(
        "kafka.topics.partitions",
        false,
        "COUNT",
        "Partitions of a topic that is made; else the brokers' default",
    ),
    unset(
        "kafka.topics.replication_factor",
        false,
        "COUNT",
        "On how many brokers each of them is; else the brokers' default",
    ),
    unset(
        "kafka.topics.min_insync_replicas",
        false,
        "COUNT",
        "How many of those must have an event before it is acknowledged; else the brokers' default",
    ),
    unset(
        "kafka.topics.retention",
        false,
        "DURATION",
        "How long records are kept; else the brokers' default",
    ),
    unset(
        "kafka.topics.compression",
        false,
        "CODEC",
        "How the brokers keep records; else as they were produced",
    ),
    one(
        "kafka.partitioner",
        "hash",
        "NAME",
        "Which partition an event goes to: hash (of its key), round-robin, random or sticky",
    ),
    one(
        "kafka.hot_key_rate",
        "off",
        "COUNT",
        "Events a second of one key above which it is spread over partitions, or off",
    ),
    one("kafka.hot_key_buckets", "8", "COUNT", "Into how many parts such a key is split, from 2 to 64"),
    one(
        "kafka.guarantee",
        "at-least-once",
        "NAME",
        "What an answer promises: at-most-once (202, no journal), at-least-once, or exactly-once (transactions)",
    ),
    unset(
        "kafka.transactional_id",
        false,
        "TEXT",
        "With exactly-once: this server's transactional.id, no other's; else footfall- and server.instance",
    ),
    one(
        "kafka.acks",
        "all",
        "all",
        "Which replicas must have an event before it is acknowledged: all in sync; 1 with at-most-once",
    ),
    one("kafka.compression", "snappy", "CODEC", "none, gzip, snappy, lz4 or zstd"),
    one("kafka.linger", "5ms", "DURATION", "How long the producer waits to fill a batch"),
    one("kafka.batch_size", "1MB", "SIZE", "What the producer sends at once for one partition, at most"),
    one(
        "kafka.request_timeout",
        "10s",
        "DURATION",
        "How long a broker may take to answer; then it is asked again",
    ),
    one(
        "kafka.slow_after",
        "2s",
        "DURATION",
        "How long an event waits for the brokers; then the journal takes over",
    ),
    one(
        "kafka.drain_max_rate",
        "off",
        "COUNT",
        "Events a second that go from the journal to Kafka once it is back, or off",
    ),
    unset(
        "kafka.tls.enabled",
        false,
        "SWITCH",
        "Whether brokers are reached by TLS; on where a file of it is named",
    ),
    unset(
        "kafka.tls.ca_file",
        false,
        "FILE",
        "Who may have signed the brokers' certificates, in PEM; else whom this machine trusts",
    ),
    unset(
        "kafka.tls.certificate_file",
        false,
        "FILE",
        "Our certificate and its chain, where brokers ask for one",
    ),
    unset("kafka.tls.key_file", false, "FILE", "The private key of that, in PEM"),
    secret("kafka.tls.key_password", "What opens that key"),
    unset(
        "kafka.tls.key_password_file",
        false,
        "FILE",
        "The file of what opens that key, where it is encrypted",
    ),
    unset(
        "kafka.sasl.mechanism",
        false,
        "NAME",
        "How to sign in to the brokers: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER",
    ),
    unset("kafka.sasl.username", false, "NAME", "Who signs in"),
    secret("kafka.sasl.password", "The password of that name"),
    unset(
        "kafka.sasl.password_file",
        false,
        "FILE",
        "The file of the password; or the password in FOOTFALL_KAFKA_SASL_PASSWORD",
    ),
    unset(
        "kafka.sasl.token_endpoint",
        false,
        "URL",
        "OAUTHBEARER: where the OpenID Connect provider gives tokens out",
    ),
    unset("kafka.sasl.client_id", false, "NAME", "OAUTHBEARER: who asks for a token there"),
    secret("kafka.sasl.client_secret", "OAUTHBEARER: what proves it"),
    unset("kafka.sasl.client_secret_file", false, "FILE", "OAUTHBEARER: the file of what proves it"),
    unset("kafka.sasl.scope", false, "TEXT", "OAUTHBEARER: the scope that is asked for"),
    one(
        "kafka.sasl.unsecured_token",
        "off",
        "SWITCH",
        "OAUTHBEARER: a token that nobody has signed, for trying it out; on or off",
    ),
    unset(
        "kafka.properties",
        true,
        "NAME=VALUE",
        "A further librdkafka property, a table in the file; NAME_file=FILE or NAME_env=VARIABLE for a secret",
    ),
    one("memory.max_bytes", "64MiB", "SIZE", "Accepted events that wait to become durable; above it 503"),
    one("journal.max_bytes", "1GiB", "SIZE", "The journal on disk; above it 503"),
    one(
        "journal.reserve",
        "10%",
        "SHARE",
        "With Kafka: what of the journal is kept for key events while Kafka is away",
    ),
    one(
        "journal.retention_age",
        "7d",
        "DURATION",
        "Without Kafka: how long the journal keeps events, or off for ever",
    ),
    one(
        "journal.retention_bytes",
        "90%",
        "SIZE",
        "Without Kafka: above it (a size, or a share of journal.max_bytes) the oldest events go; off: 503 where it is full",
    ),
    one("dead_letters", "on", "SWITCH", "Whether refused events are kept as dead letters: on or off"),
    one("receipts.max_bytes", "64MiB", "SIZE", "The memory of batch ids; the oldest are forgotten first"),
    one("event_ids.max_bytes", "42MiB", "SIZE", "The window of event ids; the oldest are forgotten first"),
    one(
        "event_ids.rebuild",
        "10m",
        "DURATION",
        "How far back the ids of stored events are read at a start (at most 5 s), or off",
    ),
    unset(
        "redis.url",
        false,
        "URL",
        "A Redis through which several servers share limits and ids: redis://, rediss:// or unix://",
    ),
    unset(
        "redis.url_file",
        false,
        "FILE",
        "The file of that URL where it holds a password; or the URL in FOOTFALL_REDIS_URL",
    ),
    one("redis.cluster", "off", "SWITCH", "Whether it is a node of a Redis Cluster: on or off"),
    one("redis.prefix", "footfall:", "TEXT", "What all keys there begin with"),
    one(
        "redis.timeout",
        "50ms",
        "DURATION",
        "How long a request may wait for Redis; then it is taken to be away",
    ),
    one(
        "redis.on_failure",
        "open",
        "POLICY",
        "While it is away: open (each server for itself) or closed (503)",
    ),
    one("redis.limits", "on", "SWITCH", "Whether the rate limits are shared: on or off"),
    one("redis.event_ids", "on", "SWITCH", "Whether the ids of events are shared: on or off"),
    one("redis.event_ids_window", "10m", "DURATION", "How long an event's id is known there"),
    one("redis.receipts", "on", "SWITCH", "Whether the ids of batches are shared: on or off"),
    one("redis.receipts_window", "24h", "DURATION", "How long a batch's id is known there"),
    one("http.max_connections", "4096", "COUNT", "Connections open at once; more wait in the backlog"),
    one(
        "http.max_connections_per_address",
        "512",
        "COUNT",
        "Connections open at once from one client address (IPv6: a /64); more are closed",
    ),
    one("http.max_body_bytes", "64MiB", "SIZE", "Bodies being read at once, all together; above it 503"),
    one("http.handshake_timeout", "10s", "DURATION", "How long a TLS handshake or a PROXY header may take"),
    one(
        "http.head_timeout",
        "30s",
        "DURATION",
        "How long a new connection may say nothing, and a request's head may take",
    ),
    one("http.body_timeout", "10s", "DURATION", "How long a request's body may take to arrive"),
    one("http.idle_timeout", "75s", "DURATION", "How long a connection may be open without a request"),
    one("http.answer_timeout", "30s", "DURATION", "How long a client may leave an answer unread"),
    one(
        "http.max_connection_age",
        "1h",
        "DURATION",
        "How long a connection lives; it ends between two requests",
    ),
    unset(
        "proxies.trusted",
        true,
        "NETWORK,…",
        "Proxies that are believed whom they pass on, such as 10.0.0.0/8",
    ),
    one(
        "proxies.header",
        "x-forwarded-for",
        "NAME",
        "Where they tell it: forwarded (RFC 7239), or a header's name",
    ),
    unset(
        "plan",
        false,
        "PATH",
        "The tracking plan of all sites that name none of their own: plan.toml, or a folder of JSON Schemas",
    ),
    one(
        "plan_mode",
        "enforce",
        "MODE",
        "What fits no tracking plan: enforce refuses it, report counts it, off",
    ),
    one("privacy.address", "truncate", "POLICY", "Client addresses: truncate (/24, /48), hash, drop or full"),
    unset(
        "geo.files",
        true,
        "FILE",
        "A database of places (mmdb): countries, cities or ASNs; give it once for each",
    ),
    one("geo.check_interval", "1m", "DURATION", "How often it is looked whether those files have changed"),
    one(
        "limits.address_requests_per_second",
        "100",
        "COUNT",
        "Requests of one client address (IPv6: one /64), or off; above it 429",
    ),
    unset(
        "limits.address_requests_burst",
        false,
        "COUNT",
        "Requests at once; 10 s of the rate where not set",
    ),
    one(
        "limits.private_addresses",
        "exempt",
        "POLICY",
        "Addresses of private networks and this machine: exempt from that limit, or limit",
    ),
    one("limits.key_events_per_second", "off", "COUNT", "Events of one write key; above it 429"),
    unset(
        "limits.key_events_burst",
        false,
        "COUNT",
        "Events at once; 10 s of the rate, at least 500, where not set",
    ),
    one("limits.shed_background", "50%", "SHARE", "Load from which background events are refused with 503"),
    one(
        "limits.shed_normal",
        "80%",
        "SHARE",
        "The same for ordinary events; key events are taken up to 100%",
    ),
    one("log.format", "text", "FORMAT", "Lines of the log: text, or json for what gathers them"),
    one(
        "proxy_protocol",
        "false",
        "BOOLEAN",
        "Whether trusted proxies begin each connection with a PROXY header",
    ),
    one(
        "user_agent.parse",
        "true",
        "BOOL",
        "Whether browser, system, device and bots are read from the headers",
    ),
    one("user_agent.original", "true", "BOOL", "Whether the header User-Agent itself stands in the record"),
    unset("page.query", true, "NAME", "A query parameter of pages that is kept, beside those of UTM"),
    one("stop_timeout", "10s", "DURATION", "How long a stop may take to finish what is in flight"),
    one(
        "worker_threads",
        "auto",
        "COUNT",
        "Threads that answer requests; auto: one less than there are processors, and at least one",
    ),
];

/// Finds a setting by its key in the file.
pub(super) fn by_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stable_flags_are_there() {
        let flags: Vec<_> = SETTINGS.iter().map(Setting::flag).collect();
        for flag in ["listen", "admin-listen", "data-dir", "write-key", "kafka-brokers", "kafka-topic"] {
            assert!(flags.contains(&flag.to_owned()), "{flag}");
        }
        assert_eq!(by_key("kafka.brokers").unwrap().env(), "FOOTFALL_KAFKA_BROKERS");
    }
}
