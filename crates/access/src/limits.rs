//! Every bound of this crate.

/// Bytes of a token. 16 KiB: four times what the largest identity providers make, and a quarter of a request's head.
pub const TOKEN_BYTES_MAX: usize = 16_384;

/// Selectors that one token may grant, for publishing and subscribing together. Each is compared with each selector that is asked
/// for; a token of 16 KiB has no room for more.
pub const TOKEN_SELECTORS_MAX: usize = 1_000;

/// Selectors that are asked for and compared with each that is allowed. 8: for more the topics that are allowed are put into a set, so that a publish to a
/// thousand topics by a thousand grants is no million comparisons.
pub const TRIED_ONE_BY_ONE_MAX: usize = 8;

/// Bytes of a user's name. As in most identity providers, where it is an e-mail address or a UUID.
pub const USER_BYTES_MAX: usize = 256;

/// Bytes of the name of a token, its claim `jti`.
pub const TOKEN_ID_BYTES_MAX: usize = 256;

/// Bytes of what a token tells others about its user, as JSON: a name and the address of a picture.
pub const INFO_BYTES_MAX: usize = 256;

/// Bytes of the name of a key, of a token or of a configuration.
pub const KEY_NAME_BYTES_MAX: usize = 256;

/// Characters that an error shows of what came from outside.
pub const SHOWN_CHARS_MAX: usize = 64;

/// Keys of one set from an identity provider. They have two to five.
pub const KEYS_MAX: usize = 100;

/// Bytes of the text of a set of keys. Five keys are 4 KiB.
pub const KEY_SET_BYTES_MAX: usize = 262_144;

/// Bytes of a secret that signs. RFC 7518, 3.2: as many as the hash at the least, and that of HS256 has 32.
pub const SECRET_BYTES_MIN: usize = 32;

/// Bits of a key of RSA, RFC 7518, 3.3: 2,048 at the least.
pub const RSA_BITS_MIN: usize = 2_048;

/// Bits of a key of RSA. Larger ones take longer to check, and nobody has them.
pub const RSA_BITS_MAX: usize = 8_192;

/// Characters of a key that is compared by its hash alone. Shorter ones can be guessed from the hash.
pub const HASHED_KEY_CHARS_MIN: usize = 22;
