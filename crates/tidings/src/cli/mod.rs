//! The command line. Its flags are the rows of the table of settings.

mod asked;
mod words;

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use clap::builder::PossibleValuesParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use tidings_bench::Bench;

use self::asked::{Asked, other_spelling};
use self::words::{
    ABOUT, COMPLETIONS, DOCTOR, DOCTOR_EXAMPLES, EXIT_CODES, INBOX, INIT, KEY, PUB, PUB_EXAMPLES, RELAY,
    RELAY_EXAMPLES, SERVE, SIGN, SIGN_EXAMPLES, STORE, SUB, SUB_EXAMPLES, TOKEN, TOKEN_EXAMPLES,
};
pub(crate) use self::words::{
    INBOX_COUNT, INBOX_LIST, INBOX_NOTIFY, INBOX_READ, STORE_BACKUP, STORE_DUMP, STORE_INFO, STORE_LOAD,
    STORE_REPAIR, STORE_VERIFY,
};
use crate::cmd::completions::CompletionsArgs;
use crate::cmd::doctor::DoctorArgs;
use crate::cmd::inbox::InboxTask;
use crate::cmd::init::InitArgs;
use crate::cmd::key::KeyArgs;
use crate::cmd::manual::ManArgs;
use crate::cmd::publish::PubArgs;
use crate::cmd::relay::RelayArgs;
use crate::cmd::sign::SignArgs;
use crate::cmd::store::StoreTask;
use crate::cmd::sub::SubArgs;
use crate::cmd::token::TokenArgs;
use crate::config::{Form, SETTINGS, Setting, Texts};
use crate::limits::{ERROR_CHARS_MAX, SAID_CHARS_MAX};
use crate::terminal::chain::visible;
use crate::terminal::failure::Failure;
use crate::terminal::output::written;

/// What the process is asked to do.
#[derive(Debug, Parser)]
#[command(
    name = "tidings",
    version,
    about = ABOUT.lines().next(),
    long_about = ABOUT,
    after_help = "Without a command it is `tidings serve`, whose options it takes.",
    after_long_help = format!("Without a command it is `tidings serve`, whose options it takes.\n\n{EXIT_CODES}"),
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
)]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    flags: Flags,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Run the hub
    #[command(long_about = SERVE, after_long_help = EXIT_CODES)]
    Serve(Flags),
    /// Publish to a hub
    #[command(long_about = PUB, after_long_help = PUB_EXAMPLES)]
    Pub(PubArgs),
    /// Show a stream of events, of a hub or any other server
    #[command(long_about = SUB, after_long_help = SUB_EXAMPLES)]
    Sub(SubArgs),
    /// Publish on a hub what another server streams
    #[command(long_about = RELAY, after_long_help = RELAY_EXAMPLES)]
    Relay(RelayArgs),
    /// Say what stands between this machine and a hub
    #[command(long_about = DOCTOR, after_long_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Look at a data directory, copy it and mend it
    #[command(subcommand, long_about = STORE, disable_help_subcommand = true)]
    Store(Box<StoreTask>),
    /// Notify users, and show and mark what is in their inboxes
    #[command(subcommand, long_about = INBOX, disable_help_subcommand = true)]
    Inbox(Box<InboxTask>),
    /// Make a key that nobody guesses
    #[command(long_about = KEY)]
    Key(KeyArgs),
    /// Make a JSON Web Token, or explain one
    #[command(long_about = TOKEN, after_long_help = TOKEN_EXAMPLES)]
    Token(TokenArgs),
    /// Sign a URL that carries its own permission
    #[command(long_about = SIGN, after_long_help = SIGN_EXAMPLES)]
    Sign(SignArgs),
    /// Write a configuration with keys of its own
    #[command(long_about = INIT)]
    Init(InitArgs),
    /// Measure a hub, or any other server of event streams over http://
    #[command(subcommand, disable_help_subcommand = true)]
    Bench(Box<Bench>),
    /// Show or check the configuration
    #[command(subcommand, disable_help_subcommand = true)]
    Config(ConfigTask),
    /// Print the completions of a shell
    #[command(long_about = COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Print the manual, or write its pages to a directory
    Man(ManArgs),
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigTask {
    /// Print the configuration in force as TOML, with the source of each value
    Print(Flags),
    /// Look for mistakes in the configuration, without starting anything
    Check(Flags),
    /// Print the reference of all settings as Markdown
    Reference,
}

/// The settings given as flags.
#[derive(Debug, Default)]
pub(crate) struct Flags(pub(crate) Texts);

/// The command line as it is shown: the options of `serve` are listed there, not beside the commands.
pub(crate) fn command() -> Command {
    Cli::command().mut_args(|argument| argument.hide(true))
}

/// Reads the command line. `None` means that help or version was asked for and printed.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Option<Task>, Failure> {
    let arguments: Vec<OsString> = arguments.collect();
    let parsed =
        command().try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => Ok(Some(cli.task.unwrap_or(Task::Serve(cli.flags)))),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            if let Some(data) = data_like_help(&arguments) {
                let message = format!("unexpected argument `{}` found", visible(data));
                return Err(Failure::usage(message).hint(behind_dashes(data)));
            }
            written(error.print().and_then(|()| std::io::stdout().flush())).map(|()| None)
        }
        Err(error) => Err(failure(&error, &arguments)),
    }
}

