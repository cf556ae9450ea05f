//! Who may publish what, and who may read what: what a request shows, and the answer to it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod bad_input;

use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Map, Value, json};
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Position, Selector, UnixMillis};
use tidings_http::grants::jwt::{Algorithm, Key, Keys, Minting, Rules, Verifier, mint};
use tidings_http::grants::signed_url::{Signed, SigningKey};
use tidings_http::grants::{Access, Allowed, Grants, KeyHash, NamedKey, NamedKeys, Template};
use tidings_http::{
    AccessSettings, Asked, AskedAction, Authorizer, Body, Cors, Denied, Front, HttpConfig, Pages,
};
use tidings_testkit::deadline::within_an_hour;

/// The time of the clock, in seconds.
const NOW: u64 = 1_767_222_000;
const BACKEND: &str = "k-0123456789abcdef0123456789abcdef";
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const SIGNING: &[u8] = b"abcdef0123456789abcdef0123456789";
const APP: &str = "https://app.example";

fn selectors(texts: &[&str]) -> Vec<Selector> {
    texts.iter().map(|text| Selector::parse(text).unwrap()).collect()
}

fn allowed(texts: &[&str]) -> Allowed {
    Allowed::new(selectors(texts))
}

/// As in the configuration of the guide.
fn settings() -> AccessSettings {
    let rules = Rules {
        algorithms: vec![Algorithm::HS256],
        audience: vec!["tidings".to_owned()],
        issuer: Vec::new(),
        leeway_ms: 2_000,
        subscribe: vec![Template::parse("users/{sub}/**").unwrap()],
        publish: Vec::new(),
    };
    let everything = allowed(&["**"]);
    let backend =
        Grants { publish: everything.clone(), subscribe: everything, admin: true, ..Grants::default() };
    let access = Access {
        anonymous: Grants { subscribe: allowed(&["public/**"]), ..Grants::default() },
        keys: NamedKeys::new([NamedKey::new("backend", KeyHash::of(BACKEND.as_bytes()), backend)]),
        tokens: Some(Verifier::new(Keys::fixed(Key::secret(SECRET).unwrap()), rules)),
        signing: Some(SigningKey::new("default", SIGNING)),
    };
    AccessSettings { access, query: true, ..AccessSettings::default() }
}

async fn front_with(change: impl FnOnce(&mut HttpConfig)) -> Front {
    let clock = ManualClock::at(NOW * 1_000);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let mut config = HttpConfig::default();
    config.access = Some(Arc::new(settings()));
    change(&mut config);
    Front::new(hub, config, Pages::default(), clock)
}

async fn front() -> Front {
    front_with(|config| config.cors = Cors::Only(vec![APP.parse().unwrap()])).await
}

/// A token with these claims, those of every good one beside.
fn token(claims: Value) -> String {
    let mut all = json!({"sub": "u1", "aud": "tidings", "exp": NOW + 60});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let claims: &Map<String, Value> = all.as_object().unwrap();
    mint(&Minting::Secret(SECRET.to_vec()), Algorithm::HS256, None, claims).unwrap()
}

fn signature(method: &str, expires: u64, texts: &[&str]) -> String {
    let selectors = selectors(texts);
    SigningKey::new("default", SIGNING).sign(&Signed { method, expires, selectors: &selectors })
}

/// The answer to a request, whose headers are given as lines.
async fn send(front: &Front, request: &str, headers: &str) -> Response<Body> {
    let (method, target) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target).header("host", "hub.example");
    for line in headers.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    within_an_hour("an answer", front.handle(request.body("x".to_owned()).unwrap())).await
}

