//! Why a socket is closed, as numbers. A program decides by them whether to come back: after 4000 to 4099 it should, and after
//! 4100 and above it should not.

use crate::stream::Ending;

/// A close code. RFC 6455, 7.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CloseCode(pub(crate) u16);

impl CloseCode {
    /// The end that a client asks for.
    pub(super) const NORMAL: Self = Self(1_000);
    /// The client has broken the protocol.
    pub(super) const PROTOCOL: Self = Self(1_002);
    /// The client has sent what the hub does not take: a binary message.
    pub(super) const NOT_TEXT: Self = Self(1_003);
    /// A text is no UTF-8.
    pub(super) const NOT_UTF8: Self = Self(1_007);
    /// A message is larger than the hub takes.
    pub(super) const TOO_LARGE: Self = Self(1_009);
    /// There is no room for the message that is being sent.
    pub(super) const NO_ROOM: Self = Self(4_005);
    /// A message came too slowly.
    pub(super) const TOO_SLOW: Self = Self(4_006);
    /// The client sends too many frames.
    pub(super) const TOO_MANY_FRAMES: Self = Self(4_101);

    /// The code of an ending. None if the client cannot be told anything.
    pub(crate) fn of(ending: Ending) -> Option<Self> {
        match ending {
            Ending::Drain => Some(Self(4_000)),
            Ending::Age => Some(Self(4_001)),
            Ending::HubClosed => Some(Self(4_002)),
            Ending::StoreFailed => Some(Self(4_003)),
            Ending::Dismissed => Some(Self(4_004)),
            Ending::AccessEnded => Some(Self(4_100)),
            Ending::ClientBytes => Some(Self::TOO_MANY_FRAMES),
            Ending::WriteStalled | Ending::ClientGone => None,
        }
    }
}

/// What a client has done wrong, for which its socket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: CloseCode,
    /// For people.
    pub(super) reason: &'static str,
}

impl Fault {
    pub(super) const fn protocol(reason: &'static str) -> Self {
        Self { code: CloseCode::PROTOCOL, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_exactly_these_codes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/transports.md");
        let page = std::fs::read_to_string(path).unwrap();
        let own = [
            CloseCode::NORMAL,
            CloseCode::PROTOCOL,
            CloseCode::NOT_TEXT,
            CloseCode::NOT_UTF8,
            CloseCode::TOO_LARGE,
            CloseCode::NO_ROOM,
            CloseCode::TOO_SLOW,
        ];
        let mut codes: Vec<_> =
            own.into_iter().chain(Ending::ALL.into_iter().filter_map(CloseCode::of)).collect();
        codes.sort_by_key(|code| code.0);

        let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()?.parse().ok());
        assert_eq!(rows.map(CloseCode).collect::<Vec<_>>(), codes);
    }
}
