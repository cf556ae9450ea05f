//! `tidings token`, `tidings token explain`, `tidings sign` and their keys, against what the hub makes of them.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::desk::{Desk, SECRET, WHOLE, read};
use support::program::run_with_input;
use support::{run, tidings};

#[test]
fn a_token_is_explained_or_the_first_reason_against_it_is() {
    let desk = Desk::new(&WHOLE.replace("query = true", "leeway = \"0s\""));
    let good = desk.token(&["--sub", "u1", "--publish", "orders/9", "--admin", "--jti", "t1"]);

    let left = desk.explain(&good);
    let expected = "valid    the signature is good, and the claims hold\nuser     u1\nread     users/u1/**, public/**\n\
                    publish  orders/9\nadmin    yes\nuntil    ";
    assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""));
    assert!(
        left.stdout.starts_with(expected) && left.stdout.ends_with("from now\nid       t1\n"),
        "{left:?}"
    );

    for (token, reason, is_read, is_careful) in [
        (desk.token(&["--expires", "0s"]), "the token expired ", true, false),
        (
            desk.token(&["--audience", "other"]),
            "its `aud` is \"other\", and tidings is expected",
            true,
            false,
        ),
        (desk.token(&["--algorithm", "HS512"]), "signed by the algorithm \"HS512\"", true, true),
        (format!("{good}="), "no JSON Web Token", false, false),
        (format!("{}AAAA", &good[..good.len() - 4]), "the signature is not that of the key", true, true),
        ("hunter2".to_owned(), "this is no key of this hub", false, false),
    ] {
        let left = desk.explain(&token);
        assert_eq!(left.code, Some(1), "{left:?}");
        assert!(left.stdout.starts_with("refused  ") && left.stdout.contains(reason), "{left:?}");
        assert_eq!(left.stdout.contains("\nclaims   {"), is_read, "{left:?}");
        assert_eq!(left.stdout.contains("\ncareful  "), is_careful, "{left:?}");
    }
    assert_eq!(Desk::new("").explain(&good).code, Some(2));
}

#[test]
fn a_header_is_explained_as_its_token_and_an_empty_text_is_no_token() {
    let desk = Desk::new(WHOLE);
    let good = desk.token(&["--sub", "u1"]);

    assert_eq!(desk.explain(&format!(" bearer  {good}\n")), desk.explain(&good));
    for text in ["", " \n", "Bearer "] {
        let left = desk.explain(text);
        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{left:?}");
        assert!(left.stderr.contains("there is no token"), "{left:?}");
    }
}

#[test]
fn a_user_to_whom_sub_gives_nothing_is_pointed_out() {
    let desk = Desk::new(WHOLE);
    for (user, line) in [
        ("u1", "u1"),
        ("a/b", "a/b"),
        ("", "\"\", to whom grants with {sub} give nothing"),
        ("..", ".., to whom grants with {sub} give nothing"),
    ] {
        let left = desk.explain(&desk.token(&["--sub", user]));
        assert!(left.stdout.contains(&format!("\nuser     {line}\n")), "{left:?}");
    }
}

#[test]
fn a_token_and_a_signed_url_can_be_made_by_the_configuration_alone() {
    let desk = Desk::new(
        &WHOLE
            .replace("\"HS256\"]", "\"HS384\", \"RS256\"]\nissuer = [\"me\", \"you\"]")
            .replace("key = \"0123456789abcdef0123456789abcdef\"", &format!("key = \"{}\"", SECRET.repeat(2)))
            .replace("\"tidings\"     ", "[\"hub\", \"tidings\"]")
            .replace("[access.signing]", "[access.signing]\nname = \"k2\""),
    );
    let by_configuration = ["--config", "tidings.toml"];
    let made = desk.run(&[&["token", "--sub", "u1"][..], &by_configuration].concat());
    assert_eq!(made.code, Some(0), "{made:?}");
    let left = desk.explain(&made.stdout);
    assert!(left.stdout.starts_with("valid ") && left.stdout.contains("\nuser     u1\n"), "{left:?}");

    let hub = desk.hub();
    let signed = desk.run(&[&["sign", "/events/a", "--expires", "1h"][..], &by_configuration].concat());
    assert!(signed.stdout.contains("&key=k2&"), "{signed:?}");
    assert_eq!(read(&hub, signed.stdout.trim_end(), None), 200);
    let signed = desk.run(
        &[&["sign", "/events/a", "--expires", "1h", "--key-file", "signing.key"][..], &by_configuration]
            .concat(),
    );
    assert_eq!(read(&hub, signed.stdout.trim_end(), None), 200, "the name is that of the configuration");
}

