//! `GET /status` on the private address: how the server is, as JSON, for `footfall status`.
//! It names no visitor, so it asks for no token, like the metrics beside it.

use super::admin::Admin;
use crate::log::recent;
use crate::status::Status;
use axum::Json;
use axum::extract::State;
use footfall_delivery::Readiness;

pub(super) async fn status(State(admin): State<Admin>) -> Json<Status> {
    let delivery = admin.edge.delivery();
    let refuses = admin.edge.shared.as_ref().and_then(|shared| shared.refuses());
    let readiness = match refuses {
        _ if *admin.stopping.borrow() => Readiness::NotReady { reason: "the server is stopping".to_owned() },
        Some(reason) => Readiness::NotReady { reason: reason.to_owned() },
        None => delivery.readiness(),
    };
    Json(Status::new(readiness, &delivery.stats(), recent()))
}
