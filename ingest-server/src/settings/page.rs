//! Settings of what is read from a page and from a browser: routes, query parameters, user agents, bots.
//! Routes stand in the file only, since a pattern and its name belong together.

use super::source::{Origin, scalar, unknown};
use super::{Problem, Reader};
use matchit::Router;
use std::collections::BTreeSet;
use toml::de::{DeTable, DeValue};

/// Routes in one list.
const ROUTES: usize = 1000;
/// Bytes of a pattern, and of a name.
const ROUTE_BYTES: usize = 256;

/// What is read of who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceSettings {
    /// Whether browser, system, device and bots are read from the headers.
    pub parse: bool,
    /// Whether the header itself stands in the record.
    pub keep_original: bool,
}

/// What is kept of a page's address, for all sites.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageSettings {
    /// The parameters of a query that are kept, beside those of UTM.
    pub query: BTreeSet<String>,
    /// The routes.
    pub routes: Vec<Route>,
}

/// A pattern of paths, and what a page there is to the business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Such as `/t/{slug}/{post_id}`; `{*rest}` takes everything to the end.
    pub pattern: String,
    /// Such as `post_detail`.
    pub name: Option<String>,
}

/// What becomes of a bot's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BotPolicy {
    /// They are not stored, and the answer says so.
    Drop,
    /// The record says that it was a bot. The default.
    #[default]
    Tag,
    /// They are kept like everybody's, and the record does not say it.
    Keep,
}

impl BotPolicy {
    pub(super) fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match value.as_str() {
            Some("drop") => Ok(Self::Drop),
            Some("tag") => Ok(Self::Tag),
            Some("keep") => Ok(Self::Keep),
            _ => Err("must be \"drop\", \"tag\" or \"keep\"".to_owned()),
        }
    }

    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Tag => "tag",
            Self::Keep => "keep",
        }
    }
}

impl Reader<'_> {
    pub(super) fn device(&mut self) -> Option<DeviceSettings> {
        let parse = self.one("user_agent.parse", flag);
        let keep_original = self.one("user_agent.original", flag);
        let device = DeviceSettings { parse: parse?, keep_original: keep_original? };
        for (write_key, (_, site)) in self.sources.sites() {
            if site.bots == BotPolicy::Drop && !device.parse {
                let message = "is \"drop\", but user_agent.parse is false, so that no bot is known: switch that on, or leave this out";
                self.problems.push(Problem::new(format!("site.{write_key}.bots"), message));
            }
        }
        Some(device)
    }

    pub(super) fn pages(&mut self) -> PageSettings {
        let query = self.sources.get("page.query").map(|said| said.values).unwrap_or_default();
        PageSettings { query: query.into_iter().collect(), routes: self.sources.routes().to_vec() }
    }
}

fn flag(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "it must be true or false".to_owned())
}

/// Reads a list of routes, `[[routes]]` or `[[site.<key>.routes]]`, and tells what is wrong with each.
pub(super) fn routes(
    value: &DeValue<'_>,
    key: &str,
    at: usize,
    place: &dyn Fn(usize, &str) -> Origin,
    problems: &mut Vec<Problem>,
) -> Vec<Route> {
    let mut read = Vec::new();
    let DeValue::Array(all) = value else {
        problems.push(Problem::new(place(at, key), format!("must be a list of tables: [[{key}]]")));
        return read;
    };
    if all.len() > ROUTES {
        let message = format!("has {} routes; at most {ROUTES} are taken", all.len());
        problems.push(Problem::new(place(at, key), message));
        return read;
    }
    let mut fits = Router::new();
    for each in all.iter() {
        let at = each.span().start;
        let route = match each.get_ref() {
            DeValue::Table(fields) => route(fields, key, place, problems),
            _ => Err(format!("must be a table: [[{key}]]")),
        };
        match route.and_then(|route| checked(&mut fits, route)) {
            Ok(route) => read.push(route),
            Err(message) => problems.push(Problem::new(place(at, key), message)),
        }
    }
    read
}

fn route(
    fields: &DeTable<'_>,
    key: &str,
    place: &dyn Fn(usize, &str) -> Origin,
    problems: &mut Vec<Problem>,
) -> Result<Route, String> {
    let (mut pattern, mut route_name) = (None, None);
    for (name, value) in fields {
        let text = scalar(value.get_ref());
        match name.get_ref().as_ref() {
            "pattern" => pattern = text,
            "name" => route_name = text,
            other => {
                let key = format!("{key}.{other}");
                problems.push(unknown(
                    place(name.span().start, &key),
                    "key",
                    other,
                    ["pattern", "name"].into_iter(),
                ));
            }
        }
    }
    let pattern = pattern.ok_or("has no pattern; give one, such as pattern = \"/t/{slug}/{post_id}\"")?;
    Ok(Route { pattern, name: route_name })
}