#[test]
fn a_configuration_without_a_secret_that_signs_makes_nothing() {
    let public = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().public_key_pem();
    for (table, told) in [
        ("[access.anonymous]\n", "has no key of tokens"),
        (
            "[access.jwt]\nkey_file = \"public.pem\"\n",
            "tidings.toml:1: what the hub checks tokens by is no secret",
        ),
        ("[access.jwt]\nkey_file = \"set.json\"\n", "is no secret"),
        ("[access.jwt]\njwks_url = \"https://a.example/k\"\n", "is no secret"),
        ("[access.jwt]\nkey_file = \"no.key\"\n", "tidings.toml:1: cannot read key file no.key"),
        (
            "[access.jwt]\nkey_file = \"jwt.key\"\nalgorithms = [\"RS256\", \"ES256\"]\n",
            "is not for RS256, ES256, which the configuration takes",
        ),
    ] {
        let desk = Desk::new(table);
        desk.write("public.pem", &public);
        desk.write("set.json", "{\"keys\": [], \"and\": \"so long that it could be a secret\"}");
        let left = desk.run(&["token", "--sub", "u1", "--config", "tidings.toml"]);
        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{table}: {left:?}");
        assert!(left.stderr.contains(told), "{table}: {left:?}");
    }
    let left = Desk::new("").run(&["sign", "/events/a", "--expires", "1h", "--config", "tidings.toml"]);
    assert!(left.stderr.contains("has no key that signs URLs"), "{left:?}");
}

