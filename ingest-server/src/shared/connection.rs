//! A connection to one Redis or to a Redis Cluster, and what is asked of it as a whole.
//! Who uses it, and when it is given up, is decided in `link` and `keeper`.

use super::scripts;
use crate::settings::RedisSettings;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, RedisFuture, RedisResult, Value, cmd, from_redis_value,
};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How long it may take to connect, with TLS and a password. Nobody's request waits for it.
pub(super) const CONNECT: Duration = Duration::from_secs(2);

/// Clones share the connection.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    /// Connects, and loads all scripts.
    pub(super) async fn open(settings: &RedisSettings) -> RedisResult<Self> {
        // Whoever sends a command says how long it may take.
        let mut connection = if settings.cluster {
            let client = ClusterClient::builder([settings.server.clone()])
                .connection_timeout(CONNECT)
                .response_timeout(settings.timeout)
                .retries(1)
                .build()?;
            Self::Cluster(client.get_async_connection().await?)
        } else {
            let config =
                AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(None);
            let client = Client::open(settings.server.clone())?;
            Self::Server(client.get_multiplexed_async_connection_with_config(&config).await?)
        };
        for command in scripts::ALL {
            command.script.load_async(&mut connection).await?;
        }
        Ok(connection)
    }

    /// Text that changes when data may have been lost: Redis was started anew, another one took over, or it gave up
    /// keys for room.
    pub(super) async fn state(&mut self) -> RedisResult<String> {
        let mut state = Vec::new();
        for section in ["server", "stats"] {
            let mut info = cmd("INFO");
            info.arg(section);
            match self {
                Self::Server(server) => {
                    let text: String = info.query_async(server).await?;
                    state.extend(changing(&text));
                }
                Self::Cluster(cluster) => {
                    let all = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                    let told: BTreeMap<String, String> =
                        from_redis_value(cluster.route_command(info, all).await?)?;
                    state.extend(told.values().flat_map(|text| changing(text)));
                }
            }
        }
        state.sort_unstable();
        Ok(state.join(" "))
    }
}

/// The lines of `INFO` that tell of lost data.
fn changing(info: &str) -> impl Iterator<Item = String> {
    let wanted = |line: &&str| line.starts_with("run_id:") || line.starts_with("evicted_keys:");
    info.lines().filter(wanted).map(|line| line.trim().to_owned())
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(server) => server.req_packed_command(command),
            Self::Cluster(cluster) => cluster.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(server) => server.req_packed_commands(commands, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(server) => server.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server(_) => "Connection::Server",
            Self::Cluster(_) => "Connection::Cluster",
        })
    }
}
