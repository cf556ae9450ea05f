//! `tidings inbox`: what users are told, what people and programs see of it, and how it ends.
#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use serde_json::{Value, json};
use support::desk::{Desk, KEY};
use support::origin::{Origin, Then, stream};
use support::program::run_with_input;
use support::{Left, run, tidings};
use tidings_testkit::hub::Hub;

/// A hub whose inboxes are there.
fn hub() -> Hub {
    let hub = support::hub(&["--memory"]);
    let first = inbox(&hub, &["count", "nobody"]);
    assert_eq!(first.stdout, "0\n", "{first:?}");
    hub
}

fn url(hub: &Hub) -> String {
    format!("http://{}", hub.address)
}

fn inbox(hub: &Hub, arguments: &[&str]) -> Left {
    run(tidings(&of_inbox(&url(hub), arguments)))
}

/// The arguments of the process. The URL stands behind the verb.
fn of_inbox<'a>(url: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["inbox", arguments[0], url], &arguments[1..]].concat()
}

/// The items of a user, the newest first.
fn items(hub: &Hub, user: &str) -> Vec<Value> {
    let left = inbox(hub, &["list", user, "--json", "--all"]);
    assert_eq!(left.code, Some(0), "{left:?}");
    left.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn titles(hub: &Hub, user: &str) -> Vec<String> {
    items(hub, user).iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

fn done(stderr: &str) -> Left {
    Left { code: Some(0), stdout: String::new(), stderr: format!("{stderr}\n") }
}

#[test]
fn a_user_is_notified_with_all_that_a_notification_may_say_and_its_id_is_printed() {
    let hub = hub();
    let all = [
        "notify",
        "alice",
        "Your order has left",
        "--body",
        "It comes\ntomorrow.",
        "--link",
        "/orders/9",
        "--kind",
        "order",
        "--data",
        "{\"total\":\n12345678901234567890.25}",
        "--dedupe",
        "order-9",
        "--expires",
        "7d",
    ];

    let first = inbox(&hub, &all);
    let second = inbox(&hub, &all);

    assert_eq!((first.code, first.stderr.as_str()), (Some(0), ""));
    let listed = inbox(&hub, &["list", "alice", "--json"]);
    // Numbers are as they were.
    assert!(listed.stdout.contains("\"data\":{\"total\":12345678901234567890.25}"), "{listed:?}");
    let item: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(item["id"].as_str().unwrap(), first.stdout.trim_end());
    assert_eq!(item["body"], "It comes\ntomorrow.");
    assert_eq!(
        (&item["link"], &item["kind"], &item["read"]),
        (&json!("/orders/9"), &json!("order"), &json!(false))
    );
    assert!(item["expires"].is_string());
    // The key is held by the first.
    assert_eq!(
        second,
        Left { stderr: "alice had this notification already; nothing was added\n".into(), ..first }
    );
}

#[test]
fn several_users_are_notified_by_name_or_by_the_lines_of_a_file() {
    let hub = hub();

    let named = inbox(&hub, &["notify", "alice", "bob", "--title", "one"]);
    let of_lines = run_with_input(
        &of_inbox(&url(&hub), &["notify", "--users", "-", "two"]),
        "alice\r\n\n  j\u{f6}rg m\u{fc}ller \nbob".as_bytes(),
    );
    let nobody = run_with_input(&of_inbox(&url(&hub), &["notify", "--users", "-", "three"]), b"\n");

    assert_eq!(named, done("2 users were notified"));
    assert_eq!(of_lines.stderr, "3 users were notified");
    assert_eq!(nobody.stderr, "0 users were notified");
    assert_eq!(titles(&hub, "alice"), ["two", "one"]);
    assert_eq!(titles(&hub, "j\u{f6}rg m\u{fc}ller"), ["two"]);
}

#[test]
fn more_users_than_one_request_takes_are_notified_in_parts() {
    let hub = hub();
    let users: String = (0..10_001).map(|number| format!("user-{number}\n")).collect();

    let left = run_with_input(&of_inbox(&url(&hub), &["notify", "--users", "-", "x"]), users.as_bytes());

    assert_eq!((left.code, left.stderr.as_str()), (Some(0), "10001 users were notified"));
    assert_eq!((titles(&hub, "user-0").len(), titles(&hub, "user-10000").len()), (1, 1));
}

#[test]
fn a_line_that_is_no_user_is_told_with_its_number() {
    let hub = hub();
    let told = |input: &[u8]| {
        let left = run_with_input(&of_inbox(&url(&hub), &["notify", "--users", "-", "x"]), input);
        assert_eq!((left.code, left.stdout.as_str()), (Some(1), ""));
        left.stderr
    };

    assert!(told(b"alice\n..\n").contains("nobody was notified: standard input: line 2: the name of a user"));
    assert!(told(b"alice\nb\xff\n").contains("line 2 is not UTF-8"));
    assert!(told(&b"x".repeat(5_000)).contains("line 1 is too long"));
    assert!(titles(&hub, "alice").is_empty());
}

#[test]
fn those_who_follow_a_topic_are_notified_by_it() {
    let hub = hub();
    let address = hub.address;
    let follow = format!(
        "PUT /inbox/alice/follows/orders/* HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut socket, follow.as_bytes()).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut socket, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");

    assert_eq!(inbox(&hub, &["notify", "--topic", "orders/9", "paid"]), done("1 user was notified"));
    assert_eq!(inbox(&hub, &["notify", "--topic", "a/b/c", "x"]), done("0 users were notified"));
    assert_eq!(titles(&hub, "alice"), ["paid"]);
}

#[test]
fn people_see_lines_in_which_nothing_moves_the_cursor() {
    let hub = hub();
    inbox(&hub, &["notify", "alice", "<b>bold</b> \u{202e}evil", "--kind", "sale", "--body", "one\ntwo"]);

    let listed = inbox(&hub, &["list", "alice"]);

    let lines: Vec<_> = listed.stdout.lines().collect();
    assert!(
        lines[0].starts_with("new  ") && lines[0].ends_with("Z  sale  <b>bold</b> \\u{202e}evil"),
        "{lines:?}"
    );
    assert_eq!(lines[1..], ["    one", "    two"]);
    assert_eq!(listed.stderr, "1 shown; 1 unread in all\n");
    assert_eq!(inbox(&hub, &["list", "bob"]), done("no notifications to show; 0 unread in all"));
}

#[test]
fn a_list_is_filtered_and_read_page_by_page() {
    let hub = hub();
    for number in 0..5 {
        let kind = if number % 2 == 0 { "even" } else { "odd" };
        inbox(&hub, &["notify", "alice", &number.to_string(), "--kind", kind]);
    }
    let ids: Vec<_> =
        items(&hub, "alice").iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    inbox(&hub, &["read", "alice", &ids[0]]);
    inbox(&hub, &["mark", "alice", &ids[1], "--as", "archived"]);
    let shown = |arguments: &[&str]| {
        let left = inbox(&hub, &[&["list", "alice", "--json"], arguments].concat());
        let titles = left
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["title"].as_str().unwrap().to_owned());
        (titles.collect::<Vec<_>>().join(""), left.stderr)
    };

    assert_eq!(shown(&["--unread"]).0, "210");
    assert_eq!(shown(&["--no-archived"]).0, "4210");
    assert_eq!(shown(&["--kind", "odd"]).0, "31");
    assert_eq!(shown(&["--kind", "odd", "--kind", "even", "--before", &ids[2]]).0, "10");
    let more = "2 shown; 3 unread in all; --all shows the rest\n";
    assert_eq!(shown(&["--limit", "2"]), ("43".to_owned(), more.to_owned()));
}

#[test]
fn marks_are_told_with_what_has_changed_and_the_count_follows() {
    let hub = hub();
    for title in ["a", "b", "c"] {
        inbox(&hub, &["notify", "alice", title]);
    }
    let ids: Vec<_> =
        items(&hub, "alice").iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    let count = || inbox(&hub, &["count", "alice"]).stdout;

    assert_eq!(count(), "3\n");
    assert_eq!(
        inbox(&hub, &["read", "alice", "--through", &ids[1]]),
        done("2 are now read; 1 unread in all")
    );
    assert_eq!(
        inbox(&hub, &["mark", "alice", "--as", "unread", &ids[1]]),
        done("1 is now unread; 2 unread in all")
    );
    assert_eq!(
        inbox(&hub, &["read", "alice", "--all", "--as", "seen"]),
        done("1 is now seen; 2 unread in all")
    );
    let answer = inbox(&hub, &["read", "alice", "--all", "--as", "archived", "--json"]);
    let answer: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!((&answer["unread"], &answer["changed"]), (&json!(0), &json!(3)));
    assert_eq!(count(), "0\n");
    let told: Value = serde_json::from_str(&inbox(&hub, &["count", "alice", "--json"]).stdout).unwrap();
    assert_eq!((&told["count"], &told["version"]), (&json!(0), &answer["version"]));
}

#[test]
fn a_watched_count_holds_what_the_hub_says_last_across_reconnections() {
    let unread = |count: u64, version: u64| {
        format!("event: unread\ndata: {{\"count\":{count},\"version\":{version}}}\nid: e-{version}\n\n")
    };
    let item = "event: notification\ndata: {\"id\":\"e-6\",\"title\":\"x\"}\n\n";
    let first = format!("retry: 100\n\n{}{item}{}{}", unread(2, 5), unread(3, 6), unread(9, 4));
    // A copy of an older log was restored: its versions are lower, and hold.
    let origin = Origin::start([
        (stream(&first), Then::End),
        (stream(&format!("{}{}", unread(3, 6), unread(2, 7))), Then::End),
        (stream(&format!("{}{}", unread(1, 3), unread(0, 4))), Then::Hold),
    ]);
    let hub = origin.url().replace("/stream", "/inbox");

    let mut watch = support::program::Program::start(&["inbox", "count", &hub, "al ice", "--watch"]);

    let heard: Vec<_> = (0..5).map(|_| watch.stdout.next()).collect();
    assert_eq!(heard, ["2", "3", "2", "1", "0"]);
    assert_eq!(origin.request().path, "/inbox/al%20ice");
    watch.signal(rustix::process::Signal::INT);
    assert_eq!(watch.wait(), Some(0));
}

#[test]
fn a_count_is_watched_at_a_hub() {
    let hub = hub();
    let url = url(&hub);
    let watch = support::program::Program::start(&["inbox", "count", &url, "alice", "--watch", "--json"]);
    let next = || serde_json::from_str::<Value>(&watch.stdout.next()).unwrap()["count"].clone();

    assert_eq!(next(), 0);
    inbox(&hub, &["notify", "alice", "x"]);
    assert_eq!(next(), 1);
    inbox(&hub, &["notify", "alice", "bob", "--title", "y"]);
    assert_eq!(next(), 2);
    inbox(&hub, &["read", "alice", "--all"]);
    assert_eq!(next(), 0);
}

#[test]
fn what_is_notified_again_under_its_key_is_there_once() {
    let hub = hub();
    let users: String = (0..10_001).map(|number| format!("user-{number}\n")).collect();
    let many = || {
        let arguments = ["notify", "--users", "-", "y", "--key", "k-2"];
        run_with_input(&of_inbox(&url(&hub), &arguments), users.as_bytes())
    };

    let [first, second] = [(), ()].map(|()| inbox(&hub, &["notify", "alice", "x", "--key", "k-1"]));
    let other = inbox(&hub, &["notify", "alice", "z", "--key", "k-1"]);
    let [_, again] = [many(), many()];

    assert_eq!((first.code, &first.stdout), (Some(0), &second.stdout));
    assert_eq!(second.stderr, "alice had this notification already; nothing was added\n");
    assert!(other.stderr.contains("422"), "{other:?}");
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(titles(&hub, "alice"), ["x"]);
    assert_eq!(
        (titles(&hub, "user-0"), titles(&hub, "user-10000")),
        (vec!["y".to_owned()], vec!["y".to_owned()])
    );
}

#[test]
fn a_command_line_that_means_nothing_is_told_before_anything_is_sent() {
    let refused = |arguments: &[&str]| {
        let left = run(tidings(&of_inbox("http://127.0.0.1:1", arguments)));
        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{left:?}");
        left.stderr
    };

    assert!(refused(&["notify", "alice"]).contains("a user and a title are needed"));
    let without_url = run(tidings(&["inbox", "notify", "alice", "bob", "Your order has left"]));
    assert_eq!(without_url.code, Some(2), "{without_url:?}");
    assert!(without_url.stderr.contains("the first argument is the URL of the hub"), "{without_url:?}");
    assert!(refused(&["notify"]).contains("a user and a title are needed"));
    assert!(refused(&["notify", "--title", "x"]).contains("a user and a title are needed"));
    assert!(refused(&["notify", "--topic", "a", "--title", "x", "y"]).contains("there is one argument"));
    assert!(refused(&["notify", "alice", "x", "--users", "-"]).contains("there is one argument, the title"));
    assert!(refused(&["notify", "alice", "x", "--data", "nope"]).contains("--data is not valid JSON"));
    assert!(refused(&["notify", "..", "x"]).contains("the name of a user"));
    assert!(refused(&["read", "alice"]).contains("--all"));
    assert!(refused(&["read", "alice", "1-1", "--all"]).contains("cannot be used with"));
    assert!(refused(&["read", "alice", "--all", "--as", "gone"]).contains("archived"));
    assert!(refused(&["list", "", "--all"]).contains("1 to 200 bytes"));
    assert!(refused(&["list", "alice", "--limit", "0"]).contains("--limit"));
}

#[test]
fn words_of_a_title_are_not_taken_for_users() {
    let hub = hub();
    let users = ["alice", "bob", "Your", "order", "has", "j\u{f6}rg m\u{fc}ller"];

    for words in [
        &["alice", "Your", "order"][..],
        &["alice", "Your", "order", "has", "left"],
        &["alice", "Your order has left", "It comes tomorrow"],
        &["alice", "j\u{f6}rg m\u{fc}ller", "two words"],
        &["alice", "bob", ""],
    ] {
        let left = inbox(&hub, &[&["notify"], words].concat());

        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{words:?}: {left:?}");
        let (title, first) = (words.last().unwrap(), words[1]);
        assert!(left.stderr.contains(&format!("the title \"{title}\"")), "{words:?}: {left:?}");
        assert!(left.stderr.contains(&format!("the users \"alice\", \"{first}\"")), "{words:?}: {left:?}");
        assert!(left.stderr.contains("--title"), "{words:?}: {left:?}");
    }
    assert!(users.iter().all(|user| titles(&hub, user).is_empty()));
    let many: Vec<_> = (0..50).map(|number| format!("user-{number}")).collect();
    let many: Vec<_> = ["notify"].into_iter().chain(many.iter().map(String::as_str)).collect();
    assert!(inbox(&hub, &many).stderr.contains("and 44 more and the title \"user-49\""));

    let quoted = inbox(&hub, &["notify", "alice", "bob", "The office is closed"]);
    let by_option = inbox(&hub, &["notify", "--title", "-- Hello", "alice", "j\u{f6}rg m\u{fc}ller"]);
    let of_lines =
        run_with_input(&of_inbox(&url(&hub), &["notify", "--users", "-", "--title", "New"]), b"bob\n");

    assert_eq!(quoted, done("2 users were notified"));
    assert_eq!(by_option, done("2 users were notified"));
    assert_eq!((of_lines.code, of_lines.stderr.as_str()), (Some(0), "1 user was notified"));
    assert_eq!(titles(&hub, "alice"), ["-- Hello", "The office is closed"]);
    assert_eq!(titles(&hub, "bob"), ["New", "The office is closed"]);
}

#[test]
fn what_the_hub_refuses_is_told_in_its_words() {
    let hub = hub();
    let none = support::hub(&["--memory", "--inbox=false"]);
    let told = |hub: &Hub, arguments: &[&str]| {
        let left = inbox(hub, arguments);
        assert_eq!((left.code, left.stdout.as_str()), (Some(1), ""), "{left:?}");
        left.stderr
    };

    let link = told(&hub, &["notify", "alice", "x", "--link", "javascript:alert(1)"]);
    assert!(
        link.starts_with("error: nobody was notified: the hub answered 400") && link.contains("`link`"),
        "{link}"
    );
    assert!(told(&hub, &["read", "alice", "x"]).contains("nothing was marked"));
    assert!(told(&none, &["count", "alice"]).contains("this hub has no inbox"));
    let wrong = run(tidings(&["inbox", "list", &format!("{}/nope", url(&hub)), "alice"]));
    assert!(wrong.stderr.contains("is this the URL of a tidings hub?"), "{wrong:?}");
}

#[test]
fn a_hub_with_access_settings_takes_a_key_or_a_token_for_the_own_inbox() {
    let configuration = support::desk::WHOLE.replace("users/{sub}/**", "inbox/{sub}");
    let configuration = configuration.replace("publish = [\"**\"]", "publish = [\"**\", \"inbox/**\"]");
    let desk = Desk::new(&configuration);
    let hub = desk.hub();
    desk.write("backend.key", KEY);
    desk.write("alice.token", &desk.token(&["--sub", "alice", "--audience", "tidings"]));
    let asked = |arguments: &[&str]| desk.run(&of_inbox(&url(&hub), arguments));

    let keyed = asked(&["notify", "alice", "x", "--publish-key-file", "backend.key"]);
    let own = asked(&["count", "alice", "--token-file", "alice.token"]);
    let other = asked(&["count", "bob", "--token-file", "alice.token"]);
    let nobody = asked(&["count", "alice"]);
    let forged = asked(&["notify", "alice", "x", "--token-file", "alice.token"]);

    assert_eq!(keyed.code, Some(0), "{keyed:?}");
    assert_eq!((own.code, own.stdout.as_str()), (Some(0), "1\n"), "{own:?}");
    assert!(other.stderr.contains("403") && nobody.stderr.contains("401"), "{other:?} {nobody:?}");
    assert_eq!(forged.code, Some(1), "{forged:?}");
    assert!(forged.stderr.contains("`**` covers no inbox"), "{forged:?}");
}
