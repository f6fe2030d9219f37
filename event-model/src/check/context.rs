//! The rules of a context: its ids, its objects, the share of its sample, and how much text it may bring into each record.
//! The ids and objects are held to the same rules as an event's own.

use super::{above, bag, id};
use crate::limits::{CONTEXT_BYTES, NAME_BYTES};
use crate::text::joined;
use crate::{Context, Json, Rule, Violation};

/// Checks the context that a batch says for all its events.
///
/// # Errors
/// Every [`Violation`] there is, in the order of the fields.
pub fn check_context(context: &Context) -> Result<(), Vec<Violation>> {
    let mut found = Vec::new();
    check_context_into(&mut found, context);
    if found.is_empty() { Ok(()) } else { Err(found) }
}

pub(super) fn check_context_into(found: &mut Vec<Violation>, context: &Context) {
    for (field, value) in [
        ("anonymous_id", &context.anonymous_id),
        ("session_id", &context.session_id),
        ("user_id", &context.user_id),
        ("user_signature", &context.user_signature),
        ("group_id", &context.group_id),
        ("page_view_id", &context.page_view_id),
        ("traceparent", &context.traceparent),
    ] {
        id(found, "context.", field, value.as_deref());
    }
    bag(found, "context.campaign", context.campaign.as_ref().map(Json::text));
    bag(found, "context.screen", context.screen.as_ref().map(Json::text));
    bag(found, "context.consent", context.consent.as_ref().map(Json::text));
    if let Some(rate) = &context.sample_rate
        && !is_share(rate.text())
    {
        let told = crate::text::cut(rate.text(), NAME_BYTES);
        let message =
            ["context.sample_rate is ", told, "; it must be a decimal above 0 and at most 1, such as 0.25"];
        found.push(Violation::new("context.sample_rate", Rule::OutOfRange, joined(&message)));
    }
    let size = text_bytes(context);
    if size > CONTEXT_BYTES {
        found.push(above(
            &["context has "],
            "context",
            Rule::TooLarge,
            size,
            " bytes of text",
            CONTEXT_BYTES,
        ));
    }
}

/// Whether a JSON number is a decimal above 0 and at most 1, written without an exponent.
fn is_share(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let only = |allowed: &[u8]| fraction.bytes().all(|digit| allowed.contains(&digit));
    match whole {
        "1" => only(b"0"),
        "0" => only(b"0123456789") && !only(b"0"),
        _ => false,
    }
}

/// Bytes of all texts in a context as they will be written in each record; ids, which have a limit of their own,
/// included. A control character takes six bytes there, so one byte of text must not count as one.
fn text_bytes(context: &Context) -> usize {
    let mut bytes = 0;
    let written = |byte: u8| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    let mut add = |texts: &[&Option<String>]| {
        for text in texts.iter().copied().flatten() {
            bytes += text.bytes().map(written).sum::<usize>();
        }
    };
    add(&[&context.anonymous_id, &context.session_id, &context.user_id, &context.user_signature]);
    add(&[
        &context.group_id,
        &context.page_view_id,
        &context.locale,
        &context.timezone,
        &context.traceparent,
    ]);
    if let Some(page) = &context.page {
        add(&[&page.url, &page.path, &page.title, &page.referrer]);
    }
    if let Some(sdk) = &context.sdk {
        add(&[&sdk.name, &sdk.version]);
    }
    let bags = [&context.campaign, &context.screen, &context.consent];
    bytes + bags.into_iter().flatten().map(|bag| bag.text().len()).sum::<usize>()
}
