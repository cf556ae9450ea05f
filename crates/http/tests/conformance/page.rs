//! The page of the documentation that says which scene plays where.

use crate::SCENES;
use crate::carrier::Carrier;
use crate::matrix::{EXCEPTIONS, all, cells};
use crate::transport::Transport;

const HEAD: &str = "\
<!-- Generated: TIDINGS_TEST_UPDATE=1 cargo test -p tidings-http --test conformance -->

# Conformance of the transports

Every [transport](transports.md) is the same stream in another form. So one suite of tests, [crates/http/tests/conformance](../../crates/http/tests/conformance/main.rs),
plays the same scenes over all of them, and over everything that can carry them. It is part of `cargo test`.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    page += "\n| scene | shows that |\n|---|---|\n";
    for (scene, what) in SCENES {
        page += &format!("| `{scene}` | {what} |\n");
    }
    page += "\nHow many of these play over each transport and carrier:\n\n| transport |";
    for carrier in Carrier::ALL {
        page += &format!(" {} |", carrier.name());
    }
    page += &format!(" all |\n|---|{}---:|\n", "---:|".repeat(Carrier::ALL.len()));
    let played: Vec<_> = SCENES.iter().flat_map(|(scene, _)| cells(scene)).collect();
    for transport in Transport::ALL {
        page += &format!("| {} |", transport.name());
        let of_transport = || played.iter().filter(|cell| cell.transport == transport);
        for carrier in Carrier::ALL {
            page += &format!(" {} |", of_transport().filter(|cell| cell.carrier == carrier).count());
        }
        page += &format!(" {} |\n", of_transport().count());
    }
    page += &format!("\nThese are {} cells. What does not play:\n\n", played.len());
    page += "| scene | transport | carrier | why |\n|---|---|---|---|\n";
    for exception in EXCEPTIONS {
        let scene = exception.scene.map_or("all".to_owned(), |scene| format!("`{scene}`"));
        let carrier = exception.carrier.map_or("all", Carrier::name);
        page += &format!("| {scene} | {} | {carrier} | {} |\n", exception.transport.name(), exception.why);
    }
    page
}

#[test]
fn the_page_of_conformance_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/conformance.md");
    let page = page();
    if std::env::var_os("TIDINGS_TEST_UPDATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == page,
        "{path} differs; if the new page is right, run\n  \
         TIDINGS_TEST_UPDATE=1 cargo test -p tidings-http --test conformance\n\n{page}"
    );
}

#[test]
fn every_exception_names_cells_that_would_play_without_it() {
    for (at, exception) in EXCEPTIONS.iter().enumerate() {
        if let Some(scene) = exception.scene {
            assert!(SCENES.iter().any(|(name, _)| *name == scene), "there is no scene {scene}");
        }
        let others = || EXCEPTIONS.iter().enumerate().filter(|(other, _)| *other != at);
        let its_own = SCENES.iter().any(|(scene, _)| {
            let is_its_own =
                |cell| exception.covers(scene, cell) && !others().any(|(_, other)| other.covers(scene, cell));
            all().any(is_its_own)
        });
        assert!(its_own, "{}: {}", exception.transport.name(), exception.why);
    }
}
