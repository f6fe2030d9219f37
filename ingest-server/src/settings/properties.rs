//! librdkafka's further properties, `kafka.properties`: each a value, or the place of one that is a secret.
//! What they mean, and which may not be set, is known to delivery.

use super::checks::beside;
use super::secret::SecretPlace;
use super::{Problem, Reader};
use crate::secret::Secret;
use std::collections::BTreeMap;
use std::path::PathBuf;

impl Reader<'_> {
    /// The properties by their own names. `NAME_file` and `NAME_env` say where the value of `NAME` is: librdkafka
    /// has no property that ends so.
    ///
    /// Beside them stand the files of those that came from one.
    pub(super) fn properties(&mut self) -> (BTreeMap<String, String>, BTreeMap<String, PathBuf>) {
        let (mut properties, mut files) = (BTreeMap::new(), BTreeMap::new());
        let Some(said) = self.sources.get("kafka.properties") else { return (properties, files) };
        for pair in &said.values {
            let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
                // The value may be a password: it is not repeated.
                let message = "must be NAME=VALUE, such as client.rack=a";
                self.problems.push(Problem::new(&said.origin, message));
                continue;
            };
            let (name, value) = (name.trim(), value.to_owned());
            let (name, value) = if let Some(name) = name.strip_suffix("_file") {
                files.insert(name.to_owned(), beside(&said.origin, &value));
                (name, SecretPlace::File(value).read(&said.origin))
            } else if let Some(name) = name.strip_suffix("_env") {
                (name, SecretPlace::Variable(value).read(&said.origin))
            } else {
                (name, Ok(Secret::new(value)))
            };
            let value = match value {
                Ok(value) => value.expose().to_owned(),
                Err(message) => {
                    self.problems.push(Problem::new(&said.origin, format!("{name} {message}")));
                    continue;
                }
            };
            if properties.insert(name.to_owned(), value).is_some() {
                let message = format!("says {name} twice, as {name}, {name}_file or {name}_env; leave one");
                self.problems.push(Problem::new(&said.origin, message));
            }
        }
        (properties, files)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;

    fn properties(table: &str) -> Result<Vec<(String, String)>, Vec<String>> {
        let file = format!("write_key = 'pk'\n[kafka]\nbrokers = 'k:1'\n[kafka.properties]\n{table}\n");
        let settings = resolve(&[], &[], Some(&file))?;
        assert!(!format!("{settings:?}").contains("hunter2"));
        Ok(settings.delivery.kafka.unwrap().properties.into_iter().collect())
    }

    #[test]
    fn a_secret_property_comes_from_its_file_or_a_variable() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hunter2, and more\n").unwrap();
        // `HOME` is a variable that every machine sets, and no test may set one in a process of many threads.
        let table = format!("sasl.password_file = {:?}\n'sasl.username_env' = 'HOME'\n", file.path());
        let expected = [
            ("sasl.password", "hunter2, and more".to_owned()),
            ("sasl.username", std::env::var("HOME").unwrap()),
        ];
        assert_eq!(properties(&table).unwrap(), expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn a_place_without_a_secret_and_a_property_that_is_said_twice_are_refused() {
        for (table, right) in [
            (
                "sasl.password_file = 'none'",
                "sasl.password names a file whose secret cannot be used: No such",
            ),
            (
                "sasl.password_env = 'NO_SUCH'",
                "sasl.password names a variable whose secret cannot be used: it is not set",
            ),
            (
                "sasl.password = 'hunter2'\nsasl.password_env = 'HOME'",
                "says sasl.password twice, as sasl.password, sasl.password_file or sasl.password_env; leave one",
            ),
        ] {
            let told = properties(table).unwrap_err();
            assert!(
                told.len() == 1 && told[0].starts_with("footfall.toml:4:8 kafka.properties: "),
                "{told:?}"
            );
            assert!(told[0].contains(right) && !told[0].contains("hunter2"), "{told:?}");
        }
    }
}
