//! The sites whose events the targets judge: each policy that changes a step's way is one of them.

use ingest_server::check::plan::Plan;
use ingest_server::check::{AnonymousPolicy, PlanMode, SiteChecks, UserSigner};
use ingest_server::fuzzing::Site;
use ingest_server::settings::{PageSettings, Route, SiteSettings};
use ingest_server::stamp::PageRules;
use std::sync::{Arc, LazyLock};

const PLAN: &str = r#"
[event.purchase]
key_event = true
[event.purchase.properties]
order_id = { type = "string", required = true, max_length = 4 }
total = { type = "number", min = 0, max = 99.5 }
count = { type = "integer", min = 1 }
gift = { type = "boolean" }
method = { type = "enum", values = ["card", "invoice"] }
items = { type = "array", max_items = 2, items = { type = "object", other_properties = "refuse", properties = { sku = { type = "string" } } } }
[event.buy]
deprecated = "purchase"
[event.strict]
other_properties = "refuse"
[type.identify.traits]
plan = { type = "enum", values = ["free", "paid"], required = true }
"#;

/// The secret of the site that signs its users.
pub(crate) const SECRET: &[u8] = b"0123456789abcdef";

static SITES: LazyLock<[Site; 8]> = LazyLock::new(|| {
    let plan = Plan::parse(PLAN).ok().map(Arc::new);
    let signer = UserSigner::new(SECRET);
    let checks = [
        SiteChecks::default(),
        SiteChecks { plan: plan.clone(), signer, users_are_signed: true, ..SiteChecks::default() },
        SiteChecks {
            plan,
            plan_mode: PlanMode::Report,
            anonymous: AnonymousPolicy::Anonymise,
            ..SiteChecks::default()
        },
        SiteChecks { anonymous: AnonymousPolicy::Drop, ..SiteChecks::default() },
    ];
    std::array::from_fn(|number| Site {
        checks: checks[number % 4].clone(),
        pages: PageRules::new(&SiteSettings::default(), &pages()),
        private: number >= 4,
    })
});

fn pages() -> PageSettings {
    let route = |pattern: &str| Route { pattern: pattern.to_owned(), name: Some("named".to_owned()) };
    PageSettings {
        query: ["page", "q"].map(str::to_owned).into(),
        routes: vec![route("/user/{id}"), route("/t/{slug}/{post_id}"), route("/files/{*rest}")],
    }
}

/// The site that the low three bits of a number choose; the highest of them says that its visitors want privacy.
pub(crate) fn site(number: u8) -> &'static Site {
    &SITES[usize::from(number % 8)]
}
