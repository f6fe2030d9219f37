//! Reads secrets: each is in a file that holds nothing else, or in a variable of the environment.
//! What is wrong with one is told by its place; no part of it is repeated.

use super::checks::beside;
use super::source::Origin;
use super::table::by_key;
use super::{Problem, Reader};
use crate::check::SECRET_BYTES;
use crate::secret::Secret;
use std::env::VarError;
use std::fmt;
use std::fs::File;
use std::io::{Error, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A file is not read beyond this; a private key in PEM has a tenth of it.
const FILE_BYTES: u64 = 64 << 10;

/// Where a secret is; never the secret itself.
#[derive(Debug, Clone, PartialEq)]
pub enum SecretPlace {
    /// A file that holds nothing else.
    File(String),
    /// A variable of the environment.
    Variable(String),
}

/// Not its name: where somebody wrote the secret itself, it would be repeated.
impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(_) => "a file",
            Self::Variable(_) => "a variable",
        })
    }
}

impl SecretPlace {
    /// Reads the secret, without the white space around it; `origin` is where the place was named.
    ///
    /// # Errors
    /// A sentence that says why there is no secret in that place.
    pub(super) fn read(&self, origin: &Origin) -> Result<Secret, String> {
        let read = match self {
            Self::File(file) => read(&beside(origin, file)).map_err(|error| error.to_string()),
            // The error's own words hold the value where that is not text.
            Self::Variable(name) => std::env::var(name).map(Zeroizing::new).map_err(|error| match error {
                VarError::NotPresent => "it is not set".to_owned(),
                VarError::NotUnicode(_) => "it is not UTF-8".to_owned(),
            }),
        };
        let secret = read.and_then(|text| match text.trim() {
            "" => Err("it is empty".to_owned()),
            secret => Ok(Secret::new(secret)),
        });
        secret.map_err(|error| format!("names {self} whose secret cannot be used: {error}"))
    }
}

/// A secret, and the file that it came from, which is read again for each use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewableSecret {
    read: Secret,
    file: Option<PathBuf>,
}

impl RenewableSecret {
    /// What the file holds now. One that cannot be read, or is empty, counts as unchanged: it is being written.
    pub fn now(&self) -> Secret {
        let read = self.file.as_deref().and_then(|file| read(file).ok());
        match read.as_ref().map(|text| text.trim()) {
            None | Some("") => self.read.clone(),
            Some(secret) => Secret::new(secret),
        }
    }
}

fn read(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)?.take(FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES {
        return Err(Error::other(format!("it has more than {FILE_BYTES} bytes")));
    }
    Ok(text)
}

impl Reader<'_> {
    /// A secret that has two settings: `key` stands for its variable, `file_key` names its file.
    pub(super) fn secret(&mut self, key: &'static str, file_key: &'static str) -> Option<Secret> {
        match (self.sources.get(key), self.sources.get(file_key)) {
            (Some(value), Some(file)) => {
                let message = format!("is set, and {} too; leave one of the two out", value.origin);
                self.problems.push(Problem::new(file.origin, message));
                None
            }
            (Some(value), None) => value.values.last().map(|text| Secret::new(text.trim())),
            (None, Some(file)) => {
                let place = SecretPlace::File(file.values.concat());
                place
                    .read(&file.origin)
                    .map_err(|message| self.problems.push(Problem::new(&file.origin, message)))
                    .ok()
            }
            (None, None) => None,
        }
    }

    /// The same, for whoever reads it again when its file changes.
    pub(super) fn renewable_secret(
        &mut self,
        key: &'static str,
        file_key: &'static str,
    ) -> Option<RenewableSecret> {
        let read = self.secret(key, file_key)?;
        Some(RenewableSecret { read, file: self.file(file_key) })
    }

    /// The token for the live view, in the form that `Authorization: Bearer` can carry (RFC 6750, section 2.1).
    pub(super) fn admin_token(&mut self) -> Option<Secret> {
        let token = self.secret("admin.token", "admin.token_file")?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if token.expose().len() >= SECRET_BYTES && token.expose().bytes().all(fits) {
            return Some(token);
        }
        let said = self.sources.get("admin.token").or_else(|| self.sources.get("admin.token_file"))?;
        let message = format!(
            "the token must be at least {SECRET_BYTES} letters, digits or characters of -._~+/=; make one with: \
             openssl rand -hex 32"
        );
        self.problems.push(Problem::new(said.origin, message));
        None
    }
}

