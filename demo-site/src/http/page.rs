//! What all pages share: the frame around them, and how a template becomes an answer.
//! What stands inside the frame is left to each page's own file.

use askama::Template;
use axum::response::Html;
use serde::Serialize;

use super::{Forum, session::Visitor};
use crate::{Error, store::Member};

/// The frame of a page: its title, who is logged in, and the script tag of Footfall.
pub(crate) struct Layout {
    pub(crate) title: String,
    pub(crate) member: Option<Member>,
    /// What stands in the search field.
    pub(crate) query: String,
    pub(crate) ingest_url: String,
    pub(crate) write_key: String,
    pub(crate) event: Option<PageEvent>,
}

/// A business event that the page tells Footfall once it is shown.
pub(crate) struct PageEvent {
    pub(crate) name: &'static str,
    /// A JSON object.
    pub(crate) properties: String,
}

impl Layout {
    pub(super) fn new(forum: &Forum, visitor: &Visitor, title: &str) -> Self {
        Self {
            title: title.to_owned(),
            member: visitor.member.clone(),
            query: String::new(),
            ingest_url: forum.settings.ingest_url.to_string(),
            write_key: forum.settings.write_key.clone(),
            event: None,
        }
    }

    pub(super) fn with_event(
        mut self,
        name: &'static str,
        properties: &impl Serialize,
    ) -> Result<Self, Error> {
        self.event = Some(PageEvent { name, properties: serde_json::to_string(properties)? });
        Ok(self)
    }
}

/// Renders a page.
pub(super) fn html(page: &impl Template) -> Result<Html<String>, Error> {
    Ok(Html(page.render()?))
}
