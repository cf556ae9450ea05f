//! Pages: filters together, and what stays as it is while new items come and old ones leave.

use serde_json::{Value, json};
use tidings_inbox::InboxSettings;

use super::hub::{Scene, scene_with, titles};

async fn page(scene: &Scene, query: &str) -> Value {
    scene.json(&format!("GET /inbox/alice?{query}"), "", "").await
}

async fn notify(scene: &Scene, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        let kind = if number % 2 == 0 { "even" } else { "odd" };
        let body = json!({"title": number.to_string(), "kind": kind}).to_string();
        scene.json("POST /inbox/alice", "", &body).await;
    }
}

#[tokio::test]
async fn pages_meet_without_a_gap_and_without_a_repetition_while_the_inbox_changes() {
    let settings = InboxSettings { items_max: 20, unread_max: 20, ..InboxSettings::default() };
    let scene = scene_with(|_| {}, settings).await;
    notify(&scene, 1..=20).await;

    let first = page(&scene, "limit=6").await;
    assert_eq!(titles(&first), ["20", "19", "18", "17", "16", "15"]);
    assert_eq!(first["more"], json!(true));
    // New ones come, the oldest leave, and one in the middle is deleted.
    notify(&scene, 21..=25).await;
    assert_eq!(scene.told("DELETE /inbox/alice/1-12", "", "").await, "204");
    let second = page(&scene, &format!("limit=6&before={}", first["cursor"].as_str().unwrap())).await;
    assert_eq!(titles(&second), ["14", "13", "11", "10", "9", "8"]);
    // The one that the cursor names is deleted, and the page goes on behind its place.
    assert_eq!(scene.told("DELETE /inbox/alice/1-8", "", "").await, "204");
    let third = page(&scene, &format!("limit=6&before={}", second["cursor"].as_str().unwrap())).await;
    assert_eq!((titles(&third), &third["more"]), (vec!["7".to_owned(), "6".to_owned()], &json!(false)));
    let last = page(&scene, &format!("before={}", third["cursor"].as_str().unwrap())).await;
    assert_eq!((&last["items"], &last["cursor"], &last["more"]), (&json!([]), &json!(null), &json!(false)));
    // What is newer than the first page.
    assert_eq!(titles(&page(&scene, "after=1-20").await), ["25", "24", "23", "22", "21"]);
    assert_eq!(titles(&page(&scene, "after=1-20&before=1-24&limit=2").await), ["23", "22"]);
}

#[tokio::test]
async fn filters_hold_together() {
    let scene = scene_with(|_| {}, InboxSettings::default()).await;
    notify(&scene, 1..=8).await;
    scene.json("POST /inbox/alice/read", "", r#"{"ids":["1-2","1-3"]}"#).await;
    scene.json("POST /inbox/alice/archive", "", r#"{"ids":["1-4","1-5"]}"#).await;

    for (query, expected) in [
        ("unread=true", &["8", "7", "6", "1"][..]),
        ("unread=false", &["5", "4", "3", "2"]),
        ("archived=false", &["8", "7", "6", "3", "2", "1"]),
        ("archived=true&unread=true", &[]),
        ("archived=false&unread=false", &["3", "2"]),
        ("kind=even&unread=true", &["8", "6"]),
        ("kind=even&kind=odd&unread=false&before=1-5", &["4", "3", "2"]),
        ("kind=other", &[]),
        ("kind=odd&archived=true&after=1-4", &["5"]),
        ("unread=true&before=1-8&limit=1", &["7"]),
    ] {
        assert_eq!(titles(&page(&scene, query).await), expected, "{query}");
    }
}

/// 200 items of the greatest size are 4 MB.
#[tokio::test]
async fn a_page_ends_before_it_is_too_large_and_the_rest_is_behind_its_cursor() {
    let scene = scene_with(|_| {}, InboxSettings::default()).await;
    for number in 0..100 {
        let body = json!({"title": number.to_string(), "body": "x".repeat(8_192), "data": "y".repeat(8_000)});
        scene.json("POST /inbox/alice", "", &body.to_string()).await;
    }

    let (mut seen, mut query) = (Vec::new(), "limit=200".to_owned());
    loop {
        let answer = scene.send(&format!("GET /inbox/alice?{query}"), "accept: application/json", "").await;
        assert!(answer.text.len() < 1_200_000, "{}", answer.text.len());
        let page = answer.json();
        seen.extend(titles(&page));
        if page["more"] == json!(false) {
            break;
        }
        query = format!("limit=200&before={}", page["cursor"].as_str().unwrap());
    }
    assert_eq!(seen, (0..100).rev().map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_devices_mark_all_at_the_same_instant_and_each_item_counts_once() {
    let scene = scene_with(|_| {}, InboxSettings::default()).await;
    notify(&scene, 1..=50).await;
    let all = r#"{"all":true}"#;

    let (one, two, three) = tokio::join!(
        scene.json("POST /inbox/alice/read", "", all),
        scene.json("POST /inbox/alice/read", "", all),
        scene.json("POST /inbox/alice/archive", "", all),
    );
    let changed: u64 = [&one, &two].iter().map(|answer| answer["changed"].as_u64().unwrap()).sum();
    assert!(changed <= 50, "{one} {two} {three}");
    assert!([&one, &two, &three].iter().all(|answer| answer["unread"] == json!(0)));
    let list = page(&scene, "limit=200").await;
    assert!(list["items"].as_array().unwrap().iter().all(|item| item["archived"] == json!(true)));
    assert_eq!(list["unread"], json!(0));
}
