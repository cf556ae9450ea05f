//! A row of the table of settings: its name in every place that may set it, and the places themselves. The macro below
//! makes the rows and the struct of their values from one text; `table` calls it.

use std::collections::BTreeMap;
use std::fmt;

use super::value::Form;

/// Texts of settings, by name, from one place.
pub(crate) type Texts = BTreeMap<&'static str, String>;

/// One setting. Its name is the key in the file; flag and variable are the same name in other letters.
pub(crate) struct Setting {
    /// The key in the configuration file, such as `cors_origin`.
    pub(crate) name: &'static str,
    /// The heading it stands under.
    pub(crate) group: &'static str,
    /// What help shows for its value, such as `DURATION`.
    pub(crate) value_name: &'static str,
    /// The default, as one would write it.
    pub(crate) default: &'static str,
    /// The least and the greatest value, as one would write them.
    pub(crate) range: Option<(&'static str, &'static str)>,
    /// What it does, and what happens at its edges.
    pub(crate) means: &'static str,
    /// Why the default is what it is.
    pub(crate) why: &'static str,
    /// Where it may be set.
    pub(crate) places: Places,
    /// How its value is written in a configuration file.
    pub(crate) form: Form,
}

/// Where a setting may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    /// By flag, environment and file.
    Anywhere,
    /// By flag and environment: it says where the file is, or a file has a table for it.
    NotInFile,
    /// By environment alone: a flag can be seen by every user of the machine, and files are passed around.
    EnvironmentOnly,
}

/// Where a value is from, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Default,
    File,
    Environment,
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

impl Setting {
    /// The flag, such as `--cors-origin`, if it has one.
    pub(crate) fn flag(&self) -> Option<String> {
        match self.places {
            Places::Anywhere | Places::NotInFile => Some(format!("--{}", self.name.replace('_', "-"))),
            Places::EnvironmentOnly => None,
        }
    }

    /// The environment variable, such as `TIDINGS_CORS_ORIGIN`.
    pub(crate) fn variable(&self) -> String {
        format!("TIDINGS_{}", self.name.to_ascii_uppercase())
    }

    /// The setting as it is spelt in a place.
    pub(super) fn spelling(&self, place: Source) -> String {
        match place {
            Source::Flag => self.flag().unwrap_or_default(),
            Source::Environment => self.variable(),
            Source::File | Source::Default => self.name.to_owned(),
        }
    }

    /// The default, for people.
    pub(super) fn default_words(&self) -> &'static str {
        match (self.default, self.form) {
            (_, Form::Table) => "an empty table",
            (_, Form::List) => "an empty list",
            (default, _) => default,
        }
    }

    /// Whether the configuration file may set it.
    pub(crate) fn in_file(&self) -> bool {
        match self.places {
            Places::Anywhere => true,
            Places::NotInFile | Places::EnvironmentOnly => false,
        }
    }
}

/// Makes `Config` and the rows from one list, so that neither can know a setting that the other does not.
macro_rules! settings {
    ($($group:literal { $($name:ident: $type:ty {
        default: $default:literal,
        $(range: $low:literal to $high:literal,)?
        value: $value_name:literal,
        $(places: $places:ident,)?
        means: $means:literal,
        why: $why:literal,
    })+ })+) => {
        /// The value of every setting.
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) struct Config { $($(#[doc = $means] pub(crate) $name: $type,)+)+ }

        impl Default for Config {
            fn default() -> Self {
                Self { $($($name: parsed($default),)+)+ }
            }
        }

        impl Config {
            /// Reads the value of a setting from its text.
            pub(super) fn assign(&mut self, name: &str, text: &str) -> Result<(), BadValue> {
                match name {
                    $($(stringify!($name) => {
                        let value = <$type as Value>::parse(text)?;
                        $(in_range(&value, $low, $high)?;)?
                        self.$name = value;
                        Ok(())
                    })+)+
                    _ => unreachable!("callers name settings of the table, and {name} is none"),
                }
            }

            /// The value of a setting, as one would write it on the command line.
            pub(super) fn text(&self, name: &str) -> String {
                match name {
                    $($(stringify!($name) => self.$name.text(),)+)+
                    _ => unreachable!("callers name settings of the table, and {name} is none"),
                }
            }
        }

        /// Every setting, in the order in which help, file and reference show them.
        pub(crate) static SETTINGS: &[Setting] = &[$($(Setting {
            name: stringify!($name),
            group: $group,
            value_name: $value_name,
            default: $default,
            range: settings!(@range $($low $high)?),
            means: $means,
            why: $why,
            places: settings!(@places $($places)?),
            form: <$type as Value>::FORM,
        },)+)+];
    };
    (@range) => { None };
    (@range $low:literal $high:literal) => { Some(($low, $high)) };
    (@places) => { Places::Anywhere };
    (@places $places:ident) => { Places::$places };
}

pub(super) use settings;
