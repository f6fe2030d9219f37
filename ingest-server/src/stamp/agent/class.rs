//! Which kind of device it is. uap-core tells names, not kinds, so a few words decide, the surest first.
//! An iPad that asks for desktop pages says that it is a Mac, and nothing that it sends tells the two apart.

use footfall_event_model::DeviceClass;

/// Words of televisions and what is plugged into them.
const TV: [&str; 16] = [
    "SmartTV",
    "Smart-TV",
    "SMART-TV",
    "Smart TV",
    "HbbTV",
    "AppleTV",
    "Apple TV",
    "GoogleTV",
    "Google TV",
    "Android TV",
    "CrKey",
    "Roku",
    "Web0S",
    "NetCast",
    "BRAVIA",
    " AFT",
];

/// The kind of a device that is no bot, from the `User-Agent`, the system's name, and whether the hints call it mobile.
pub(super) fn class(agent: &str, os: &str, mobile: Option<bool>) -> DeviceClass {
    let says = |word: &str| agent.contains(word);
    if TV.into_iter().any(says) || os == "tvOS" || os == "ATV OS X" || (os == "Tizen" && says("TV")) {
        return DeviceClass::Tv;
    }
    if ["PlayStation", "PLAYSTATION", "Xbox", "Nintendo"].into_iter().any(says) {
        return DeviceClass::Console;
    }
    if says("OculusBrowser") || says("Quest ") {
        return DeviceClass::Headset;
    }
    if os == "WatchOS" || says("Watch") {
        return DeviceClass::Watch;
    }
    if says("iPad") || (says("Tablet") && !says("Tablet PC")) || says("Kindle") || says("KFAPWI") {
        return DeviceClass::Tablet;
    }
    match (os, mobile) {
        (_, Some(true)) => DeviceClass::Phone,
        ("Android", Some(false)) => DeviceClass::Tablet,
        ("iOS" | "Windows Phone" | "KaiOS" | "BlackBerry OS", _) => DeviceClass::Phone,
        ("Android", None) if says("Mobile") => DeviceClass::Phone,
        ("Android", None) if says("Mozilla/") => DeviceClass::Tablet,
        _ if says("iPhone") || says("iPod") || says("Opera Mini") => DeviceClass::Phone,
        _ if DESKTOPS.contains(&os) && says("Mozilla/") => DeviceClass::Desktop,
        _ if says("Mobile") && says("Mozilla/") => DeviceClass::Phone,
        _ => DeviceClass::Other,
    }
}

/// Systems of desks and laps.
const DESKTOPS: [&str; 12] = [
    "Windows",
    "macOS",
    "Linux",
    "Ubuntu",
    "Chrome OS",
    "Chromium OS",
    "Fedora",
    "Debian",
    "FreeBSD",
    "OpenBSD",
    "Solaris",
    "Mint",
];
