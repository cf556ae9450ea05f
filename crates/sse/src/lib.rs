//! The `text/event-stream` codec.
