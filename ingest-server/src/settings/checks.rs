//! What is checked of the events of each site: its tracking plan, and what follows from it.
//! A plan is a part of the settings in a file of its own: it is read here, once for all sites that name it.

use super::secret::SecretPlace;
use super::source::Origin;
use super::{Problem, Reader, SiteSettings};
use crate::check::plan::{Mistake, Plan};
use crate::check::{AnonymousPolicy, PlanMode, SECRET_BYTES, SiteChecks, UserSigner};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A plan's file, or all files of its folder together, are not read beyond this.
pub(super) const PLAN_BYTES: u64 = 4 << 20;

/// What the file says of one site's checks; what it does not say is said for all sites.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SiteCheckSettings {
    /// The file or the folder of its tracking plan, and where it was named.
    pub plan: Option<(Origin, String)>,
    /// What follows from the plan.
    pub plan_mode: Option<PlanMode>,
    /// What happens to events that name no user.
    pub anonymous: AnonymousPolicy,
    /// Where the secret is that signs the site's users, and where that was said.
    pub user_secret: Option<(Origin, SecretPlace)>,
    /// Where it was said that users must be signed.
    pub users_are_signed: Option<Origin>,
}

/// The plans that were read, by their files; `None` where one was wrong.
type Plans = BTreeMap<PathBuf, Option<Arc<Plan>>>;

impl Reader<'_> {
    /// What is checked for each key.
    pub(super) fn checks(
        &mut self,
        write_keys: &BTreeSet<String>,
        sites: &BTreeMap<String, SiteSettings>,
    ) -> BTreeMap<String, SiteChecks> {
        let plan_mode = self.one("plan_mode", plan_mode).unwrap_or_default();
        let for_all = self.sources.get("plan").map(|said| (said.origin, said.values.concat()));
        let mut plans = Plans::new();
        let mut checks = BTreeMap::new();
        for write_key in write_keys {
            let own = sites.get(write_key).map(|site| site.checks.clone()).unwrap_or_default();
            let file = own.plan.or_else(|| for_all.clone());
            let plan = file.and_then(|(origin, file)| self.plan(&origin, &file, &mut plans));
            if let (Some(origin), None) = (&own.users_are_signed, &own.user_secret) {
                let message =
                    "needs the site's secret: name it by user_secret_file or user_secret_env beside this";
                self.problems.push(Problem::new(origin, message));
            }
            let signer = own.user_secret.and_then(|(origin, place)| self.signer(&origin, &place));
            let plan_mode = own.plan_mode.unwrap_or(plan_mode);
            let (anonymous, users_are_signed) = (own.anonymous, own.users_are_signed.is_some());
            let site = SiteChecks { plan, plan_mode, anonymous, signer, users_are_signed };
            checks.insert(write_key.clone(), site);
        }
        checks
    }

    fn plan(&mut self, origin: &Origin, file: &str, plans: &mut Plans) -> Option<Arc<Plan>> {
        let path = beside(origin, file);
        if let Some(read) = plans.get(&path) {
            return read.clone();
        }
        let plan = self.read_plan(origin, &path).map(Arc::new);
        plans.insert(path, plan.clone());
        plan
    }

    fn signer(&mut self, origin: &Origin, place: &SecretPlace) -> Option<UserSigner> {
        let signer = place.read(origin).and_then(|secret| {
            UserSigner::new(secret.expose().as_bytes()).ok_or_else(|| {
                format!(
                    "names {place} whose secret cannot be used: it has fewer than {SECRET_BYTES} bytes; make one with: \
                     openssl rand -hex 32"
                )
            })
        });
        signer.map_err(|message| self.problems.push(Problem::new(origin, message))).ok()
    }

    fn read_plan(&mut self, origin: &Origin, path: &Path) -> Option<Plan> {
        if path.is_dir() || path.extension().is_some_and(|extension| extension == "json") {
            return self.read_plan_folder(origin, path);
        }
        let text = match read(path) {
            Ok(text) => text,
            Err(error) => {
                let message =
                    format!("names the tracking plan {}, which cannot be read: {error}", path.display());
                self.problems.push(Problem::new(origin, message));
                return None;
            }
        };
        match Plan::parse(&text) {
            Ok(plan) => Some(plan),
            Err(mistakes) => {
                self.problems.extend(mistakes.into_iter().map(|mistake| told(path, mistake)));
                None
            }
        }
    }
}

/// A file that a settings file names is looked for beside it, any other from where the server was started.
pub(super) fn beside(origin: &Origin, file: &str) -> PathBuf {
    match origin {
        Origin::File { path, .. } => path.parent().unwrap_or(Path::new("")).join(file),
        _ => PathBuf::from(file),
    }
}

/// A mistake in a plan's file as a problem of the settings.
pub(super) fn told(path: &Path, mistake: Mistake) -> Problem {
    let Mistake { line, column, key, message } = mistake;
    Problem::new(Origin::File { path: path.to_owned(), line, column, key }, message)
}

fn read(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > PLAN_BYTES {
        return Err(std::io::Error::other(format!("it has more than {PLAN_BYTES} bytes")));
    }
    std::fs::read_to_string(path)
}

/// The policies as they are written.
pub(super) fn anonymous(text: &str) -> Result<AnonymousPolicy, String> {
    match text {
        "accept" => Ok(AnonymousPolicy::Accept),
        "anonymise" => Ok(AnonymousPolicy::Anonymise),
        "drop" => Ok(AnonymousPolicy::Drop),
        _ => Err("it must be accept, anonymise or drop".to_owned()),
    }
}

/// Whether users must be signed.
pub(super) fn signatures(text: &str) -> Result<bool, String> {
    match text {
        "require" => Ok(true),
        "off" => Ok(false),
        _ => Err("it must be require or off".to_owned()),
    }
}

/// The modes as they are written.
pub(super) fn plan_mode(text: &str) -> Result<PlanMode, String> {
    match text {
        "enforce" => Ok(PlanMode::Enforce),
        "report" => Ok(PlanMode::Report),
        "off" => Ok(PlanMode::Off),
        _ => Err("it must be enforce, report or off".to_owned()),
    }
}