/// Why a secret setting may not stand in the settings file.
pub(super) fn not_in_the_file(key: &str) -> String {
    let variable = by_key(key).map(super::Setting::env).unwrap_or_default();
    format!(
        "is a secret and does not belong into this file; name its own file by {key}_file, or set {variable}"
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;
    use super::*;

    const TOKEN: &str = "0123456789abcdef-only-for-tests";

    fn named(dir: &Path, bytes: &[u8]) -> String {
        let path = dir.join("token");
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    fn from_file(bytes: &[u8]) -> Result<Option<Secret>, Vec<String>> {
        let dir = tempfile::tempdir().unwrap();
        let flags = [("write_key", "pk"), ("admin.token_file", &named(dir.path(), bytes))];
        resolve(&flags, &[], None).map(|settings| settings.admin_token)
    }

    #[test]
    fn a_token_comes_from_its_file_or_its_variable_and_is_not_shown() {
        let told = from_file(format!("{TOKEN}\n").as_bytes()).unwrap();
        assert_eq!(told, Some(Secret::new(TOKEN)));
        let env = [("FOOTFALL_ADMIN_TOKEN", TOKEN)];
        let settings = resolve(&[("write_key", "pk")], &env, None).unwrap();
        assert_eq!(settings.admin_token, told);
        assert!(!format!("{settings:?}").contains(TOKEN));
        assert_eq!(resolve(&[("write_key", "pk")], &[], None).unwrap().admin_token, None);
    }

    #[test]
    fn a_renewable_secret_is_what_its_file_holds_now() {
        let dir = tempfile::tempdir().unwrap();
        let file = PathBuf::from(named(dir.path(), b"first\n"));
        let secret = RenewableSecret { read: Secret::new("first"), file: Some(file) };
        for (bytes, now) in [(&b" second\n"[..], "second"), (b" \n", "first"), (b"\xff", "first")] {
            named(dir.path(), bytes);
            assert_eq!(secret.now(), Secret::new(now));
        }
        std::fs::remove_file(dir.path().join("token")).unwrap();
        assert_eq!(secret.now(), Secret::new("first"));
    }

    #[test]
    fn a_file_is_looked_for_beside_the_settings_that_name_it() {
        let told = resolve(&[("write_key", "pk")], &[], Some("[admin]\ntoken_file = 'none'")).unwrap_err();
        let right =
            "footfall.toml:2:1 admin.token_file: names a file whose secret cannot be used: No such file";
        assert!(told[0].starts_with(right), "{told:?}");
    }

    #[test]
    fn what_is_no_secret_is_told_without_a_word_of_it() {
        let long = vec![b'x'; FILE_BYTES as usize + 1];
        for (bytes, reason) in [
            (&b"hunter2"[..], "at least 16 letters"),
            (b"hunter2 hunter2 hunter2", "at least 16 letters"),
            (b"hunter2-hunter2-\xff", "UTF-8"),
            (b" \n", "it is empty"),
            (&long, "more than 65536 bytes"),
        ] {
            let told = from_file(bytes).unwrap_err();
            assert!(told.len() == 1 && told[0].starts_with("--admin-token-file: "), "{told:?}");
            assert!(told[0].contains(reason) && !told[0].contains("hunter2"), "{told:?}");
        }
    }

    #[test]
    fn a_token_stands_in_one_place_and_that_is_not_the_settings_file() {
        let told =
            resolve(&[("write_key", "pk")], &[], Some(&format!("admin.token = '{TOKEN}'"))).unwrap_err();
        assert_eq!(
            told,
            [
                "footfall.toml:1:7 admin.token: is a secret and does not belong into this file; name its own file by \
              admin.token_file, or set FOOTFALL_ADMIN_TOKEN"
            ]
        );
        let env = [("FOOTFALL_ADMIN_TOKEN", TOKEN), ("FOOTFALL_ADMIN_TOKEN_FILE", "token")];
        let told = resolve(&[("write_key", "pk")], &env, None).unwrap_err();
        let right =
            "FOOTFALL_ADMIN_TOKEN_FILE: is set, and FOOTFALL_ADMIN_TOKEN too; leave one of the two out";
        assert_eq!(told, [right]);
    }
}