#[test]
fn a_token_holds_what_others_see_of_its_user() {
    let desk = Desk::new(WHOLE);
    let token = desk.token(&["--sub", "u1", "--info", "{\"name\": \"Ann\"}", "--audience", "no"]);
    let left = desk.explain(&token);
    assert!(left.stdout.contains(r#""tidings":{"info":{"name":"Ann"}}"#), "{left:?}");
    for (info, told) in [("{", "--info is not JSON"), (&format!("\"{}\"", "x".repeat(255)), "has 257 bytes")]
    {
        let left = desk.run(&["token", "--key-file", "jwt.key", "--info", info]);
        assert_eq!(left.code, Some(2), "{left:?}");
        assert!(left.stderr.contains(told), "{left:?}");
    }
}

#[test]
fn a_key_for_a_command_is_never_an_argument_and_a_bad_one_is_told() {
    let desk = Desk::new(WHOLE);
    desk.write("short.key", "hunter2");
    for (arguments, message) in [
        (&["token", "--sub", "u1"][..], "there is no key that signs"),
        (&["token", "--key-file", "short.key", "--sub", "u1"], "the secret has 7 bytes"),
        (&["token", "--key-env", "NONE"], "the environment has no variable \"NONE\""),
        (&["token", "--key-file", "jwt.key", "--subscribe", "a/../b"], "no topic and no pattern"),
        (&["token", "--key-file", "jwt.key", "--algorithm", "ES256"], "not a private key for ES256"),
        (&["sign", "/events/a", "--key-file", "short.key", "--expires", "1h"], "the secret has 7 bytes"),
        (&["sign", "/stream", "--key-file", "signing.key", "--expires", "1h"], "begins with /events"),
    ] {
        let left = desk.run(arguments);
        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{left:?}");
        assert!(left.stderr.contains(message) && !left.stderr.contains("hunter2"), "{left:?}");
    }
    let from_input =
        run_with_input(&["token", "--key-file", "-", "--sub", "u1"], format!("{SECRET}\n").as_bytes());
    assert_eq!(desk.explain(&from_input.stdout).code, Some(0), "{from_input:?}");
}

#[test]
fn tokens_by_private_keys_are_good_by_the_public_ones() {
    let pair = |algorithm| rcgen::KeyPair::generate_for(algorithm).unwrap();
    for (algorithm, name) in [(&rcgen::PKCS_ED25519, "EdDSA"), (&rcgen::PKCS_ECDSA_P256_SHA256, "ES256")] {
        let desk = Desk::new("[access.jwt]\nkey_file = \"public.pem\"\nsubscribe = [\"{sub}/**\"]\n");
        let pair = pair(algorithm);
        desk.write("public.pem", &pair.public_key_pem());
        desk.write("private.pem", &pair.serialize_pem());

        let left = desk.run(&["token", "--key-file", "private.pem", "--sub", "u1"]);

        assert_eq!(left.code, Some(0), "{name}: {left:?}");
        let explained = desk.explain(left.stdout.trim_end());
        assert!(explained.stdout.contains("\nread     u1/**\n"), "{name}: {explained:?}");
        let one_line = pair.public_key_pem().replace('\n', "\\n");
        let mut command = tidings(&["token", "explain", left.stdout.trim_end()]);
        command.env("TIDINGS_JWT_KEY", one_line);
        assert_eq!(run(command).code, Some(0), "{name}");
        let swapped = Desk::new("[access.jwt]\nkey_file = \"private.pem\"\n");
        swapped.write("private.pem", &pair.serialize_pem());
        assert!(swapped.refused(&[]).contains("this is a private key"), "{name}");
    }
}

/// The claims that an explanation shows of a token that is refused.
fn claims(explained: &str) -> serde_json::Value {
    let line = explained.lines().find_map(|line| line.strip_prefix("claims   "));
    serde_json::from_str(line.unwrap()).unwrap()
}

#[test]
fn a_token_has_the_claims_that_were_asked_for_and_no_others() {
    let desk = Desk::new(WHOLE);
    let audiences = ["--audience", "a", "--audience", "b"];

    let several =
        claims(&desk.explain(&desk.token(&[&audiences[..], &["--expires", "100s"]].concat())).stdout);
    let one = claims(&desk.explain(&desk.token(&["--audience", "a", "--issuer", "me"])).stdout);

    let of = |claims: &serde_json::Value, name: &str| claims[name].as_u64().unwrap();
    assert_eq!(several["aud"], serde_json::json!(["a", "b"]));
    assert_eq!(of(&several, "exp") - of(&several, "iat"), 100);
    assert_eq!(several.as_object().unwrap().len(), 3, "{several}");
    assert_eq!((&one["aud"], &one["iss"]), (&"a".into(), &"me".into()));
    assert_eq!(of(&one, "exp") - of(&one, "iat"), 3_600);
}

#[test]
fn a_configuration_alone_asks_for_a_token_and_nothing_for_a_key() {
    let desk = Desk::new(WHOLE);

    let token = desk.run(&["token", "--config", "tidings.toml"]).stdout;
    let key = desk.run(&["token"]).stdout;

    assert_eq!((token.matches('.').count(), key.trim_end().len()), (2, 64), "{token}{key}");
}

#[test]
fn a_token_has_the_name_of_the_key_in_its_head() {
    let desk = Desk::new(WHOLE);
    let left = desk.explain(&desk.token(&["--kid", "2026-1", "--audience", "a"]));
    assert!(left.stdout.contains(r#""kid":"2026-1""#), "{left:?}");
}

#[test]
fn what_is_signed_stays_as_it_was_written() {
    let desk = Desk::new(WHOLE);
    for (url, begin, end) in [
        ("/events/a", "/events/a?expires=", ""),
        ("/events/a?", "/events/a?expires=", ""),
        ("/events/a?last=1", "/events/a?last=1&expires=", ""),
        ("/events/a?last=1&", "/events/a?last=1&expires=", ""),
        ("http://h/x/events/a?last=1#end", "http://h/x/events/a?last=1&expires=", "#end"),
    ] {
        let left = desk.run(&["sign", url, "--key-file", "signing.key", "--expires", "1h"]);
        let signed = left.stdout.trim_end();
        assert!(signed.starts_with(begin) && signed.ends_with(end), "{url}: {left:?}");
        assert_eq!(signed.matches('#').count(), end.len().min(1), "{url}: {left:?}");
    }
}

#[test]
fn a_short_key_has_no_hash() {
    for (key, told) in
        [("0123456789abcdef01234\n", "has 21 characters, and needs 22 or more"), ("", "it is empty")]
    {
        let left = run_with_input(&["key", "--hash"], key.as_bytes());
        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{left:?}");
        assert!(left.stderr.contains(told), "{left:?}");
    }
    assert_eq!(run_with_input(&["key", "--hash"], b"0123456789abcdef012345").code, Some(0));
}

#[test]
fn the_presence_of_a_topic_can_be_signed_as_a_stream_asks_for_it() {
    let desk = Desk::new(WHOLE);
    let url = "/events?topic=orders/9&topic=tidings/presence/orders/9";
    let signed = desk.run(&["sign", url, "--config", "tidings.toml", "--expires", "1h"]).stdout;

    let hub = desk.hub();
    let mut stream = hub.subscribe(signed.trim_end());

    let told = stream.next().unwrap().unwrap();
    assert_eq!((told.event.as_str(), &told.data[..9]), ("tidings.presence", "{\"topic\":"));
}

#[test]
fn an_alias_is_signed_as_the_topic_that_it_stands_for() {
    let desk = Desk::new(&format!("[aliases]\n\"/live\" = \"orders/*\"\n{WHOLE}"));
    let signed = desk.run(&["sign", "/live", "--config", "tidings.toml", "--expires", "1h"]);
    assert_eq!(read(&desk.hub(), signed.stdout.trim_end(), None), 200, "{signed:?}");
}

#[test]
fn a_key_that_is_no_secret_and_a_name_that_is_none_sign_nothing_and_one_that_others_can_read_is_told() {
    let desk = Desk::new(WHOLE);
    desk.write("public.pem", &rcgen::KeyPair::generate().unwrap().public_key_pem());
    let sign = |more: &[&str]| desk.run(&[&["sign", "/events/a", "--expires", "1h"], more].concat());
    let long = "x".repeat(65);
    for (more, told) in [
        (&["--key-file", "public.pem"][..], "the key is in PEM, and must be a secret"),
        (&["--key-file", "signing.key", "--name", "a b"], "\"a b\" is no name of a key"),
        (&["--key-file", "signing.key", "--name", &long], "is no name of a key"),
        (&["--key-file", "signing.key", "--name", ""], "\"\" is no name of a key"),
    ] {
        let left = sign(more);
        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{left:?}");
        assert!(left.stderr.contains(told), "{left:?}");
    }
    fs::set_permissions(desk.path("signing.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let left = sign(&["--key-file", "signing.key"]);
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(left.stderr.starts_with("warning: other users of this machine can read signing.key"), "{left:?}");
}
