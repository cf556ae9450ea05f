//! The limits of users, keys and addresses, as the HTTP front takes them.

use tidings_http::{FairShares, ShareLimits};

use super::loaded::Loaded;
use super::setting::Source;

impl Loaded {
    /// How much one user, one key and one address may have. The defaults of addresses hold beside tables of access, and not for addresses
    /// behind which a proxy may stand; what somebody has set holds for all.
    pub(crate) fn shares(&self) -> FairShares {
        let config = &self.config;
        let user = limits(
            config.user_streams_max,
            config.user_connects_per_second_max,
            config.user_publishes_per_second_max,
            config.user_publish_bytes_per_second_max.map(|size| size.bytes()),
        );
        let key = limits(
            config.key_streams_max,
            config.key_connects_per_second_max,
            config.key_publishes_per_second_max,
            config.key_publish_bytes_per_second_max.map(|size| size.bytes()),
        );
        let address = |defaults_hold: bool| {
            let holds = |name: &str| defaults_hold || self.source(name) > Source::Default;
            let of = |name: &str, max: Option<usize>| max.filter(|_| holds(name));
            limits(
                of("address_streams_max", config.address_streams_max),
                of("address_connects_per_second_max", config.address_connects_per_second_max),
                of("address_publishes_per_second_max", config.address_publishes_per_second_max),
                of(
                    "address_publish_bytes_per_second_max",
                    config.address_publish_bytes_per_second_max.map(|size| size.bytes()),
                ),
            )
        };
        FairShares { user, key, address: address(self.has_access()), private_address: address(false) }
    }
}

fn limits(
    streams: Option<usize>,
    connects: Option<usize>,
    publishes: Option<usize>,
    bytes: Option<usize>,
) -> ShareLimits {
    let mut limits = ShareLimits::default();
    limits.streams = streams;
    limits.connects_per_second = connects;
    limits.publishes_per_second = publishes;
    limits.publish_bytes_per_second = bytes;
    limits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::setting::Texts;

    fn shares(texts: &[(&'static str, &str)]) -> FairShares {
        let mut loaded = Loaded::defaults();
        let texts: Texts = texts.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        loaded.lay(Source::Flag, &texts, |setting| setting.name.to_owned()).unwrap();
        loaded.shares()
    }

    #[test]
    fn the_defaults_leave_addresses_alone_without_access_and_private_ones_also_with_it() {
        let (without, with) = (shares(&[]), shares(&[("signing_key_file", "a")]));

        assert_eq!([without.address, without.private_address], [ShareLimits::default(); 2]);
        assert_eq!(with.private_address, ShareLimits::default());
        let expected = limits(Some(5_000), Some(1_000), Some(1_000), Some(16_777_216));
        assert_eq!(with.address, expected);
        assert_eq!(with.user, limits(Some(1_000), Some(100), Some(1_000), Some(16_777_216)));
        assert_eq!(with.key, ShareLimits::default());
    }

    #[test]
    fn what_is_set_holds_for_every_address_and_none_for_no_one() {
        let set = shares(&[
            ("address_streams_max", "3"),
            ("address_publish_bytes_per_second_max", "1KiB"),
            ("user_streams_max", "none"),
            ("key_connects_per_second_max", "7"),
        ]);

        let expected = limits(Some(3), None, None, Some(1_024));
        assert_eq!([set.address, set.private_address], [expected; 2]);
        assert_eq!(set.user.streams, None);
        assert_eq!(set.key, limits(None, Some(7), None, None));
    }
}
