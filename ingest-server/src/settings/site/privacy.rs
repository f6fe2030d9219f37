//! What a site does where a visitor's browser says that the visitor wants no tracking.
//! `Sec-GPC: 1` is Global Privacy Control (section 3.2), `DNT: 1` its older form that fewer browsers send.

use std::fmt;

/// What becomes of the events of such a visitor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignalPolicy {
    /// They are kept as those of anybody else.
    Ignore,
    /// They are kept without ids and without the address. The default.
    #[default]
    Anonymous,
    /// They are not kept.
    Drop,
}

impl SignalPolicy {
    pub(super) fn read(text: Option<&str>) -> Option<Self> {
        match text {
            Some("ignore") => Some(Self::Ignore),
            Some("anonymous") => Some(Self::Anonymous),
            Some("drop") => Some(Self::Drop),
            _ => None,
        }
    }
}

impl fmt::Display for SignalPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ignore => "ignore",
            Self::Anonymous => "anonymous",
            Self::Drop => "drop",
        })
    }
}

/// The two signals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signals {
    /// `Sec-GPC: 1`.
    pub gpc: SignalPolicy,
    /// `DNT: 1`.
    pub dnt: SignalPolicy,
}
