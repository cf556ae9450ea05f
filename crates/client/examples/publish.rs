//! Publishes its arguments as events, one by one and then as a batch: `publish HUB TOPIC DATA...`.

#![allow(clippy::print_stdout, reason = "it is run by hand, and what it prints is what it is for")]

use std::error::Error;

use tidings_client::{Draft, Publisher};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(hub), Some(topic)) = (arguments.next(), arguments.next()) else {
        return Err("usage: publish HUB TOPIC DATA...".into());
    };
    let drafts: Vec<Draft> = arguments.map(Draft::new).collect();
    let publisher = Publisher::builder(&hub)?.build();
    for draft in &drafts {
        println!("{:?}", publisher.publish(&topic, draft).await?);
    }
    println!("{:?}", publisher.publish_all(&topic, &drafts).await?);
    Ok(())
}
