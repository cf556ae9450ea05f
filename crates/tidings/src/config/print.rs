//! `config print`: the configuration in force, as a file that would set it.

use super::access;
use super::loaded::Loaded;
use super::setting::{Places, Setting, Source};
use super::table::SETTINGS;
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
    // Behind all settings: what stands below a line with brackets is of that table.
    page.push_str(&loaded.access.as_ref().map(access::printed).unwrap_or_default());
    page
}

fn entry(loaded: &Loaded, setting: &Setting) -> String {
    let text = loaded.config.text(setting.name);
    let line = format!("{} = {}", setting.name, setting.form.literal(&text));
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
    setting.default_words()
}
