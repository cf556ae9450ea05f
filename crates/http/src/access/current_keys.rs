//! The keys that requests are checked by now. A program can replace them while the front answers, for example when its files of
//! keys have changed.

use std::sync::{Arc, PoisonError, RwLock};

use tidings_access::{Access, KeyMark};
use tidings_core::KeyLife;

use super::key_lives::KeyLives;
use crate::config::HttpConfig;

/// Those of the settings, until they are replaced.
pub(crate) struct CurrentKeys {
    publish_key: Option<RwLock<PublishKey>>,
    access: Option<RwLock<Arc<Access>>>,
    lives: RwLock<KeyLives>,
}

/// The key of publishers, where no grants are asked for.
#[derive(Clone)]
pub(crate) struct PublishKey {
    pub(crate) text: Arc<str>,
    /// Ends when another key takes its place.
    pub(crate) life: KeyLife,
}

impl CurrentKeys {
    pub(crate) fn new(config: &HttpConfig) -> Self {
        let access = config.access.as_ref().map(|settings| Arc::new(settings.access.clone()));
        let mut lives = KeyLives::default();
        lives.replace(access.iter().flat_map(|access| access.marks()).collect());
        Self {
            lives: RwLock::new(lives),
            publish_key: config.publish_key.as_deref().map(|key| RwLock::new(PublishKey::new(key))),
            access: access.map(RwLock::new),
        }
    }

    /// The publish key, if the hub has one.
    pub(crate) fn publish_key(&self) -> Option<PublishKey> {
        self.publish_key.as_ref().map(read)
    }

    /// What gives grants, if requests need any.
    pub(crate) fn access(&self) -> Option<Arc<Access>> {
        self.access.as_ref().map(read)
    }

    /// Does nothing if the hub has none: whether it asks for a key is a setting, and stays.
    pub(crate) fn replace_publish_key(&self, key: &str) {
        let Some(current) = &self.publish_key else { return };
        let mut current = current.write().unwrap_or_else(PoisonError::into_inner);
        if *current.text != *key {
            std::mem::replace(&mut *current, PublishKey::new(key)).life.end();
        }
    }

    /// Does nothing if requests need no grants: whether they do is a setting, and stays. The lives of keys end that are not there any
    /// more.
    pub(crate) fn replace_access(&self, access: Access) {
        let Some(current) = &self.access else { return };
        // One after the other, or the lives would not be those of the keys that are taken in the end.
        let mut lives = self.lives.write().unwrap_or_else(PoisonError::into_inner);
        let marks = access.marks();
        *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(access);
        lives.replace(marks);
    }

    /// The life of the key that some grants hang on, if it is one of this front.
    pub(crate) fn life(&self, key: Option<KeyMark>) -> Option<KeyLife> {
        self.lives.read().unwrap_or_else(PoisonError::into_inner).of(key?).cloned()
    }
}

impl PublishKey {
    fn new(text: &str) -> Self {
        Self { text: text.into(), life: KeyLife::default() }
    }
}

fn read<T: Clone>(current: &RwLock<T>) -> T {
    current.read().unwrap_or_else(PoisonError::into_inner).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_replaced_where_there_are_some_and_a_hub_without_keys_stays_without() {
        let keyed = HttpConfig { publish_key: Some("old".to_owned()), ..HttpConfig::default() };
        for (config, key) in [(keyed, Some("new")), (HttpConfig::default(), None)] {
            let keys = CurrentKeys::new(&config);

            keys.replace_publish_key("new");
            keys.replace_access(Access::default());

            assert_eq!(keys.publish_key().map(|key| key.text).as_deref(), key);
            assert!(keys.access().is_none());
        }
    }
}
