//! The routes of a site: patterns of paths, such as `/t/{slug}/{post_id}`, with a business name for each.
//! A path is looked up in a radix tree, whatever the number of patterns.

use super::query::shortened;
use crate::settings::Route;
use footfall_event_model::Pairs;
use matchit::Router;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Patterns and their names.
pub(super) struct Routes(Router<Route>);

impl Routes {
    /// The routes of a site over those of all sites: where both have a pattern of one shape, the site's own counts.
    pub(super) fn new(own: &[Route], common: &[Route]) -> Self {
        let mut router = Router::new();
        for route in own.iter().chain(common) {
            // The settings have checked each list; only a common one can be in the way of a site's.
            let _ = router.insert(route.pattern.clone(), route.clone());
        }
        Self(router)
    }

    /// The route that a path fits, and what stands in the path for its parameters. A slash at the end changes nothing.
    pub(super) fn at<'a>(&'a self, path: &'a str) -> Option<(&'a Route, Pairs<'a>)> {
        let shorter = path.strip_suffix('/').filter(|path| !path.is_empty());
        let found = self.0.at(path).or_else(|missing| self.0.at(shorter.ok_or(missing)?)).ok()?;
        let params = found.params.iter().map(|(name, value)| {
            let value = percent_decode_str(value).decode_utf8_lossy();
            (Cow::Borrowed(name), shortened(value))
        });
        Some((found.value, Pairs(params.collect())))
    }
}
