//! What of the log is kept, and how much room there is for it: said once, at the start.

use tidings_store::FreeSpace;

use crate::config::{Config, FreeMin, Size, Value as _, rounded};

/// Says it. Without a word a disk would fill up unseen.
pub(super) fn tell(config: &Config, space: Option<FreeSpace>) {
    tracing::info!("{}; {}", kept(config), room(config, space));
}

fn kept(config: &Config) -> String {
    let bounds: Vec<_> = [
        config.retention_age.map(|age| format!("older than {}", age.text())),
        config.retention_bytes.map(|size| format!("beyond {}", size.text())),
        config.retention_count.map(|count| format!("beyond {count} events")),
    ]
    .into_iter()
    .flatten()
    .collect();
    match bounds.is_empty() {
        true => "the log keeps every event: without retention_age, retention_bytes or retention_count it grows until the disk is full"
            .to_owned(),
        false => format!("the oldest events leave the log when they are {}", bounds.join(" or ")),
    }
}

fn room(config: &Config, space: Option<FreeSpace>) -> String {
    let min = match config.disk_free_min {
        FreeMin::Size(Size(bytes)) => rounded(bytes),
        FreeMin::Percent(percent) => format!("{percent} % of it"),
    };
    match space {
        Some(FreeSpace { free, total }) => format!(
            "{} of {} are free on its disk, and disk_free_min keeps {min} free",
            rounded(free),
            rounded(total)
        ),
        None => "the system does not say how much space there is".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_log_that_fills_the_disk_is_told_of_and_so_is_one_that_does_not() {
        let mut config = Config::default();
        let space = Some(FreeSpace { free: 13_207_024_435, total: 268_435_456_000 });

        assert!(kept(&config).contains("until the disk is full"));
        assert_eq!(
            room(&config, space),
            "12.3 GiB of 250.0 GiB are free on its disk, and disk_free_min keeps 64.0 MiB free"
        );
        config.retention_age = Some(Duration::from_secs(7 * 86_400));
        config.retention_bytes = Some(Size(10 << 30));
        config.disk_free_min = FreeMin::Percent(5);
        assert_eq!(
            kept(&config),
            "the oldest events leave the log when they are older than 7d or beyond 10GiB"
        );
        assert!(room(&config, space).ends_with("keeps 5 % of it free"));
        assert_eq!(room(&config, None), "the system does not say how much space there is");
    }
}
