//! The keys that requests are checked by now. A program can replace them while the front answers, for example when its files of
//! keys have changed.

use std::sync::{Arc, PoisonError, RwLock};

use tidings_access::Access;

use crate::config::HttpConfig;

/// Those of the settings, until they are replaced.
pub(crate) struct CurrentKeys {
    publish_key: Option<RwLock<Arc<str>>>,
    access: Option<RwLock<Arc<Access>>>,
}

impl CurrentKeys {
    pub(crate) fn new(config: &HttpConfig) -> Self {
        let access = config.access.as_ref().map(|settings| Arc::new(settings.access.clone()));
        Self {
            publish_key: config.publish_key.as_deref().map(|key| RwLock::new(key.into())),
            access: access.map(RwLock::new),
        }
    }

    /// The publish key, if the hub has one.
    pub(crate) fn publish_key(&self) -> Option<Arc<str>> {
        self.publish_key.as_ref().map(read)
    }

    /// What gives grants, if requests need any.
    pub(crate) fn access(&self) -> Option<Arc<Access>> {
        self.access.as_ref().map(read)
    }

    /// Does nothing if the hub has none: whether it asks for a key is a setting, and stays.
    pub(crate) fn replace_publish_key(&self, key: &str) {
        if let Some(current) = &self.publish_key {
            *current.write().unwrap_or_else(PoisonError::into_inner) = key.into();
        }
    }

    /// Does nothing if requests need no grants: whether they do is a setting, and stays.
    pub(crate) fn replace_access(&self, access: Access) {
        if let Some(current) = &self.access {
            *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(access);
        }
    }
}

fn read<T: ?Sized>(current: &RwLock<Arc<T>>) -> Arc<T> {
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

            assert_eq!(keys.publish_key().as_deref(), key);
            assert!(keys.access().is_none());
        }
    }
}