/// clap's error in our form: one line, and a hint.
fn failure(error: &clap::Error, arguments: &[OsString]) -> Failure {
    let rendered = error.render().to_string();
    // Some messages end in a list on the lines below.
    let lines: Vec<_> = rendered.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let asked = Asked::of(arguments);
    let message = match error.kind() {
        // What clap renders then is the whole help.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => asked.lacks_command(),
        _ => lines.join(" ").trim_start_matches("error: ").replace('\'', "`"),
    };
    let suggested =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let suggestion = suggested.iter().find_map(|kind| match error.get(*kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    });
    if error.kind() == ErrorKind::InvalidUtf8
        && let Some(failure) = not_utf8(arguments)
    {
        return failure;
    }
    let data = data_like_flag(error, arguments);
    let message = match data {
        Some(data) => format!("unexpected argument `{data}` found"),
        None => message,
    };
    let data = data.map(behind_dashes);
    let message: String = message.chars().take(ERROR_CHARS_MAX).collect();
    if let Some(hint) = other_spelling(error, arguments) {
        return Failure::usage(visible(&message)).hint(hint);
    }
    Failure::usage(visible(&message)).hint(match (suggestion, data) {
        (Some(name), Some(data)) => format!("did you mean {name}? {data}"),
        (Some(name), None) => format!("did you mean {name}?"),
        (None, Some(data)) => data,
        (None, None) => format!("`{} --help` tells what there is", asked.name),
    })
}

/// The argument that is not UTF-8. Only an event's data may be meant to be something else, and that is a matter of standard input.
fn not_utf8(arguments: &[OsString]) -> Option<Failure> {
    let number = arguments.iter().position(|argument| argument.to_str().is_none())?;
    let bytes = arguments[number].as_bytes();
    let error = std::str::from_utf8(bytes).err()?;
    let (shown, at) = (String::from_utf8_lossy(bytes), error.valid_up_to());
    let shown: String = shown.chars().take(SAID_CHARS_MAX).collect();
    let message = format!(
        "argument {number}, `{}`, is not UTF-8: its byte {} is 0x{:02x}",
        visible(&shown),
        at + 1,
        bytes[at]
    );
    let hint = "`iconv -t UTF-8` converts text; as standard input of `tidings pub` it is published with U+FFFD in it";
    Some(Failure::usage(message).hint(hint))
}

/// The argument of `tidings pub` that begins with `-` and that clap took for a flag.
fn data_like_flag<'a>(error: &clap::Error, arguments: &'a [OsString]) -> Option<&'a str> {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return None };
    let is_unknown = error.kind() == ErrorKind::UnknownArgument && flag.starts_with('-');
    after_pub(arguments).find(|argument| is_unknown && argument.starts_with(flag.as_str()))
}

/// An argument of `tidings pub` such as `-hello`: clap takes its beginning for `-h`.
fn data_like_help(arguments: &[OsString]) -> Option<&str> {
    let is_data = |argument: &&str| argument.starts_with("-h") && argument.len() > 2;
    after_pub(arguments).find(is_data)
}

fn after_pub(arguments: &[OsString]) -> impl Iterator<Item = &str> {
    let is_pub = arguments.get(1).is_some_and(|command| command == "pub");
    let texts = arguments.iter().skip(2).take_while(|argument| *argument != "--");
    texts.filter(move |_| is_pub).filter_map(|argument| argument.to_str())
}

fn behind_dashes(data: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:=/@%+".contains(c);
    let shown: String = visible(data).chars().take(SAID_CHARS_MAX).collect();
    let quoted =
        if data.chars().all(is_plain) { shown } else { format!("'{}'", shown.replace('\'', "'\\''")) };
    format!("data that begins with - stands behind --, as in: tidings pub URL -- {quoted}")
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().filter_map(argument).fold(command, Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in SETTINGS.iter().filter(|setting| setting.flag().is_some()) {
            if let Some(texts) = matches.get_many::<String>(setting.name) {
                let texts: Vec<_> = texts.map(String::as_str).collect();
                self.0.insert(setting.name, texts.join(","));
            }
        }
        Ok(())
    }
}

fn argument(setting: &Setting) -> Option<Arg> {
    let flag = setting.flag()?;
    let argument = Arg::new(setting.name)
        .long(flag.trim_start_matches("--").to_owned())
        .value_name(setting.value_name)
        .help_heading(setting.group)
        .help(summary(setting))
        .long_help(format!("{}{}", setting.means, default_note(setting)));
    Some(match setting.form {
        Form::Switch => argument
            .num_args(0..=1)
            .default_missing_value("true")
            .value_parser(PossibleValuesParser::new(["true", "false"]))
            .hide_possible_values(true),
        Form::List | Form::Table => argument.action(ArgAction::Append),
        Form::Text | Form::Number | Form::Secret => argument,
    })
}

/// The first sentence, and the default.
fn summary(setting: &Setting) -> String {
    let sentence = setting.means.split_inclusive(". ").next().unwrap_or_default().trim_end();
    format!("{}{}", sentence.trim_end_matches('.'), default_note(setting))
}

fn default_note(setting: &Setting) -> String {
    match (setting.form, setting.default) {
        (Form::Switch | Form::List | Form::Table | Form::Secret, _) | (_, "none") => String::new(),
        (Form::Text | Form::Number, default) => format!(" [default: {default}]"),
    }
}
