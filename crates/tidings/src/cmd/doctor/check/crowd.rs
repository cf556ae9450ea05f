//! Whether as many streams are let through at once as two browsers behind one address open.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tidings_client::Offer;
use tokio::time::Instant;

use super::held::{Head, Opened, open, opened, question};
use crate::cmd::doctor::ask::{Asker, NoAnswer, Question};
use crate::cmd::doctor::flow::{Flow, SentAway};
use crate::cmd::doctor::remedy::Fault;
use crate::cmd::doctor::report::Check;
use crate::cmd::doctor::target::Target;
use crate::limits::{DOCTOR_FIRST_BLOCK_WAIT, DOCTOR_STREAMS};

const NAME: &str = "connections";

/// Opens many streams at once: over HTTP/2 on one connection, as a browser does.
pub(in crate::cmd::doctor) async fn look(asker: &Asker, target: &Target, is_http2: bool) -> Check {
    let question = question(target);
    let all = if is_http2 {
        match on_one_connection(asker, &question).await {
            Ok(all) => all,
            Err(error) => return Check::unknown(NAME, error.words()),
        }
    } else {
        join_all((0..DOCTOR_STREAMS).map(|_| open(asker, &question))).await
    };
    let how = if is_http2 { "on one connection" } else { "each on a connection of its own" };
    let open = all.iter().filter(|opened| matches!(opened, Opened::Flows { .. })).count();
    if open == DOCTOR_STREAMS {
        return Check::well(NAME, format!("{DOCTOR_STREAMS} streams at once arrive, {how}"));
    }
    let by_hub = all.iter().any(|opened| matches!(opened, Opened::SentAway(SentAway::ByHub)));
    let words = format!("of {DOCTOR_STREAMS} streams at once, {how}, {open} arrive: {}", reasons(&all));
    Check::finding(NAME, words).mended_by(if by_hub { Fault::HubIsFull } else { Fault::Connections })
}

async fn on_one_connection(asker: &Asker, question: &Question) -> Result<Vec<Opened>, NoAnswer> {
    let mut connection = asker.connect(&Question { offer: Offer::Browser, ..question.clone() }).await?;
    let begin = Instant::now();
    let mut begun = Vec::new();
    for _ in 0..DOCTOR_STREAMS {
        begun.push(asker.begin_on(&mut connection, question, DOCTOR_FIRST_BLOCK_WAIT).await);
    }
    let all = begun.into_iter().map(|begun| async {
        match begun {
            Ok(begun) => opened(Flow::of(begun), begin).await,
            Err(NoAnswer::Late(_)) => Opened::Held(Head::Missing),
            Err(other) => Opened::Broke(other.words()),
        }
    });
    let all = join_all(all).await;
    drop(connection);
    Ok(all)
}

/// Why the others do not arrive, each reason once.
fn reasons(all: &[Opened]) -> String {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for opened in all {
        let reason = match opened {
            Opened::Flows { .. } => continue,
            Opened::Held(_) => format!("nothing came within {} s", DOCTOR_FIRST_BLOCK_WAIT.as_secs()),
            Opened::SentAway(SentAway::ByHub) => {
                "the hub had no room for one more, or for one more of this sender".to_owned()
            }
            Opened::SentAway(SentAway::ByProxy) => {
                "a proxy answered in the hub's place, because it did not reach the hub or has too few connections to it".to_owned()
            }
            Opened::Refused(words) | Opened::Broke(words) => words.clone(),
        };
        *reasons.entry(reason).or_default() += 1;
    }
    let reasons: Vec<_> =
        reasons.into_iter().map(|(reason, count)| format!("{count} times {reason}")).collect();
    reasons.join(", ")
}
