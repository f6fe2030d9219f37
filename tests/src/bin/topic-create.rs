//! `topic-create`: makes a topic in a real Kafka and waits until it can be written to.
//! A topic that is there already is an error: a benchmark wants an empty one.

use clap::Parser;
use footfall_tests::{Error, run};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use std::process::ExitCode;
use std::time::Duration;

/// Creates topics.
#[derive(Parser)]
struct Arguments {
    /// Brokers to ask, such as 127.0.0.1:9092
    #[arg(long)]
    brokers: String,
    /// Partitions of each topic
    #[arg(long, default_value_t = 3)]
    partitions: i32,
    /// Give up after that time
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    deadline: u64,
    /// The topics to create
    #[arg(required = true)]
    topics: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run::exit(create(&Arguments::parse()).await)
}

async fn create(arguments: &Arguments) -> Result<(), Error> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", &arguments.brokers)
        .create()
        .map_err(Error::kafka("preparing to create topics"))?;
    let wait = Duration::from_secs(arguments.deadline);
    let options = AdminOptions::new().request_timeout(Some(wait)).operation_timeout(Some(wait));
    let topics: Vec<NewTopic<'_>> = arguments
        .topics
        .iter()
        .map(|topic| NewTopic::new(topic, arguments.partitions, TopicReplication::Fixed(1)))
        .collect();
    let outcomes = admin.create_topics(&topics, &options).await.map_err(Error::kafka("creating topics"))?;
    for outcome in outcomes {
        outcome.map_err(|(topic, code)| {
            Error::kafka(format!("creating {topic}"))(rdkafka::error::KafkaError::AdminOp(code))
        })?;
    }
    Ok(())
}
