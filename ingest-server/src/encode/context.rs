//! What is kept of a context: all of it, less than that in a record, and nothing that says who it was.
//! What a record keeps is chosen field by field, so that a new one is kept or left out by decision.

use footfall_event_model::{Context, Json, Sdk};
use serde::Serialize;
use serde_json::value::RawValue;

/// What stands of a context in a record as `context`, in the order of [`Context`].
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    screen: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdk: Option<&'a Sdk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_rate: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
}

/// The context as it stands in a record: without the ids and the page, which stand on their own there, and without the user's
/// signature, which would let a reader of the topic speak in the user's name.
pub(super) fn kept_context(context: &Context) -> Result<Option<Box<RawValue>>, serde_json::Error> {
    let Context {
        anonymous_id: _,
        session_id: _,
        user_id: _,
        user_signature: _,
        group_id: _,
        page_view_id: _,
        page: _,
        campaign,
        screen,
        locale,
        timezone,
        sdk,
        consent,
        sample_rate,
        traceparent,
    } = context;
    let is_empty = [campaign, screen, consent, sample_rate].into_iter().all(Option::is_none)
        && [locale, timezone, traceparent].into_iter().all(Option::is_none)
        && sdk.is_none();
    if is_empty {
        return Ok(None);
    }
    let kept = Kept {
        campaign: campaign.as_ref(),
        screen: screen.as_ref(),
        locale: locale.as_deref(),
        timezone: timezone.as_deref(),
        sdk: sdk.as_ref(),
        consent: consent.as_ref(),
        sample_rate: sample_rate.as_ref(),
        traceparent: traceparent.as_deref(),
    };
    serde_json::value::to_raw_value(&kept).map(Some)
}

/// A context that does not say who it was.
pub(super) fn without_ids(context: Context) -> Context {
    Context {
        anonymous_id: None,
        session_id: None,
        user_id: None,
        user_signature: None,
        group_id: None,
        page_view_id: None,
        ..context
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_what_it_does_not_say_elsewhere_and_in_the_contexts_order() {
        let text = r#"{"anonymous_id":"a","session_id":"s","user_id":"u","user_signature":"x","group_id":"g",
            "page_view_id":"p","page":{"url":"https://a/"},"campaign":{"source":"c"},"screen":{"width":1},"locale":"de",
            "timezone":"Europe/Berlin","sdk":{"name":"n"},"consent":{"ads":true},"sample_rate":0.50,"traceparent":"t"}"#;
        let context: Context = serde_json::from_str(text).unwrap();
        let left = Context { page: None, ..without_ids(context.clone()) };
        let kept = kept_context(&context).unwrap().unwrap();
        assert_eq!(kept.get(), serde_json::to_string(&left).unwrap());
        assert!(kept.get().starts_with(r#"{"campaign"#) && kept.get().contains("0.50"));
        let nothing = Context { user_id: Some("u".to_owned()), ..Context::default() };
        assert!(kept_context(&nothing).unwrap().is_none());
    }
}
