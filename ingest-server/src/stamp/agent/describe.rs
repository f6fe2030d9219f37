//! From the headers to the record's `user_agent`: what the rules read, made better by the hints where there are any.
//! What a browser tells everybody alike is left out, so that a version in the topic is a version.

use super::class::class;
use super::hints::{Hints, os_version, trimmed};
use super::rules::Rules;
use super::{Agent, Told};
use footfall_event_model::{DeviceClass, UserAgent};
use serde_json::value::to_raw_value;
use std::borrow::Cow;

/// Describes who sent these headers (a letter, then a line each). `None` where it cannot be written, which it can.
pub(super) fn describe(rules: Option<&Rules>, headers: &str, told: Told) -> Option<Agent> {
    let mut lines = headers.get(1..)?.split('\n');
    let header = lines.next()?;
    let original = told.original.then_some(header);
    let Some(rules) = rules else {
        let text = to_raw_value(&UserAgent { original, ..UserAgent::default() }).ok()?;
        return Some(Agent { text, bot: false });
    };
    let read = Read::of(rules, header, &Hints::read(lines));
    let as_bot = read.bot && told.bot;
    let agent = UserAgent {
        original,
        browser: read.browser.as_deref(),
        browser_version: read.browser_version.as_deref(),
        os: read.os.as_deref(),
        os_version: read.os_version.as_deref(),
        device: Some(if as_bot { DeviceClass::Bot } else { read.class }),
        brand: read.brand.as_deref(),
        model: read.model.as_deref(),
        bot: told.bot.then_some(read.bot),
    };
    Some(Agent { text: to_raw_value(&agent).ok()?, bot: read.bot })
}

struct Read<'a> {
    browser: Option<Cow<'a, str>>,
    browser_version: Option<Cow<'a, str>>,
    os: Option<Cow<'a, str>>,
    os_version: Option<Cow<'a, str>>,
    brand: Option<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
    class: DeviceClass,
    bot: bool,
}

impl<'a> Read<'a> {
    fn of(rules: &'a Rules, header: &'a str, hints: &Hints<'a>) -> Self {
        let (browser, os, device) = rules.uap.extract(header);
        let (family, version) = match browser {
            Some(found) => (
                Some(common_browser(found.family)),
                joined(
                    [found.major, found.minor, found.patch, found.patch_minor]
                        .map(|part| part.map(Cow::Borrowed)),
                ),
            ),
            None => (None, None),
        };
        let (browser, browser_version) = better_browser(family, version, hints);
        let (os, os_version) = match os {
            Some(found) => (Some(common_os(found.os)), joined([found.major, found.minor, found.patch, None])),
            None => (None, None),
        };
        let os_version = os_version.filter(|version| !is_everybodys(os.as_deref(), version, header));
        let (os, os_version) = better_os(os, os_version, hints);
        let is_spider = device.as_ref().is_some_and(|device| device.device == "Spider");
        let (brand, model) = match device {
            // "K" is what every Android says that keeps its model to itself.
            Some(found) if !is_spider && found.model.as_deref() != Some("K") => (
                found.brand.filter(|brand| !brand.starts_with("Generic")),
                found
                    .model
                    .filter(|model| !matches!(model.as_ref(), "Smartphone" | "Tablet" | "Feature Phone")),
            ),
            _ => (None, None),
        };
        Self {
            class: class(header, os.as_deref().unwrap_or_default(), hints.mobile),
            bot: is_spider || rules.is_crawler(header),
            browser,
            browser_version,
            os,
            os_version,
            brand,
            model: hints.model.map(Cow::Borrowed).or(model),
        }
    }
}

/// A version of its parts, without the zeros at its end that stand for what a browser keeps to itself.
fn joined<'a>(parts: [Option<Cow<'a, str>>; 4]) -> Option<Cow<'a, str>> {
    let mut version = String::new();
    for part in parts.iter().map_while(Option::as_ref) {
        if !version.is_empty() {
            version.push('.');
        }
        version.push_str(part);
    }
    let kept = version.strip_suffix(".0.0.0").unwrap_or(&version).len();
    version.truncate(kept);
    (!version.is_empty()).then_some(Cow::Owned(version))
}

/// One name for a browser, on a phone and on a desk: the device's class tells the rest.
fn common_browser(family: Cow<'_, str>) -> Cow<'_, str> {
    if !family.contains("Mobile") && !family.ends_with(" iOS") {
        return family;
    }
    let name = family.strip_suffix(" iOS").unwrap_or(&family).replace(" Mobile", "").replace("Mobile ", "");
    Cow::Owned(name)
}

fn common_os(os: Cow<'_, str>) -> Cow<'_, str> {
    if os == "Mac OS X" { Cow::Borrowed("macOS") } else { os }
}

/// The brand of the hints, where the header says no more than that it is built on Chromium, and its full version.
fn better_browser<'a>(
    family: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    hints: &Hints<'a>,
) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
    let Some((brand, said)) = hints.brand else { return (family, version) };
    let plain = family.as_deref().is_none_or(|family| matches!(family, "Chrome" | "Chromium"));
    if brand != "Chromium" && (plain || family.as_deref() == Some(brand)) {
        let said = Some(trimmed(said)).filter(|said| !said.is_empty());
        return (Some(Cow::Borrowed(brand)), said.map(Cow::Borrowed).or(version));
    }
    (family, version)
}

/// The system of the hints; a Linux keeps the name of its distribution.
fn better_os<'a>(
    os: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    hints: &Hints<'a>,
) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
    let Some(platform) = hints.platform else { return (os, version) };
    if platform == "Linux" && os.is_some() {
        return (os, version);
    }
    let same = os.as_deref() == Some(platform);
    let said = hints.platform_version.map(|version| os_version(platform, version));
    (Some(Cow::Borrowed(platform)), said.map(Cow::Borrowed).or(version.filter(|_| same)))
}

/// Whether a version is the one that browsers tell whatever the truth is: 10.15 for every newer macOS, and Android 10
/// beside the model "K" (Chromium's User-Agent reduction).
fn is_everybodys(os: Option<&str>, version: &str, header: &str) -> bool {
    match os {
        Some("macOS") => matches!(version, "10.15" | "10.15.7"),
        Some("Android") => version == "10" && header.contains("; K)"),
        _ => false,
    }
}
