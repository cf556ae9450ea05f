//! "did you mean": the setting whose name is nearest to an unknown one.

use super::setting::Setting;
use super::table::SETTINGS;

/// What to say about a name that other programs have for a part of `listen`.
pub(crate) fn listening(unknown: &str) -> Option<&'static str> {
    let names = ["port", "http_port", "host", "bind", "address", "addr", "service_host", "service_port"];
    names.contains(&&*unknown.replace('-', "_")).then_some("address and port are one setting")
}

/// What to do about an unknown name: write the nearest setting, `spelt` as that place does, if one is near enough
/// to be meant.
pub(super) fn hint(unknown: &str, spelt: impl Fn(&Setting) -> String) -> String {
    let nearest = SETTINGS
        .iter()
        .map(|setting| (strsim::jaro_winkler(unknown, setting.name), setting))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest {
        Some((_, setting)) => format!("did you mean {}?", spelt(setting)),
        None => "`tidings config print` shows every setting".to_owned(),
    }
}
