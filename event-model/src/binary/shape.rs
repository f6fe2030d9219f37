//! The fields of a record as the binary formats write them: their order, their numbers, their types.
//! The schemas in `event-model/schemas/` are made of this table and of the types' own words; a test holds it to the types.

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// UTF-8 text. The names that an enumeration of the model has are text too: a new one breaks no reader.
    Text,
    /// A whole number.
    Int,
    /// A time by the server's judgement, in Unix milliseconds. What a sender said is an `Int`: it may be no time at all.
    Time,
    /// A whole number from 0 on. Avro knows none above 2^63 - 1, and is told that one instead of a larger.
    UInt,
    /// A decimal.
    Double,
    /// `true` or `false`.
    Bool,
    /// A JSON value of the site's own, as its text.
    Json,
    /// Texts by names of the site's own.
    Map,
    /// A message inside this one.
    Message(&'static Message),
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Its name, in JSON too.
    pub(crate) name: &'static str,
    /// Its number in Protobuf, for ever: one that was given is never given again.
    pub(crate) number: u32,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Whether it is always there. A field that comes later never is.
    pub(crate) required: bool,
}

/// A record, or a part of one.
#[derive(Debug)]
pub(crate) struct Message {
    /// The name of its type.
    #[cfg_attr(not(test), expect(dead_code, reason = "it is for the schemas, which a test makes"))]
    pub(crate) name: &'static str,
    /// In the order in which they are written; Avro's schema has the same one.
    pub(crate) fields: &'static [Field],
}

const fn always(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { name, number, kind, required: true }
}

const fn maybe(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { name, number, kind, required: false }
}

/// What a record says of its own event ([`crate::Record`]).
pub(crate) static OWN: Message = Message {
    name: "Own",
    fields: &[
        always(1, "schema_version", Kind::UInt),
        always(2, "event_id", Kind::Text),
        always(3, "type", Kind::Text),
        maybe(4, "event", Kind::Text),
        maybe(5, "original_name", Kind::Text),
        always(6, "timestamp", Kind::Time),
        maybe(7, "original_timestamp", Kind::Int),
        maybe(8, "clock_skew_ms", Kind::Int),
        maybe(9, "time_flag", Kind::Text),
        maybe(10, "seq", Kind::UInt),
        maybe(11, "user_id", Kind::Text),
        maybe(12, "group_id", Kind::Text),
        maybe(13, "previous_id", Kind::Text),
        maybe(14, "properties", Kind::Json),
        maybe(15, "traits", Kind::Json),
        maybe(16, "key_event", Kind::Bool),
        maybe(17, "possible_duplicate", Kind::Bool),
    ],
};

/// What it says of where that comes from ([`crate::Surroundings`]); in a record it stands behind the other.
pub(crate) static SURROUNDINGS: Message = Message {
    name: "Surroundings",
    fields: &[
        maybe(18, "sent_at", Kind::Int),
        always(19, "received_at", Kind::Time),
        always(20, "write_key", Kind::Text),
        maybe(21, "site", Kind::Text),
        maybe(22, "server", Kind::Message(&SERVER)),
        maybe(23, "batch_id", Kind::Text),
        maybe(24, "anonymous_id", Kind::Text),
        maybe(25, "session_id", Kind::Text),
        maybe(26, "page_view_id", Kind::Text),
        maybe(27, "context", Kind::Message(&CONTEXT)),
        always(28, "client", Kind::Message(&CLIENT)),
        maybe(29, "user_agent", Kind::Message(&USER_AGENT)),
        maybe(30, "page", Kind::Message(&PAGE)),
        maybe(31, "referrer", Kind::Message(&REFERRER)),
        maybe(32, "campaign", Kind::Message(&CAMPAIGN)),
    ],
};

static SERVER: Message =
    Message { name: "TakenBy", fields: &[maybe(1, "region", Kind::Text), maybe(2, "instance", Kind::Text)] };

/// Without what a record keeps elsewhere or not at all: the ids, the signature and the page.
static CONTEXT: Message = Message {
    name: "Context",
    fields: &[
        maybe(1, "campaign", Kind::Json),
        maybe(2, "screen", Kind::Json),
        maybe(3, "locale", Kind::Text),
        maybe(4, "timezone", Kind::Text),
        maybe(5, "sdk", Kind::Message(&SDK)),
        maybe(6, "consent", Kind::Json),
        maybe(7, "sample_rate", Kind::Double),
        maybe(8, "traceparent", Kind::Text),
    ],
};

static SDK: Message =
    Message { name: "Sdk", fields: &[maybe(1, "name", Kind::Text), maybe(2, "version", Kind::Text)] };

static CLIENT: Message = Message {
    name: "Client",
    fields: &[
        maybe(1, "address", Kind::Text),
        always(2, "address_policy", Kind::Text),
        maybe(3, "null_origin", Kind::Bool),
        maybe(4, "country", Kind::Text),
        maybe(5, "region", Kind::Text),
        maybe(6, "region_name", Kind::Text),
        maybe(7, "city", Kind::Text),
        maybe(8, "asn", Kind::UInt),
        maybe(9, "as_name", Kind::Text),
    ],
};

static USER_AGENT: Message = Message {
    name: "UserAgent",
    fields: &[
        maybe(1, "original", Kind::Text),
        maybe(2, "browser", Kind::Text),
        maybe(3, "browser_version", Kind::Text),
        maybe(4, "os", Kind::Text),
        maybe(5, "os_version", Kind::Text),
        maybe(6, "device", Kind::Text),
        maybe(7, "brand", Kind::Text),
        maybe(8, "model", Kind::Text),
        maybe(9, "bot", Kind::Bool),
    ],
};

static PAGE: Message = Message {
    name: "RecordPage",
    fields: &[
        maybe(1, "scheme", Kind::Text),
        maybe(2, "host", Kind::Text),
        maybe(3, "path", Kind::Text),
        maybe(4, "query", Kind::Map),
        maybe(5, "title", Kind::Text),
        maybe(6, "route", Kind::Text),
        maybe(7, "name", Kind::Text),
        maybe(8, "params", Kind::Map),
    ],
};

static REFERRER: Message = Message {
    name: "Referrer",
    fields: &[
        always(1, "class", Kind::Text),
        maybe(2, "name", Kind::Text),
        maybe(3, "term", Kind::Text),
        maybe(4, "host", Kind::Text),
        maybe(5, "path", Kind::Text),
    ],
};

static CAMPAIGN: Message = Message {
    name: "Campaign",
    fields: &[
        maybe(1, "source", Kind::Text),
        maybe(2, "medium", Kind::Text),
        maybe(3, "name", Kind::Text),
        maybe(4, "term", Kind::Text),
        maybe(5, "content", Kind::Text),
        maybe(6, "id", Kind::Text),
        maybe(7, "click_ids", Kind::Map),
    ],
};
