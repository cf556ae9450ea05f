//! The keys of an issuer of tokens, fetched from where it publishes them, and fetched again.
//!
//! They are fetched at the start, every ten minutes, and when a token is signed by a key that is not there. While they cannot be
//! fetched, those that are there go on working, for a day at most.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tidings_access::jwt::{KeySet, Keys};
use tidings_access::limits::KEY_SET_BYTES_MAX;
use tidings_client::DocumentReader;
use tidings_http::KeyRenewal;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use crate::config::KeySetUrl;
use crate::limits::{
    KEY_SET_AGE_MAX, KEY_SET_ASKED_INTERVAL, KEY_SET_INTERVAL, KEY_SET_RETRY_INTERVAL, KEY_SET_WAIT_MAX,
};
use crate::terminal::chain::chain;

/// Keys that are fetched.
#[derive(Debug, Clone)]
pub(crate) struct FetchedKeys {
    url: KeySetUrl,
    keys: Keys,
    reader: DocumentReader,
    asking: Arc<Asking>,
}

/// Between requests that miss a key and what fetches the keys.
#[derive(Debug)]
struct Asking {
    wanted: Notify,
    /// How many looks have ended.
    ended: watch::Sender<u64>,
    state: Mutex<AskingState>,
}

#[derive(Debug)]
struct AskingState {
    is_looking: bool,
    /// When a request last asked for a look.
    last: Option<Instant>,
}

impl FetchedKeys {
    pub(crate) fn new(url: KeySetUrl, keys: Keys) -> Self {
        let reader = DocumentReader::new(KEY_SET_BYTES_MAX, KEY_SET_WAIT_MAX);
        // The first look is about to begin.
        let state = Mutex::new(AskingState { is_looking: true, last: None });
        let asking = Asking { wanted: Notify::new(), ended: watch::Sender::new(0), state };
        Self { url, keys, reader, asking: Arc::new(asking) }
    }

    /// Where they are fetched from, without what may be secret.
    pub(crate) fn url(&self) -> &KeySetUrl {
        &self.url
    }

    /// What requests ask for a look.
    pub(crate) fn renewal(&self) -> Arc<dyn KeyRenewal> {
        self.asking.clone()
    }

    /// Fetches them once; or says why not. Cancel safe.
    pub(crate) async fn fetch(&self) -> Result<(), String> {
        self.keys.renew(self.read().await?);
        Ok(())
    }

    async fn read(&self) -> Result<KeySet, String> {
        let json = self.reader.read(self.url.url()).await.map_err(|error| chain(&error))?;
        KeySet::parse(&json).map_err(|error| error.to_string())
    }
}

/// Fetches them for ever, if there are any to fetch. Cancel safe.
pub(crate) async fn keep_fresh(fetched: Option<FetchedKeys>) -> Infallible {
    let Some(fetched) = fetched else { return std::future::pending().await };
    let mut outcome = Outcome::new(fetched.url.to_string());
    loop {
        fetched.asking.begin();
        let read = fetched.read().await;
        let wait = outcome.note(&fetched.keys, read, Instant::now());
        fetched.asking.end();
        // Not biased: a look is due or wanted, and both mean the same.
        tokio::select! {
            () = sleep(jittered(wait)) => {}
            () = fetched.asking.wanted.notified() => {}
        }
    }
}

/// Many hubs that were started together must not ask together.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.9 + 0.2 * fastrand::f64())
}

/// What became of the looks so far.
struct Outcome {
    url: String,
    last_good: Option<Instant>,
    /// The failure that the log has told of.
    told: Option<String>,
}

impl Outcome {
    fn new(url: String) -> Self {
        Self { url, last_good: None, told: None }
    }

