use super::*;

/// The id of the newest event that tells one.
fn place(newest: &[HeldEvent]) -> Option<String> {
    (0..newest.len()).rev().find_map(|at| place_at(at, newest))
}

fn held(id: &str) -> HeldEvent {
    serde_json::from_value(serde_json::json!({ "id": id, "cursor": "c-1", "type": "message", "data": "x" }))
        .unwrap()
}

fn carried(id: &str) -> CarriedId {
    if is_free(id) { CarriedId { id: id.to_owned(), place: None } } else { CarriedId::escaped(id) }
}

/// What the hub holds after an event with this id was relayed.
fn relayed(id: &str) -> Vec<HeldEvent> {
    let CarriedId { id, place } = carried(id);
    let place = place.map(|place| {
        let mut event = held("c-1");
        event.event_type = PLACE_TYPE.to_owned();
        event.data = place;
        event
    });
    place.into_iter().chain([held(&id)]).collect()
}

#[test]
fn every_id_of_the_standard_is_carried_and_found_again() {
    let long = "\u{e9}".repeat(4_000);
    let long_after_escapes = "\t".repeat(100);
    for id in [
        "u-1",
        "a\tb",
        " a",
        "a ",
        "\u{3000}a",
        " ",
        "a\u{1}\u{7f}\u{85}",
        "100%",
        "%41",
        "relay-escaped:a%09",
        "relay-hash:0",
        "relay-none:",
        &"x".repeat(256),
        &"x".repeat(257),
        &long,
        &long_after_escapes,
        "1k3f-7",
    ] {
        assert!(check_id(&carried(id).id).is_ok(), "{id:?}");
        assert_eq!(place(&relayed(id)).as_deref(), Some(id), "{id:?}");
        // A relay of this relay.
        assert_eq!(place(&relayed(&carried(id).id)), Some(carried(id).id), "{id:?}");
        // An id that the hub takes for one of its own.
        let escaped = CarriedId::escaped(id);
        if escaped.place.is_none() {
            assert_eq!(place(&[held(&escaped.id)]).as_deref(), Some(id), "{id:?}");
        }
    }
}

#[test]
fn an_id_that_a_hub_takes_stays_as_it_is() {
    for id in ["u-1", "\u{8ba2}\u{5355} 1", "a%20b", &"x".repeat(256)] {
        assert_eq!(carried(id), CarriedId { id: id.to_owned(), place: None });
    }
}

#[test]
fn the_newest_id_counts_whose_place_is_known() {
    let lost = relayed(&"x".repeat(300)).pop().unwrap();
    let mut of_hub = held("c-1");
    of_hub.given_id = None;

    assert_eq!(place(&[held("u-1"), held("u-2"), of_hub.clone()]).as_deref(), Some("u-2"));
    assert_eq!(place(&[held("u-1"), lost.clone()]).as_deref(), Some("u-1"));
    let place_of_another = relayed(&"y".repeat(300)).remove(0);
    assert_eq!(place(&[held("u-1"), place_of_another, lost]).as_deref(), Some("u-1"));
    assert_eq!(place(&[held("u-1"), held(&CarriedId::none().unwrap().id)]).as_deref(), Some(""));
    assert_eq!(place(&[of_hub]), None);
    assert_eq!(place(&[]), None);
}

#[test]
fn a_place_without_its_event_is_none() {
    let mut held = vec![held("u-1")];
    held.extend(relayed(&"x".repeat(300)).into_iter().take(1));

    assert_eq!(place(&held).as_deref(), Some("u-1"));
}