/// A route that can be told from those before it.
fn checked(fits: &mut Router<()>, route: Route) -> Result<Route, String> {
    let pattern = &route.pattern;
    if !pattern.starts_with('/') || pattern.len() > ROUTE_BYTES {
        return Err(format!(
            "pattern is {pattern:?}; it must begin with / and have at most {ROUTE_BYTES} bytes"
        ));
    }
    if route.name.as_ref().is_some_and(|name| name.trim().is_empty() || name.len() > ROUTE_BYTES) {
        return Err(format!("name must have 1 to {ROUTE_BYTES} bytes, such as \"post_detail\""));
    }
    match fits.insert(pattern.clone(), ()) {
        Ok(()) => Ok(route),
        Err(matchit::InsertError::Conflict { with }) => {
            Err(format!("pattern {pattern:?} fits the same paths as {with:?}; leave one of them out"))
        }
        Err(_) => Err(format!(
            "pattern is {pattern:?}; a parameter is a whole part of the path, such as /t/{{slug}}/{{post_id}}, and {{*rest}} only stands at the end"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;
    use super::*;

    #[test]
    fn routes_are_read_for_all_sites_and_for_one() {
        let file = "write_key = 'pk'\n[[routes]]\npattern = '/user/{id}'\n[page]\nquery = ['sort']\n[site.pk]\nbots = 'drop'\n\
                    [[site.pk.routes]]\npattern = '/t/{slug}/{post_id}'\nname = 'post_detail'\n";
        let settings = resolve(&[], &[], Some(file)).unwrap();
        assert_eq!(settings.pages.routes, [Route { pattern: "/user/{id}".to_owned(), name: None }]);
        assert_eq!(settings.pages.query, BTreeSet::from(["sort".to_owned()]));
        let site = &settings.sites["pk"];
        assert_eq!((site.bots, site.routes.len()), (BotPolicy::Drop, 1));
        assert_eq!(site.routes[0].name.as_deref(), Some("post_detail"));
        assert_eq!(settings.device, DeviceSettings { parse: true, keep_original: true });
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let file = r#"write_key = "pk"
routes = [{ pattern = "/a/{b}" }, { pattern = "/a/{c}" }, { pattern = "a" }, { name = "n" }, 7,
          { pattern = "/a/{b}c" }, { pattern = "/x", nam = "y" }, { pattern = "/z", name = "" }]
[site.pk]
bots = "ban"
routes = "/a"
[user_agent]
parse = "perhaps"
"#;
        let told = resolve(&[], &[], Some(file)).unwrap_err();
        for expected in [
            "footfall.toml:2:35 routes: pattern \"/a/{c}\" fits the same paths as \"/a/{b}\"",
            "footfall.toml:2:59 routes: pattern is \"a\"; it must begin with /",
            "footfall.toml:2:78 routes: has no pattern; give one",
            "footfall.toml:2:94 routes: must be a table: [[routes]]",
            "footfall.toml:3:11 routes: pattern is \"/a/{b}c\"; a parameter is a whole part",
            "footfall.toml:3:54 routes.nam: unknown key; did you mean name?",
            "footfall.toml:3:67 routes: name must have 1 to 256 bytes",
            "footfall.toml:5:1 site.pk.bots: must be \"drop\", \"tag\" or \"keep\"",
            "footfall.toml:6:1 site.pk.routes: must be a list of tables: [[site.pk.routes]]",
            "footfall.toml:8:1 user_agent.parse: is \"perhaps\"; it must be true or false",
        ] {
            assert!(
                told.iter().any(|problem| problem.starts_with(expected)),
                "{expected}\n is not in {told:#?}"
            );
        }
    }

    #[test]
    fn bots_cannot_be_dropped_where_none_is_known() {
        let file = "write_key = 'pk'\nuser_agent.parse = false\n[site.pk]\nbots = 'drop'\n";
        assert!(
            resolve(&[], &[], Some(file)).unwrap_err()[0]
                .starts_with("site.pk.bots: is \"drop\", but user_agent.parse is false")
        );
    }
}
