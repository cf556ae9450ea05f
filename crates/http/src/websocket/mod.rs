//! WebSocket, RFC 6455: the same stream on the same URL, over a connection that has a way back.
//!
//! | file | noun |
//! |---|---|
//! | `handshake` | the request that opens a socket, and its answer |
//! | `socket` | a socket whose handshake is answered: what it goes on with |
//! | `access` | what let a socket in, and what it may do beside reading |
//! | `reader` | frames of a client, to messages |
//! | `deflate` | messages that are compressed |
//! | `pace` | how many frames a client may send |
//! | `words` | what a client says, and what it is answered |
//! | `close` | why a socket is closed, as numbers |
//! | `driver` | the task that carries a socket while its client speaks |
//! | `quiet` | a socket whose client says nothing |
//! | `parting` | the last bytes of a socket, and the wait for its close |
//! | `actions` | what the driver does about what a client says |
//!
//! Headers of frames are read and written by `tungstenite`; messages are put together here, because every limit has a close code
//! of its own and a socket that is idle holds no buffer. What is due when is decided by the machine of [`stream`](crate::stream),
//! and events are made into frames by the encoder.

mod access;
mod actions;
pub(crate) mod close;
mod deflate;
pub(crate) mod driver;
pub(crate) mod handshake;
mod pace;
pub(crate) mod parting;
pub(crate) mod quiet;
mod reader;
pub(crate) mod socket;
mod words;

pub(crate) use access::SocketAccess;
pub(crate) use handshake::Handshake;
