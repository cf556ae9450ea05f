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
    let nearest = nearest(unknown, SETTINGS.iter().map(|setting| setting.name));
    match SETTINGS.iter().find(|setting| Some(setting.name) == nearest) {
        Some(setting) => format!("did you mean {}?", spelt(setting)),
        None => "`tidings config print` shows every setting".to_owned(),
    }
}

/// The name that an unknown one resembles most, if it is near enough to be meant.
pub(super) fn nearest<'n>(unknown: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let likely = names.map(|name| (strsim::jaro_winkler(unknown, name), name));
    let near = likely.filter(|(likeness, _)| *likeness > 0.85);
    near.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

/// The setting of the table that has this name.
pub(super) fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}