/// Its status, and for a refusal its type, its sentence and its challenge.
async fn told(front: &Front, request: &str, headers: &str) -> String {
    let response = send(front, request, headers).await;
    let status = response.status().as_u16();
    if status < 300 {
        return status.to_string();
    }
    let challenge = response.headers().get("www-authenticate");
    let challenge = challenge.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let body = within_an_hour("a body", response.into_body().collect()).await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&body).unwrap();
    let kind = problem["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let detail = problem["detail"].as_str().unwrap();
    for secret in [BACKEND, "0123456789abcdef", "eyJ"] {
        assert!(!format!("{detail}{challenge}").contains(secret), "{request}: {detail} {challenge}");
    }
    match challenge.split_once(' ') {
        None => format!("{status} {kind} {challenge}: {detail}"),
        Some((_, fields)) => {
            let error = fields.split('"').nth(1).unwrap();
            format!("{status} {kind} {error}: {detail}")
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_everybody_may_do_needs_nothing_and_all_else_needs_something() {
    let front = front().await;

    for request in [
        "GET /events/public/a",
        "HEAD /events/public/**",
        "GET /events?topic=public/a&topic=public/*",
        "GET /healthz",
    ] {
        assert_eq!(told(&front, request, "").await, "200", "{request}");
    }
    for (request, why) in [
        ("GET /events/orders/9", "subscribe does not cover `orders/9`"),
        ("GET /events/**", "subscribe does not cover `**`"),
        ("GET /events?topic=public/a&topic=orders/9", "subscribe does not cover `orders/9`"),
        ("POST /events/public/a", "publish does not cover `public/a`"),
        ("GET /metrics", "this is for those with the grant `admin`"),
    ] {
        let expected = format!(
            "401 credentials-required Bearer: for everybody, {why}; send a key or a token as `Authorization: Bearer`"
        );
        assert_eq!(told(&front, request, "").await, expected, "{request}");
        assert_eq!(told(&front, request, "accept: application/json").await, expected, "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_named_key_has_its_own_grants() {
    let front = front().await;
    let key = format!("authorization: Bearer {BACKEND}");

    for (request, status) in [
        ("GET /events/**", "200"),
        ("POST /events/orders/9", "201"),
        ("GET /metrics", "200"),
        ("GET /events/public/a", "200"),
    ] {
        assert_eq!(told(&front, request, &key).await, status, "{request}");
    }
    let unknown = "401 invalid-credentials invalid_token: this is no key of this hub";
    for shown in [&BACKEND[1..], &format!("{BACKEND}0"), "backend", "a.b"] {
        let header = format!("authorization: Bearer {shown}");
        // Also where everybody may read: it shows that something is set up wrongly.
        assert_eq!(told(&front, "GET /events/public/a", &header).await, unknown, "{shown}");
    }
    for (header, why) in [
        (
            "authorization: Basic YTpi",
            "`Authorization` has another scheme than Bearer; send `Authorization: Bearer KEY`",
        ),
        ("authorization: Bearer ", "there is no key behind Bearer; is a variable empty?"),
    ] {
        let expected = format!("401 invalid-credentials invalid_token: {why}");
        assert_eq!(told(&front, "GET /events/public/a", header).await, expected, "{header}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_gives_what_its_claims_say_and_what_every_user_has() {
    let front = front().await;
    let own = json!({"subscribe": ["orders/*"], "publish": ["orders/9"]});
    let good = format!("authorization: Bearer {}", token(json!({"tidings": own})));

    for (request, answer) in [
        ("GET /events/orders/9", "200"),
        ("GET /events/orders/*", "200"),
        ("GET /events/users/u1/**", "200"),
        ("GET /events/public/a", "200"),
        ("POST /events/orders/9", "201"),
        ("POST /events/orders/8", "403 not-covered insufficient_scope: publish does not cover `orders/8`"),
        ("GET /events/orders/**", "403 not-covered insufficient_scope: subscribe does not cover `orders/**`"),
        (
            "GET /events/users/u2/a",
            "403 not-covered insufficient_scope: subscribe does not cover `users/u2/a`",
        ),
        ("GET /events/users/*/a", "403 not-covered insufficient_scope: subscribe does not cover `users/*/a`"),
        // Decoded once: this is a topic of another.
        (
            "GET /events/users%2Fu2%2Fa",
            "403 not-covered insufficient_scope: subscribe does not cover `users/u2/a`",
        ),
        ("GET /events/users/u1%2Fa", "200"),
        ("GET /metrics", "403 not-covered insufficient_scope: this is for those with the grant `admin`"),
    ] {
        assert_eq!(told(&front, request, &good).await, answer, "{request}");
    }
    for (claims, why) in [
        (json!({"exp": NOW - 12}), "the token expired 12 s ago"),
        (json!({"nbf": NOW + 30}), "the token begins to hold in 30 s; perhaps a clock is wrong"),
        (json!({"exp": "soon"}), "the claim `exp` of the token is a number: seconds since 1970"),
        (
            json!({"aud": "other"}),
            "the token is not for this hub: its `aud` is \"other\", and tidings is expected",
        ),
        (json!({"aud": null}), "the token has no claim `aud`"),
    ] {
        let header = format!("authorization: Bearer {}", token(claims.clone()));
        let expected = format!("401 invalid-credentials invalid_token: {why}");
        assert_eq!(told(&front, "GET /events/users/u1/a", &header).await, expected, "{claims}");
    }
    // The clocks may differ by two seconds.
    let late = format!("authorization: Bearer {}", token(json!({"exp": NOW - 1})));
    assert_eq!(told(&front, "GET /events/users/u1/a", &late).await, "200");
}

#[tokio::test(start_paused = true)]
async fn one_thing_is_shown_at_a_time() {
    let front = front().await;
    let token = token(json!({}));
    let several = "400 several-credentials : the request shows two of these: `Authorization`, `access_token`, `signature`, \
                   `ticket`; \
                   send one of them";

    let in_url = format!("GET /events/users/u1/a?access_token={token}");
    assert_eq!(told(&front, &in_url, "").await, "200");
    assert_eq!(told(&front, &in_url, &format!("authorization: Bearer {token}")).await, several);
    let signed = format!("{in_url}&expires={}&key=default&signature=AAAA", NOW + 9);
    assert_eq!(told(&front, &signed, "").await, several);
    let twice = told(&front, &format!("{in_url}&access_token={token}"), "").await;
    assert_eq!(twice, "400 repeated-parameter : the parameter `access_token` may be given once");
    // A cookie is sent without being meant.
    let cookie = "cookie: tidings=bad";
    assert_eq!(told(&front, &in_url, cookie).await, "200");

    let closed = front_with(|config| {
        config.access = Some(Arc::new(AccessSettings { query: false, ..settings() }));
    });
    let refused = told(&closed.await, &in_url, "").await;
    let expected = "401 invalid-credentials invalid_token: this hub takes no token in the URL; send it as `Authorization: \
                    Bearer TOKEN`";
    assert_eq!(refused, expected);
}

#[tokio::test(start_paused = true)]
async fn a_cookie_counts_from_pages_that_the_operator_knows() {
    let front = front().await;
    let good = format!("cookie: a=b; tidings={}", token(json!({"tidings": {"publish": ["orders/9"]}})));
    let with = |more: &str| format!("{good}\n{more}");

    for more in [
        "origin: https://app.example",
        "origin: http://hub.example",
        "origin: https://hub.example:8443\nsec-fetch-site: same-origin",
        "sec-fetch-site: same-origin",
    ] {
        assert_eq!(told(&front, "GET /events/users/u1/a", &with(more)).await, "200", "{more}");
        assert_eq!(told(&front, "POST /events/orders/9", &with(more)).await, "201", "{more}");
    }
    assert_eq!(told(&front, "GET /events/users/u1/a", &good).await, "200");
    // Every browser says where something comes from that could change anything.
    let unnamed = told(&front, "POST /events/orders/9", &good).await;
    assert!(unnamed.starts_with("401 invalid-credentials invalid_token: publish does not cover `orders/9`; its cookie does not count"), "{unnamed}");
    let foreign = told(&front, "GET /events/users/u1/a", &with("origin: https://evil.example")).await;
    assert!(foreign.starts_with("403 origin-not-allowed"), "{foreign}");

    // A hub that every page may use without credentials.
    let any = front_with(|config| config.cors = Cors::Any).await;
    for request in ["GET /events/users/u1/a", "POST /events/orders/9"] {
        let foreign = told(&any, request, &with("origin: https://evil.example")).await;
        assert!(foreign.contains("its cookie does not count"), "{request}: {foreign}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_cookie_gives_what_everybody_has() {
    let front = front().await;
    let expired = format!("cookie: tidings={}", token(json!({"exp": NOW - 12})));

    assert_eq!(told(&front, "GET /events/public/a", &expired).await, "200");
    let refused = told(&front, "GET /events/users/u1/a", &expired).await;
    let expected = "401 invalid-credentials invalid_token: subscribe does not cover `users/u1/a`; its cookie gives nothing: the token \
                    expired 12 s ago";
    assert_eq!(refused, expected);
    let good = token(json!({}));
    let twice = format!("cookie: tidings={good}\ncookie: x=y; tidings=other");
    let refused = told(&front, "GET /events/users/u1/a", &twice).await;
    assert!(refused.contains("its cookie stands there twice"), "{refused}");
    let quoted = format!("cookie: tidings=\"{good}\"");
    assert_eq!(told(&front, "GET /events/users/u1/a", &quoted).await, "200");
    let other = format!("cookie: Tidings={good}");
    assert!(told(&front, "GET /events/users/u1/a", &other).await.starts_with("401 credentials-required"));
}

#[tokio::test(start_paused = true)]
async fn a_signature_covers_method_and_selectors_and_nothing_else() {
    let front = front().await;
    let expires = NOW + 3_600;
    let parameters = |signature: &str| format!("expires={expires}&key=default&signature={signature}");
    let one = parameters(&signature("GET", expires, &["orders/9"]));
    let both = parameters(&signature("GET", expires, &["orders/9", "users/u1/**"]));
    let post = parameters(&signature("POST", expires, &["orders/9"]));

    for (request, status) in [
        (format!("GET /events/orders/9?{one}"), "200"),
        (format!("HEAD /events/orders/9?{one}"), "200"),
        (format!("GET /events?topic=orders/9&{one}"), "200"),
        (format!("GET /events/orders%2F9?{one}&since=10m&opening=id"), "200"),
        (format!("GET /events?{both}&topic=users/u1/**&topic=orders/9"), "200"),
        (format!("POST /events/orders/9?{post}"), "201"),
    ] {
        assert_eq!(told(&front, &request, "").await, status, "{request}");
    }
    let bad = "401 invalid-credentials invalid_token: the signature is not that of the key";
    for request in [
        format!("GET /events/orders/8?{one}"),
        format!("GET /events/orders/*?{one}"),
        format!("GET /events?topic=orders/9&topic=orders/8&{one}"),
        format!("GET /events?topic=orders/9&{both}"),
        format!("POST /events/orders/9?{one}"),
        format!("GET /events/orders/9?{post}"),
        format!("GET /events/orders/9?{}", one.replace(&expires.to_string(), &(expires + 1).to_string())),
        format!("GET /events/orders/9?{one}="),
    ] {
        assert_eq!(told(&front, &request, "").await, bad, "{request}");
    }
    for (request, expected) in [
        (format!("GET /events/orders/9?{one}&x=1"), "400 unknown-parameter"),
        (format!("GET /events/orders/9?{one}&key=default"), "400 repeated-parameter"),
        (
            format!("GET /events/orders/9?{}", one.replace("key=default&", "")),
            "401 invalid-credentials invalid_token: a signed URL has",
        ),
        (
            format!("GET /events/orders/9?{}", one.replace("=default", "=other")),
            "401 invalid-credentials invalid_token: the token is signed by an unknown key (kid \"other\")",
        ),
        (
            format!("GET /events/orders/9?{}", one.replace("expires=", "expires=0")),
            "401 invalid-credentials invalid_token: `expires` is a time",
        ),
    ] {
        let answer = told(&front, &request, "").await;
        assert!(answer.starts_with(expected), "{request}: {answer}");
    }
    let past = NOW - 12;
    let over = format!(
        "GET /events/orders/9?expires={past}&key=default&signature={}",
        signature("GET", past, &["orders/9"])
    );
    assert_eq!(
        told(&front, &over, "").await,
        "401 invalid-credentials invalid_token: the signed URL expired 12 s ago"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_may_be_content_with_what_is_covered() {
    let front = front().await;
    let target = "GET /events?topic=public/a&topic=orders/9&topic=orders/*";

    let answer = send(&front, target, "").await;
    let body = within_an_hour("a body", answer.into_body().collect()).await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["uncovered"], json!(["orders/9", "orders/*"]));

    assert_eq!(told(&front, &format!("{target}&partial=true"), "").await, "200");
    let nothing = told(&front, "GET /events/orders/9?partial=true", "").await;
    assert!(nothing.starts_with("401 credentials-required"), "{nothing}");
    let bad = told(&front, "GET /events/public/a?partial=yes", "").await;
    assert_eq!(bad, "400 bad-partial : `partial` is `true` or `false`");

    // What is not covered does not come.
    let key = format!("authorization: Bearer {BACKEND}");
    for topic in ["public/a", "orders/9"] {
        send(&front, &format!("POST /events/{topic}"), &key).await;
    }
    let page = send(&front, &format!("{target}&partial=true"), "accept: application/json").await;
    // A page ends when its pieces were written, which to collect them would wait for.
    let page = within_an_hour("a page", page.into_body().frame()).await.unwrap().unwrap();
    let page = page.into_data().unwrap();
    let page: Value = serde_json::from_slice(&page).unwrap();
    let topics: Vec<_> =
        page["events"].as_array().unwrap().iter().map(|event| event["topic"].clone()).collect();
    assert_eq!(topics, [json!("public/a")]);
}

#[tokio::test(start_paused = true)]
async fn of_a_pattern_that_is_not_covered_the_granted_part_can_be_read() {
    let front = front().await;
    let key = format!("authorization: Bearer {BACKEND}");
    for topic in ["public/a", "orders/9", "orders/8", "secret/a", "inbox/u1"] {
        send(&front, &format!("POST /events/{topic}"), &key).await;
    }
    let token = token(json!({"tidings": {"subscribe": ["orders/9", "inbox/u1"]}}));
    let headers = format!("authorization: Bearer {token}\naccept: application/json");

    let page = send(&front, "GET /events?topic=**&partial=true", &headers).await;

    assert_eq!(page.status(), 200);
    let page = within_an_hour("a page", page.into_body().frame()).await.unwrap().unwrap();
    let page: Value = serde_json::from_slice(&page.into_data().unwrap()).unwrap();
    let topics: Vec<_> =
        page["events"].as_array().unwrap().iter().map(|event| event["topic"].clone()).collect();
    assert_eq!(topics, [json!("public/a"), json!("orders/9")]);
    let whole = told(&front, "GET /events?topic=**", &headers).await;
    assert!(whole.starts_with("403 not-covered"), "{whole}");
}

#[tokio::test(start_paused = true)]
async fn a_part_of_more_selectors_than_a_request_may_name_is_refused() {
    let front = front().await;
    let many: Vec<_> = (0..200).map(|number| format!("orders/{number}")).collect();
    let token = token(json!({"tidings": {"subscribe": many}}));

    let answer =
        told(&front, "GET /events?topic=orders/*&partial=true", &format!("authorization: Bearer {token}"))
            .await;

    assert!(answer.starts_with("400 bad-topics : what is covered of the topics is more than"), "{answer}");
}

/// A ticket for who shows this token.
async fn ticket(front: &Front, token: &str) -> String {
    let response = send(front, "POST /tickets", &format!("authorization: Bearer {token}")).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["cache-control"]),
        (201, &"no-store".parse().unwrap())
    );
    let body = within_an_hour("a ticket", response.into_body().collect()).await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["expires_in"], 30);
    answer["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_good_for_one_request() {
    let front = front().await;
    let token = token(json!({}));
    let first = ticket(&front, &token).await;
    let used = "401 invalid-credentials invalid_token: the ticket was used already; get another one for each request";

    // What is refused does not use it up.
    let uncovered = format!("GET /events/orders/9?ticket={first}");
    let refused = "403 not-covered insufficient_scope: subscribe does not cover `orders/9`";
    assert_eq!(told(&front, &uncovered, "").await, refused);
    let request = format!("GET /events/users/u1/a?ticket={first}");
    assert_eq!(told(&front, &request, "").await, "200");
    assert_eq!(told(&front, &request, "").await, used);

    // At the same instant, by the clients of two nodes.
    let second = ticket(&front, &token).await;
    let request = format!("GET /events/users/u1/a?ticket={second}");
    let mut config = HttpConfig::default();
    config.access = Some(Arc::new(settings()));
    let other = Front::new(front.hub().clone(), config, Pages::default(), ManualClock::at(NOW * 1_000));
    let answers =
        tokio::join!(told(&front, &request, ""), told(&other, &request, ""), told(&front, &request, ""));
    let answers = [answers.0, answers.1, answers.2];
    assert_eq!(answers.iter().filter(|answer| *answer == "200").count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| *answer == used).count(), 2, "{answers:?}");

    for (request, headers, answer) in [
        ("POST /tickets", "", "401 credentials-required Bearer: for everybody, there is no ticket; send a key or a token as `Authorization: Bearer`".to_owned()),
        ("GET /tickets", "", "405 method-not-allowed : this URL takes POST, OPTIONS".to_owned()),
        ("GET /events/users/u1/a?ticket=AAAA", "", "401 invalid-credentials invalid_token: this is no ticket of this hub".to_owned()),
    ] {
        assert_eq!(told(&front, request, headers).await, answer, "{request}");
    }
    let third = ticket(&front, &token).await;
    let again = told(&front, &format!("POST /tickets?ticket={third}"), "").await;
    assert_eq!(
        again,
        "401 invalid-credentials invalid_token: a ticket gives no other ticket; show a key or a token"
    );
    let open = front_with(|config| config.access = None).await;
    assert!(told(&open, "POST /tickets", "").await.starts_with("404 not-found"));
}

/// Lets a user of a header read what is below the user's name, and publish nothing.
struct ByHeader;

#[async_trait]
impl Authorizer for ByHeader {
    async fn authorize(&self, asked: &Asked<'_>) -> Result<Grants, Denied> {
        assert_eq!(asked.place.is_none(), asked.action == AskedAction::Publish);
        assert!(asked.place.is_none_or(|place| *place == Position::Now || *place == Position::Earliest));
        let user = asked.parts.headers.get("x-user").and_then(|user| user.to_str().ok());
        let user = user.ok_or_else(|| Denied::WhoAreYou("send X-User".to_owned()))?;
        if user == "mallory" {
            return Err(Denied::NotAllowed("mallory may nothing".to_owned()));
        }
        let subscribe = allowed(&[&format!("users/{user}/**")]);
        Ok(Grants {
            subscribe,
            user: Some(user.into()),
            until: Some(UnixMillis(u64::MAX)),
            ..Grants::default()
        })
    }
}

/// Knows an `Authorization` of its own, and otherwise what the hub knows.
struct ByAuthorization;

#[async_trait]
impl Authorizer for ByAuthorization {
    async fn authorize(&self, asked: &Asked<'_>) -> Result<Grants, Denied> {
        match asked.parts.headers.get("authorization").and_then(|value| value.to_str().ok()) {
            Some("Basic dTpw") => {
                Ok(Grants { subscribe: allowed(&["**"]), user: Some("u".into()), ..asked.who.clone() })
            }
            Some("Bearer down") => Err(Denied::CannotTell("come back later".to_owned())),
            _ => Ok(asked.who.clone()),
        }
    }

    fn reads_authorization(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_may_know_an_authorization_that_the_hub_does_not_know() {
    let front = front().await.with_authorizer(Arc::new(ByAuthorization));
    let expired = format!("authorization: Bearer {}", token(json!({"exp": NOW - 12})));

    for (request, headers, answer) in [
        ("GET /events/orders/9", "authorization: Basic dTpw", "200"),
        (
            "POST /events/orders/9",
            "authorization: Basic dTpw",
            "403 not-covered insufficient_scope: publish does not cover `orders/9`",
        ),
        ("GET /events/public/a", "authorization: Bearer other", "200"),
        (
            "GET /events/orders/9",
            "authorization: Bearer other",
            "401 invalid-credentials invalid_token: subscribe does not cover `orders/9`; this is no key of this hub",
        ),
        (
            "GET /events/public/a",
            "authorization: Bearer down\naccept: application/json",
            "503 access-unavailable : come back later",
        ),
        ("POST /events/public/a", "authorization: Bearer down", "503 access-unavailable : come back later"),
        // The hub can check it, and nobody else is asked.
        (
            "GET /events/public/a",
            expired.as_str(),
            "401 invalid-credentials invalid_token: the token expired 12 s ago",
        ),
    ] {
        assert_eq!(told(&front, request, headers).await, answer, "{request} with {headers:?}");
    }
    let in_url = told(&front, "GET /events/public/a?access_token=a.b.c", "").await;
    assert!(in_url.starts_with("401 invalid-credentials"), "{in_url}");
    // What is not known gives no ticket.
    let ticket = told(&front, "POST /tickets", "authorization: Basic dTpw").await;
    assert!(ticket.starts_with("401 invalid-credentials"), "{ticket}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_about_which_nobody_can_tell_is_told_when_to_come_back_and_all_else_is_refused() {
    let front = front().await.with_authorizer(Arc::new(ByAuthorization));
    let down = "authorization: Bearer down";

    let mut delays = Vec::new();
    for _ in 0..10 {
        let answer =
            send(&front, "GET /events/public/a", &format!("{down}\naccept: text/event-stream")).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["connection"], "close");
        assert!(!answer.headers().contains_key("retry-after"));
        let body = within_an_hour("a body", answer.into_body().collect()).await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        let delay = text.strip_prefix("retry: ").map(str::trim_end);
        delays.push(delay.and_then(|delay| delay.parse::<u64>().ok()).unwrap_or_else(|| panic!("{text:?}")));
    }
    assert!(delays.iter().all(|delay| (3_000..=6_500).contains(delay)), "{delays:?}");
    let first = delays[0];
    assert!(delays.iter().any(|delay| delay.abs_diff(first) > 500), "not all at once: {delays:?}");

    let head = send(&front, "HEAD /events/public/a", down).await;
    assert_eq!(head.status(), 503);
    assert_eq!(head.headers()["retry-after"], "2");
    let json = send(&front, "GET /events/public/a", &format!("{down}\naccept: application/json")).await;
    assert_eq!(json.status(), 503);
    assert_eq!(json.headers()["retry-after"], "2");
    let metrics = send(&front, "GET /metrics", &format!("authorization: Bearer {BACKEND}")).await;
    let metrics = within_an_hour("a body", metrics.into_body().collect()).await.unwrap().to_bytes();
    let metrics = String::from_utf8_lossy(&metrics);
    assert!(metrics.contains("refused_total{reason=\"access-unavailable\"} 12\n"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn a_program_decides_by_what_the_hub_has_read() {
    let front = front_with(|config| config.access = None).await.with_authorizer(Arc::new(ByHeader));

    for (request, headers, answer) in [
        ("GET /events/users/alice/a", "x-user: alice", "200"),
        ("GET /events/users%2Falice%2Fa", "x-user: alice", "200"),
        ("GET /events?topic=users/alice/a&topic=users/alice/b", "x-user: alice", "200"),
        ("GET /events/users/alice/a", "x-user: alice\naccept: application/json", "200"),
        (
            "GET /events/users/bob/a",
            "x-user: alice",
            "403 not-covered insufficient_scope: subscribe does not cover `users/bob/a`",
        ),
        (
            "GET /events?topic=users/alice/a&topic=users/bob/a",
            "x-user: alice",
            "403 not-covered insufficient_scope: subscribe does not cover `users/bob/a`",
        ),
        (
            "POST /events/users/alice/a",
            "x-user: alice",
            "403 not-covered insufficient_scope: publish does not cover `users/alice/a`",
        ),
        ("GET /events/users/alice/a", "", "401 invalid-credentials invalid_token: send X-User"),
        (
            "GET /events/users/mallory/a",
            "x-user: mallory",
            "403 not-covered insufficient_scope: mallory may nothing",
        ),
    ] {
        assert_eq!(told(&front, request, headers).await, answer, "{request} with {headers:?}");
    }
    let twice = told(&front, "GET /events/users/alice/a?topic=users/bob/a", "x-user: alice").await;
    assert!(twice.starts_with("400 topics-twice"), "{twice}");
}

/// They were told that their tokens are bad, and asked their users to sign in.
#[tokio::test(start_paused = true)]
async fn while_the_keys_of_the_issuer_have_not_come_nobody_can_say_what_a_token_gives() {
    let front = front_with(|config| {
        let mut settings = settings();
        let rules = Rules {
            algorithms: vec![Algorithm::HS256],
            audience: Vec::new(),
            issuer: Vec::new(),
            leeway_ms: 0,
            subscribe: Vec::new(),
            publish: Vec::new(),
        };
        settings.access.tokens = Some(Verifier::new(Keys::awaited(), rules));
        config.access = Some(Arc::new(settings));
    })
    .await;
    let answer = async |request: &str, header: &str, value: String| {
        let (method, target) = request.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(target).header("host", "localhost");
        let request = request.header(header, value).header("accept", "application/json");
        let request = request.body("x".to_owned()).unwrap();
        within_an_hour("an answer", front.handle(request)).await
    };
    let bearer = format!("Bearer {}", token(json!({})));
    let cookie = format!("tidings={}", token(json!({})));

    for (request, header, value, status) in [
        ("GET /events/users/u1/a", "authorization", &bearer, 503),
        ("POST /events/users/u1/a", "authorization", &bearer, 503),
        ("GET /events/users/u1/a", "cookie", &cookie, 503),
        ("GET /events/public/a", "cookie", &cookie, 200),
    ] {
        let response = answer(request, header, value.clone()).await;
        assert_eq!(response.status(), status, "{request} by {header}");
        assert_eq!(response.headers().contains_key("retry-after"), status == 503, "{request} by {header}");
    }
}
