//! What sent a request, as the server reads it from `User-Agent` and the Client Hints.
//! Which rules say so is the server's part; here are only the names under which consumers find it.

use serde::Serialize;

/// What sent the request. A field that could not be told is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UserAgent<'a> {
    /// The header as it came, cut to 512 bytes (OpenTelemetry's `user_agent.original`), where it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<&'a str>,
    /// The browser's name, such as `Chrome`: the same on a phone and on a desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<&'a str>,
    /// Its version, as far as the browser tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser_version: Option<&'a str>,
    /// The operating system, such as `Windows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<&'a str>,
    /// Its version; missing where the browser tells everybody the same one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<&'a str>,
    /// What kind of device it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceClass>,
    /// Who made the device, such as `Samsung`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<&'a str>,
    /// The device's model, such as `SM-G991B`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<&'a str>,
    /// `true` for a crawler, a monitor, a driven browser; `false` for all else. Missing where nothing was read, and
    /// where the site wants no tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot: Option<bool>,
}

/// What kind of device sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum DeviceClass {
    Desktop,
    Phone,
    Tablet,
    Tv,
    Console,
    Watch,
    Headset,
    Bot,
    /// None of these, such as a library that a server sends with.
    Other,
}
