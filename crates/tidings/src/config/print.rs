//! `config print`: the configuration in force, as a file that would set it.

use super::setting::{Form, Places, Setting};
use super::sources::{Loaded, Source};
use super::table::{Config, SETTINGS};
use super::text;

const WIDTH: usize = 96;

/// The configuration as commented TOML. Each value says where it is from; secrets are not shown.
pub(crate) fn print(loaded: &Loaded) -> String {
    let mut page = String::from(
        "# The configuration in force. A flag is stronger than the environment, which is stronger than\n\
         # the file, which is stronger than the default.\n",
    );
    let mut group = "";
    for setting in SETTINGS {
        if setting.group != group {
            group = setting.group;
            page.push_str(&format!("\n# ---- {group} ----\n"));
        }
        page.push('\n');
        for line in text::lines(setting.means, WIDTH) {
            page.push_str(&format!("# {line}\n"));
        }
        page.push_str(&entry(loaded, setting));
    }
    page
}

/// The value of a setting, as one would write it on the command line.
pub(super) fn value(config: &Config, name: &str) -> String {
    let setting =
        SETTINGS.iter().find(|setting| setting.name == name).expect("callers name settings of the table");
    (setting.text)(config)
}

/// A value as TOML.
pub(super) fn literal(form: Form, text: &str) -> String {
    match form {
        Form::Number if text == "none" => quoted(text),
        Form::Number | Form::Switch => text.to_owned(),
        Form::Text | Form::Secret => quoted(text),
        Form::List => {
            let members: Vec<_> = text.split(',').filter(|member| !member.is_empty()).map(quoted).collect();
            format!("[{}]", members.join(", "))
        }
    }
}

fn entry(loaded: &Loaded, setting: &Setting) -> String {
    let text = (setting.text)(&loaded.config);
    let line = format!("{} = {}", setting.name, literal(setting.form, &text));
    let from = from(loaded.source(setting.name), setting);
    match setting.places {
        Places::Anywhere => format!("# {from}\n{line}\n"),
        // Commented out, so that the page can be used as a file.
        Places::NotInFile | Places::EnvironmentOnly => format!("# {from}\n# {line}\n"),
    }
}

fn from(source: Source, setting: &Setting) -> String {
    match source {
        Source::Default => "The default.".to_owned(),
        Source::File => format!("From the file; the default is {}.", default(setting)),
        Source::Environment | Source::Flag => {
            format!("From {}; the default is {}.", setting.spelling(source), default(setting))
        }
    }
}

fn default(setting: &Setting) -> &'static str {
    if setting.default.is_empty() { "an empty list" } else { setting.default }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
