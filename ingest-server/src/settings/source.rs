//! Gathers what was said about each setting, and where: a flag, a variable, a line of the file.
//! The values stay text here; what they mean, and whether it is right, is decided in one place above.

use super::Problem;
use super::kafka_route::{self, KafkaRoute};
use super::page::{self, Route};
use super::secret::not_in_the_file;
use super::site::{self, Sites};
use super::table::{SETTINGS, Setting, by_key};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Where a value was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Flag(String),
    /// In the environment.
    Env(String),
    /// In the file.
    File {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The key there.
        key: String,
    },
    /// Nowhere.
    Default(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => write!(f, "--{flag}"),
            Origin::Env(name) => write!(f, "{name}"),
            Origin::File { path, line, column, key } => {
                write!(f, "{}:{line}:{column} {key}", path.display())
            }
            Origin::Default(key) => write!(f, "{key} (default)"),
        }
    }
}

/// What was said about one setting, in one place.
#[derive(Clone)]
pub struct Said {
    /// Where.
    pub origin: Origin,
    /// The values as text; one, unless the setting is a list.
    pub values: Vec<String>,
}

/// A value may be a secret.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} value(s) by {}", self.values.len(), self.origin)
    }
}

/// What was said about each setting, the strongest place only: flag over environment over file.
#[derive(Debug, Default)]
pub struct Sources {
    said: BTreeMap<&'static str, Said>,
    sites: Sites,
    routes: Vec<Route>,
    kafka_routes: Vec<(Origin, KafkaRoute)>,
}

impl Sources {
    /// Gathers from the flags (by key), the environment and the file, and tells what cannot be understood.
    pub fn gather(
        flags: BTreeMap<&'static str, Vec<String>>,
        env: impl Iterator<Item = (String, String)>,
        file: Option<&Path>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut sources = Self::default();
        if let Some(path) = file {
            match std::fs::read_to_string(path) {
                Ok(text) => sources.read_file(path, &text, problems),
                Err(error) => problems.push(Problem::new(path.display(), format!("cannot be read: {error}"))),
            }
        }
        sources.read_env(env, problems);
        for setting in SETTINGS {
            if let Some(values) = flags.get(setting.key) {
                let said = Said { origin: Origin::Flag(setting.flag()), values: values.clone() };
                sources.said.insert(setting.key, said);
            }
        }
        sources
    }

    /// What was said about a setting; its default where nothing was.
    pub fn get(&self, key: &'static str) -> Option<Said> {
        let default = || {
            let values = vec![by_key(key)?.default?.to_owned()];
            Some(Said { origin: Origin::Default(key), values })
        };
        self.said.get(key).cloned().or_else(default)
    }

    /// What the file says of single sites.
    pub(super) fn sites(&self) -> &Sites {
        &self.sites
    }

    /// The routes of all sites, which only the file says.
    pub(super) fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The rules by which events go to topics, which only the file says.
    pub(super) fn kafka_routes(&self) -> &[(Origin, KafkaRoute)] {
        &self.kafka_routes
    }

    fn read_env(&mut self, env: impl Iterator<Item = (String, String)>, problems: &mut Vec<Problem>) {
        for (name, value) in env {
            if name == "FOOTFALL_CONFIG" || name == "FOOTFALL_LOG" || !name.starts_with("FOOTFALL_") {
                continue;
            }
            let Some(setting) = SETTINGS.iter().find(|setting| setting.env() == name) else {
                let known: Vec<_> = SETTINGS.iter().map(Setting::env).collect();
                // A slip of the pen stops the boot. Others may be somebody else's: Kubernetes gives every container
                // FOOTFALL_PORT and the like where a Service is named footfall.
                if known.iter().any(|known| distance(known, &name) <= 2) {
                    problems.push(unknown(&name, "variable", &name, known.iter().map(String::as_str)));
                } else {
                    tracing::warn!("the variable {name} is not a setting and is ignored");
                }
                continue;
            };
            let values = if setting.list {
                value.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
            } else {
                vec![value]
            };
            self.said.insert(setting.key, Said { origin: Origin::Env(name), values });
        }
    }

