//! A backend that hands its own records over, to Kafka where brokers are named, else to a journal:
//! `cargo run -p footfall-delivery --example hand_over -- [HOST:PORT,…]`
#![allow(clippy::print_stdout, reason = "it tells a person what became of the record")]

use footfall_delivery::{
    Batch, CloseOutcome, Delivery, DeliverySettings, Header, KafkaSettings, Record, Stored,
};
use std::error::Error;
use std::time::{Duration, Instant};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // One directory a process: it holds what Kafka has not acknowledged, over a restart too.
    let mut settings = DeliverySettings::new("delivery-data");
    if let Some(brokers) = std::env::args().nth(1) {
        let brokers = brokers.split(',').map(str::to_owned);
        settings.kafka = Some(KafkaSettings { topic: "orders".to_owned(), ..KafkaSettings::new(brokers) });
    }
    let delivery = Delivery::open(settings)?;

    let order = Record {
        key: Some("customer-42".into()), // records of one key stay in order
        headers: vec![
            // By this id a record that may be in Kafka already is looked for after a crash, so it must be its own.
            Header::new("ce_id", "019ab2f0-0000-7000-8000-000000000001"),
            Header::new("ce_type", "order_placed"),
        ]
        .into(),
        payload: r#"{"order":1,"total":12.5}"#.into(),
        ..Record::default()
    };
    // Durable once this is `Ok`. An error says whether, and when, the same batch is worth another try.
    match delivery.append(Batch::new(vec![order])).await {
        Ok(receipt) => match receipt.stored {
            Stored::Kafka(places) => println!("in Kafka: {places:?}"),
            Stored::Journal => println!("in the journal; where Kafka is set it goes there when that answers"),
            Stored::Memory => println!("on its way to Kafka, and lost if that does not take it"),
        },
        Err(error) => println!("not stored ({}): {error}; again in {:?}", error.code(), error.retry_after()),
    }

    // A program that ends at once gives Kafka a moment for what waits in the journal; a server need not.
    let until = Instant::now() + Duration::from_secs(10);
    let waiting = |delivery: &Delivery| delivery.stats().kafka.map_or(0, |kafka| kafka.waiting_rows);
    while waiting(&delivery) > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{} records wait in the journal for Kafka", waiting(&delivery));

    // It blocks: what Kafka has not acknowledged within the deadline stays in the journal for the next start.
    match tokio::task::spawn_blocking(move || delivery.close(Duration::from_secs(10))).await? {
        CloseOutcome::Drained => Ok(()),
        CloseOutcome::Unsettled { records } => {
            Err(format!("{records} records are left without an answer").into())
        }
    }
}
