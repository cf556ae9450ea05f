//! Values that are one of a few words.

use super::value::{BadValue, Form, Value};

/// A value that is one of a few words.
macro_rules! choice {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
        pub(crate) enum $type { $($(#[$variant_doc])* $variant,)+ }

        impl Value for $type {
            const FORM: Form = Form::Text;

            fn parse(text: &str) -> Result<Self, BadValue> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => {
                        let words = [$($word),+].join(", ");
                        Err(BadValue::new(&format!("one of {words}"), &format!("it can be {words}")))
                    }
                }
            }

            fn text(&self) -> String {
                match self { $(Self::$variant => $word,)+ }.to_owned()
            }
        }
    };
}

choice! {
    /// When an acknowledged event is on the disk.
    Durability {
        /// Before it is acknowledged.
        Fsync = "fsync",
        /// At most an interval after it was acknowledged.
        Interval = "interval",
        /// When the system likes.
        None = "none",
    }
}

choice! {
    /// How log records are written.
    LogFormat {
        /// A line for people.
        Text = "text",
        /// A JSON object a line.
        Json = "json",
    }
}

/// Which log records are written: a level, or `target=level` pairs.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) struct LogLevel(pub(crate) String);

impl Value for LogLevel {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let hint = "write error, warn, info, debug or trace, or for one part info,tidings_http=debug";
        let has_empty_part = text.split(',').any(|part| part.trim().is_empty());
        match text.parse::<tracing_subscriber::filter::Targets>() {
            // Of nothing it would make a filter that lets everything through.
            _ if has_empty_part => Err(BadValue::new("a log level", hint)),
            Ok(targets) if targets.default_level().is_some() => Ok(Self(text.to_owned())),
            Ok(_) | Err(_) => Err(BadValue::new("a log level", hint)),
        }
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}