    fn read_file(&mut self, path: &Path, text: &str, problems: &mut Vec<Problem>) {
        let place = |start: usize, key: &str| {
            let before = &text.as_bytes()[..start.min(text.len())];
            let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|&&b| b != b'\n').count() + 1;
            Origin::File { path: path.to_owned(), line, column, key: key.to_owned() }
        };
        match DeTable::parse(text) {
            Ok(table) => self.read_table(table.get_ref(), "", &place, problems),
            Err(error) => {
                let origin = place(error.span().map_or(0, |span| span.start), "");
                problems.push(Problem::new(origin, format!("is not TOML: {}", error.message())));
            }
        }
    }

    fn read_table(
        &mut self,
        table: &DeTable<'_>,
        prefix: &str,
        place: &dyn Fn(usize, &str) -> Origin,
        problems: &mut Vec<Problem>,
    ) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let origin = place(name.span().start, &key);
            match (by_key(&key), value.get_ref()) {
                (Some(setting), _) if setting.secret => {
                    problems.push(Problem::new(origin, not_in_the_file(setting.key)));
                }
                (Some(setting), DeValue::Table(inner)) if setting.list => {
                    let mut values = Vec::new();
                    pairs(inner, "", &mut values, &mut |at, name| {
                        problems.push(Problem::new(place(at, &format!("{key}.{name}")), "must be one value"));
                    });
                    self.said.insert(setting.key, Said { origin, values });
                }
                (Some(setting), value) => match values(setting, value) {
                    Some(values) => {
                        self.said.insert(setting.key, Said { origin, values });
                    }
                    None => {
                        let must = if setting.list { "a string or a list of strings" } else { "one value" };
                        problems.push(Problem::new(origin, format!("must be {must}")));
                    }
                },
                (None, value) if key == "routes" => {
                    self.routes = page::routes(value, &key, name.span().start, place, problems);
                }
                (None, value) if key == "kafka.route" => {
                    self.kafka_routes = kafka_route::routes(value, name.span().start, place, problems);
                }
                (None, DeValue::Table(inner)) if key == "site" => {
                    self.sites = site::read(inner, place, problems);
                }
                (None, DeValue::Table(inner))
                    if SETTINGS.iter().any(|s| s.key.starts_with(&format!("{key}."))) =>
                {
                    self.read_table(inner, &format!("{key}."), place, problems);
                }
                (None, _) => {
                    problems.push(unknown(&origin, "key", &key, SETTINGS.iter().map(|setting| setting.key)));
                }
            }
        }
    }
}

/// The entries of a table as `name=value`, with the names of inner tables before them: TOML reads `a.b = 1` as a table
/// in a table, and librdkafka's names are full of dots.
fn pairs(table: &DeTable<'_>, prefix: &str, out: &mut Vec<String>, refuse: &mut dyn FnMut(usize, &str)) {
    for (name, value) in table {
        let full = format!("{prefix}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => pairs(inner, &format!("{full}."), out, refuse),
            value => match scalar(value) {
                Some(text) => out.push(format!("{full}={text}")),
                None => refuse(name.span().start, &full),
            },
        }
    }
}

/// The text of a value that is not made of others.
pub(super) fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn values(setting: &Setting, value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(all) if setting.list => all.iter().map(|each| scalar(each.get_ref())).collect(),
        other => scalar(other).map(|text| vec![text]),
    }
}

pub(super) fn unknown<'a>(
    origin: impl fmt::Display,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Problem {
    let nearest = known.clone().min_by_key(|candidate| distance(candidate, name));
    let message = match nearest.filter(|candidate| distance(candidate, name) <= 4) {
        Some(candidate) => format!("unknown {what}; did you mean {candidate}?"),
        None => format!("unknown {what}; known are {}", known.collect::<Vec<_>>().join(", ")),
    };
    Problem::new(origin, message)
}

/// How many characters must be changed, added or taken away to make one word of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let best = (corner + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = row[j + 1];
            row[j + 1] = best;
        }
    }
    row[b.len()]
}
