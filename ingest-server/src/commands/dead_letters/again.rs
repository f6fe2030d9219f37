//! From a dead letter to the request that sends its event again, by the path by which it came.
//! What the server would have given the event then is given now: its id, its time, the signature of its user.

use super::letter::Letter;
use crate::check::UserSigner;
use crate::decode::Shape;
use crate::encode::{Members, ObjectText, mask};
use footfall_event_model::{Batch, Context, EventType};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

const UNREADABLE: &str = "it cannot be read";
const TOO_LARGE: &str = "its event was too large to be kept";

/// A request that sends an event again.
pub(super) struct Again {
    /// Where to.
    pub(super) path: Cow<'static, str>,
    /// Its body, JSON.
    pub(super) body: Vec<u8>,
}

impl Again {
    /// The request of a letter: under the event's id, or the letter's where it had none, and under the time at which it
    /// came where it told none; with the user's signature where that was there and `signer` can make it again. Without
    /// the time of sending: the clock that it told of has gone on.
    ///
    /// # Errors
    /// The reason, where there is nothing to send.
    pub(super) fn of(letter: &Letter, signer: Option<&UserSigner>) -> Result<Self, &'static str> {
        let path = letter.text("request_path").unwrap_or("/v1/events");
        let shape = Shape::of_path(path).ok_or("it came by a path that this version does not know")?;
        let signer = signer.filter(|_| letter.text("user") == Some("signed"));
        let body = match shape {
            Shape::Events | Shape::Pixel => ours(letter, signer),
            Shape::Segment(kind) => segment(letter, shape, kind, signer),
        }?;
        Ok(Self { path: shape.path(), body })
    }
}

fn ours(letter: &Letter, signer: Option<&UserSigner>) -> Result<Vec<u8>, &'static str> {
    let batch: Batch<'_> = serde_json::from_slice(letter.payload()).map_err(|_| UNREADABLE)?;
    let event = *batch.events.first().ok_or(TOO_LARGE)?;
    let mut context = batch.context.unwrap_or_default();
    if let Some(signer) = signer {
        sign(event, &mut context, signer);
    }
    let names = Names { id: "event_id", times: &["timestamp"], sent_at: None, is_missing: is_null };
    let event = RawValue::from_string(names.completed(event, letter, None)).map_err(|_| UNREADABLE)?;
    let again = Batch { context: Some(context), events: vec![&event], ..Batch::default() };
    serde_json::to_vec(&again).map_err(|_| UNREADABLE)
}

fn sign(event: &RawValue, context: &mut Context, signer: &UserSigner) {
    let own = mask(Shape::Events, event, false).and_then(|masked| masked.user_id);
    let user_id = own.or_else(|| context.user_id.clone());
    context.user_signature = user_id.map(|user_id| signer.sign(&user_id));
}

/// What a letter of Segment's clients holds.
#[derive(Deserialize)]
struct Calls<'a> {
    #[serde(borrow)]
    context: Option<&'a RawValue>,
    batch: Vec<&'a RawValue>,
}

fn segment(
    letter: &Letter,
    shape: Shape,
    kind: Option<EventType>,
    signer: Option<&UserSigner>,
) -> Result<Vec<u8>, &'static str> {
    let Calls { context, batch } = serde_json::from_slice(letter.payload()).map_err(|_| UNREADABLE)?;
    let call = *batch.first().ok_or(TOO_LARGE)?;
    let user_id = mask(shape, call, false).and_then(|masked| masked.user_id);
    let signature = user_id.and_then(|user_id| Some(signer?.sign(&user_id)));
    let call = SEGMENT.completed(call, letter, signature.as_deref());
    if kind.is_some() {
        return Ok(call.into_bytes());
    }
    let mut again = ObjectText::sized(call.len() + 64);
    if let Some(context) = context {
        again.push("context", context.get());
    }
    again.push("batch", &format!("[{call}]"));
    Ok(again.closed().into_bytes())
}

/// What the fields of an event are called in a shape.
struct Names {
    id: &'static str,
    /// Where its time may stand; the last is the one that is given.
    times: &'static [&'static str],
    sent_at: Option<&'static str>,
    is_missing: fn(&RawValue) -> bool,
}

/// A call of its own says itself when it was sent; empty text is missing there.
const SEGMENT: Names = Names {
    id: "messageId",
    times: &["originalTimestamp", "timestamp"],
    sent_at: Some("sentAt"),
    is_missing: |raw| is_null(raw) || raw.get() == "\"\"",
};

fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

impl Names {
    /// The event's text with what it lacks, and with the signature in its context; as it is where it is no object.
    fn completed(&self, event: &RawValue, letter: &Letter, signature: Option<&str>) -> String {
        let Some(members) = Members::of(event) else { return event.get().to_owned() };
        let lacks = |name: &str| members.get(name).is_none_or(|raw| (self.is_missing)(raw));
        let (no_id, no_time) = (lacks(self.id), self.times.iter().all(|name| lacks(name)));
        let mut text = ObjectText::sized(event.get().len() + 64);
        if no_id {
            text.push(self.id, &Value::from(letter.text("dead_letter_id").unwrap_or_default()).to_string());
        }
        if let (true, Some(time)) = (no_time, self.times.last()) {
            text.push(time, &letter.received_at().to_string());
        }
        if let Some(signature) = signature {
            text.push("context", &signed(members.get("context"), signature));
        }
        for (name, value) in members.iter() {
            // None may stand twice.
            let given = (no_id && name == self.id)
                || (no_time && self.times.contains(&name))
                || (signature.is_some() && name == "context")
                || self.sent_at == Some(name);
            if !given {
                text.push(name, value.get());
            }
        }
        text.closed()
    }
}

/// A context with a signature.
fn signed(context: Option<&RawValue>, signature: &str) -> String {
    let mut text = ObjectText::sized(context.map_or(0, |context| context.get().len()) + 96);
    for (name, value) in context.and_then(Members::of).iter().flat_map(Members::iter) {
        text.push(name, value.get());
    }
    text.push("user_signature", &Value::from(signature).to_string());
    text.closed()
}
