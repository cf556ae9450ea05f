//! A dump as lines of JSON.

use tidings_store::offline::DumpItem;

use super::item::ItemObject;

/// Appends an item.
pub(super) fn write(item: &DumpItem, into: &mut String) {
    // Strings and numbers always have a form in JSON.
    into.push_str(&serde_json::to_string(&ItemObject::of(item)).unwrap_or_default());
    into.push('\n');
}

/// Reads a line.
pub(super) fn read(line: &str) -> Result<DumpItem, String> {
    read_object(serde_json::from_str(line).map_err(|error| error.to_string())?)
}

/// Reads an object.
pub(super) fn read_object(value: serde_json::Value) -> Result<DumpItem, String> {
    let known = ["dump", "epoch", "lost", "end", "cursor"];
    let Some(name) = known.into_iter().find(|name| value.get(name).is_some()) else {
        return Err("it is no line of a dump".to_owned());
    };
    // Said by hand, since an error of one of several forms names none of them.
    let object = match name {
        "cursor" => serde_json::from_value(value).map(ItemObject::Event),
        _ => serde_json::from_value(value),
    };
    object.map_err(|error| error.to_string())?.parse()
}
