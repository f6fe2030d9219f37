//! What of an address's query is kept: the parameters that the settings name, and the campaign. Everything else may be
//! a token, a name or an address of somebody, and goes.

use super::Wanted;
use footfall_event_model::text::cut;
use footfall_event_model::{Campaign, Pairs};
use std::borrow::Cow;

/// Parameters of a query that are read.
const PARAMETERS: usize = 64;
/// Bytes of a name or a value that are kept.
const VALUE_BYTES: usize = 256;

/// Parameters that advertisers add to tell the one click that led here: Google (four), Meta, Microsoft, X, TikTok,
/// LinkedIn, Yandex, Snap, Pinterest, Reddit, Impact.
const CLICK_IDS: [&str; 14] = [
    "gclid",
    "gbraid",
    "wbraid",
    "dclid",
    "fbclid",
    "msclkid",
    "twclid",
    "ttclid",
    "li_fat_id",
    "yclid",
    "sccid",
    "epik",
    "rdt_cid",
    "irclickid",
];

/// A query's parameters and the campaign in them. Under privacy (`Sec-GPC: 1`) no id of a click is kept, since it
/// stands for one person.
pub(super) fn read<'a>(query: &'a str, wanted: Wanted<'_>) -> (Pairs<'a>, Option<Campaign<'a>>) {
    let (mut kept, mut campaign) = (Pairs::default(), Campaign::default());
    if query.is_empty() {
        return (kept, None);
    }
    for (name, value) in form_urlencoded::parse(query.as_bytes()).take(PARAMETERS) {
        let is_click = CLICK_IDS.iter().any(|known| known.eq_ignore_ascii_case(&name));
        if (is_click && wanted.private) || value.is_empty() {
            continue;
        }
        let value = shortened(value);
        let is_utm = name.starts_with("utm_");
        if is_utm || is_click {
            note(&mut campaign, &name, value.clone());
        }
        if is_utm || wanted.query.contains(&*name) {
            add(&mut kept, name, value);
        }
    }
    let said = campaign != Campaign::default();
    (kept, said.then_some(campaign))
}

/// Notes one parameter of a campaign; the first of a name counts.
fn note<'a>(campaign: &mut Campaign<'a>, name: &str, value: Cow<'a, str>) {
    let field = match name {
        "utm_source" => &mut campaign.source,
        "utm_medium" => &mut campaign.medium,
        "utm_campaign" => &mut campaign.name,
        "utm_term" => &mut campaign.term,
        "utm_content" => &mut campaign.content,
        "utm_id" => &mut campaign.id,
        utm if utm.starts_with("utm_") => return,
        click => return add(&mut campaign.click_ids, Cow::Owned(click.to_ascii_lowercase()), value),
    };
    if field.is_none() {
        *field = Some(value);
    }
}

fn add<'a>(pairs: &mut Pairs<'a>, name: Cow<'a, str>, value: Cow<'a, str>) {
    let name = shortened(name);
    if !pairs.0.iter().any(|(known, _)| *known == name) {
        pairs.0.push((name, value));
    }
}

/// The first of these parameters that says something.
pub(super) fn first<'a>(query: &'a str, names: &str) -> Option<Cow<'a, str>> {
    let mut parameters = form_urlencoded::parse(query.as_bytes()).take(PARAMETERS);
    let found =
        parameters.find(|(name, value)| !value.is_empty() && names.split(' ').any(|known| known == name));
    found.map(|(_, value)| shortened(value))
}

pub(super) fn shortened(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(cut(text, VALUE_BYTES)),
        Cow::Owned(mut text) => {
            let end = cut(&text, VALUE_BYTES).len();
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}