    /// Takes what a look has found. Returns how long to wait for the next.
    fn note(&mut self, keys: &Keys, read: Result<KeySet, String>, now: Instant) -> Duration {
        let url = &self.url;
        match read {
            Ok(set) => {
                keys.renew(set);
                if self.told.take().is_some() || self.last_good.is_none() {
                    tracing::info!(url, "the keys that check tokens are read");
                }
                self.last_good = Some(now);
                KEY_SET_INTERVAL
            }
            Err(why) => {
                if self.told.as_ref() != Some(&why) {
                    let stay =
                        self.last_good.map_or("there are none yet", |_| "those read before go on working");
                    tracing::warn!(url, why, "cannot read the keys that check tokens; {stay}");
                    self.told = Some(why);
                }
                if self.last_good.is_some_and(|good| now.duration_since(good) >= KEY_SET_AGE_MAX) {
                    keys.forget();
                    self.last_good = None;
                    tracing::error!(
                        url,
                        "the keys that check tokens could not be read for a day, and check none any more"
                    );
                }
                KEY_SET_RETRY_INTERVAL
            }
        }
    }
}

impl Asking {
    fn begin(&self) {
        self.state().is_looking = true;
    }

    fn end(&self) {
        self.state().is_looking = false;
        self.ended.send_modify(|ended| *ended += 1);
    }

    /// Whether the end of a look is worth waiting for. Asks for one if none is on its way and none was asked for of late.
    fn ask(&self, now: Instant) -> bool {
        let mut state = self.state();
        if state.is_looking {
            return true;
        }
        let is_late = state.last.is_none_or(|last| now.duration_since(last) >= KEY_SET_ASKED_INTERVAL);
        if is_late {
            state.last = Some(now);
            state.is_looking = true;
            self.wanted.notify_one();
        }
        is_late
    }

    fn state(&self) -> MutexGuard<'_, AskingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl KeyRenewal for Asking {
    async fn renew(&self) {
        let mut ended = self.ended.subscribe();
        if self.ask(Instant::now()) {
            // Fails if nothing fetches any more, and then there is nothing to wait for.
            let _ = ended.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_access::Refusal;
    use tidings_access::jwt::{Algorithm, Rules, Verifier};
    use tidings_core::UnixMillis;

    use super::*;

    fn set() -> Result<KeySet, String> {
        let json =
            r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        Ok(KeySet::parse(json.as_bytes()).unwrap())
    }

    /// Whether a token is refused for another reason than that there are no keys.
    fn has_keys(keys: &Keys) -> bool {
        let rules = Rules {
            algorithms: vec![Algorithm::EdDSA],
            audience: Vec::new(),
            issuer: Vec::new(),
            leeway_ms: 0,
            subscribe: Vec::new(),
            publish: Vec::new(),
        };
        // Its head is {"alg":"EdDSA"}.
        let refused =
            Verifier::new(keys.clone(), rules).grants("eyJhbGciOiJFZERTQSJ9.e30.AAAA", UnixMillis(0));
        refused != Err(Refusal::NoKeys)
    }

    #[tokio::test(start_paused = true)]
    async fn keys_go_on_working_for_a_day_while_they_cannot_be_read() {
        let (keys, begin) = (Keys::awaited(), Instant::now());
        let mut outcome = Outcome::new("https://issuer.example/".to_owned());
        let hour = Duration::from_secs(3_600);

        assert_eq!(outcome.note(&keys, Err("away".to_owned()), begin), KEY_SET_RETRY_INTERVAL);
        assert!(!has_keys(&keys));
        assert_eq!(outcome.note(&keys, set(), begin), KEY_SET_INTERVAL);
        outcome.note(&keys, Err("away".to_owned()), begin + 23 * hour);
        assert!(has_keys(&keys));
        outcome.note(&keys, Err("away".to_owned()), begin + 24 * hour);
        assert!(!has_keys(&keys));
        outcome.note(&keys, set(), begin + 25 * hour);
        assert!(has_keys(&keys));
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_keys_ask_for_a_look_once_in_a_while_and_all_wait_for_the_one_that_is_on_its_way() {
        let fetched = FetchedKeys::new(KeySetUrl::parse("http://127.0.0.1:1/").unwrap(), Keys::awaited());
        let (asking, begin) = (&fetched.asking, Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);

        assert!(asking.ask(begin), "the first look is on its way");
        asking.end();
        assert!(
            [asking.ask(at(1)), asking.ask(at(2))] == [true, true],
            "the second one waits for the same look"
        );
        asking.end();
        assert!([asking.ask(at(2)), asking.ask(at(30))] == [false, false]);
        assert!(asking.ask(at(31)));
        asking.end();
        // Nobody waits for a look that nobody has asked for.
        asking.ask(at(32));
        asking.renew().await;
    }
}
