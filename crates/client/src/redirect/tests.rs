use http::HeaderValue;

use super::*;

fn hop(url: &str) -> Hop {
    Hop { url: Url::parse(url).unwrap(), method: Method::GET, headers: HeaderMap::new(), body: Bytes::new() }
}

fn target(from: &str, location: &'static str) -> Option<Result<String, RedirectError>> {
    let headers = [(header::LOCATION, HeaderValue::from_static(location))].into_iter().collect();
    let target = hop(from).target(StatusCode::FOUND, &headers)?;
    Some(target.map(String::from))
}

fn post_with_secrets() -> Hop {
    let mut hop = hop("https://a.test/events");
    hop.method = Method::POST;
    hop.body = Bytes::from_static(b"{}");
    let mut key = HeaderValue::from_static("k");
    key.set_sensitive(true);
    for (name, value) in [
        (header::AUTHORIZATION, HeaderValue::from_static("Bearer x")),
        (header::COOKIE, HeaderValue::from_static("a=b")),
        (HeaderName::from_static("x-api-key"), key),
        (HeaderName::from_static("x-plain"), HeaderValue::from_static("p")),
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
    ] {
        hop.headers.insert(name, value);
    }
    hop
}

fn names(hop: &Hop) -> Vec<&str> {
    let mut names: Vec<&str> = hop.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

fn gone_to(url: &str, status: u16) -> Hop {
    let mut hop = post_with_secrets();
    hop.go_to(Url::parse(url).unwrap(), StatusCode::from_u16(status).unwrap());
    hop
}

#[test]
fn a_location_is_resolved_against_the_url_that_answered() {
    let from = "http://a.test:8080/x/y?q=1";

    assert_eq!(target(from, "z"), Some(Ok("http://a.test:8080/x/z".into())));
    assert_eq!(target(from, "/z"), Some(Ok("http://a.test:8080/z".into())));
    assert_eq!(target(from, "//b.test/z"), Some(Ok("http://b.test/z".into())));
    assert_eq!(target(from, ""), Some(Ok(from.into())));
}

#[test]
fn an_answer_without_location_or_of_another_status_is_no_redirect() {
    let location: HeaderMap = [(header::LOCATION, HeaderValue::from_static("/z"))].into_iter().collect();

    assert_eq!(hop("http://a.test/").target(StatusCode::FOUND, &HeaderMap::new()), None);
    for status in [StatusCode::OK, StatusCode::NOT_MODIFIED, StatusCode::MULTIPLE_CHOICES] {
        assert_eq!(hop("http://a.test/").target(status, &location), None);
    }
}

#[test]
fn a_location_outside_of_http_is_refused() {
    let from = "http://a.test/";

    assert_eq!(target(from, "ftp://a.test/"), Some(Err(RedirectError::Scheme { scheme: "ftp".into() })));
    assert_eq!(target(from, "http://u:p@a.test/"), Some(Err(RedirectError::Credentials)));
    assert_eq!(target(from, "http://["), Some(Err(RedirectError::Location)));
}

#[test]
fn secrets_stay_within_their_origin() {
    for elsewhere in ["https://b.test/", "https://a.test:444/", "http://a.test/events"] {
        assert_eq!(names(&gone_to(elsewhere, 307)), ["content-type", "x-plain"], "{elsewhere}");
    }
    assert_eq!(names(&gone_to("https://a.test:443/other", 307)).len(), 5);
}

#[test]
fn secrets_that_were_dropped_do_not_come_back() {
    let mut hop = gone_to("https://b.test/", 307);

    hop.go_to(Url::parse("https://a.test/").unwrap(), StatusCode::TEMPORARY_REDIRECT);

    assert_eq!(names(&hop), ["content-type", "x-plain"]);
}

#[test]
fn method_and_body_survive_307_and_308_only() {
    let after = |status| {
        let hop = gone_to("https://a.test/other", status);
        (hop.method.to_string(), hop.body.len(), hop.headers.contains_key(header::CONTENT_TYPE))
    };

    for status in [301, 302, 303] {
        assert_eq!(after(status), ("GET".into(), 0, false), "{status}");
    }
    for status in [307, 308] {
        assert_eq!(after(status), ("POST".into(), 2, true), "{status}");
    }
}

#[test]
fn a_publish_keeps_its_data_and_its_key_or_does_not_follow() {
    let go_on = |url: &str, status: u16| {
        let mut hop = post_with_secrets();
        let status = StatusCode::from_u16(status).unwrap();
        hop.go_on_to(Url::parse(url).unwrap(), status)
            .map(|()| (hop.method.to_string(), hop.body, hop.headers.len()))
    };

    for status in [307, 308] {
        let followed = Ok(("POST".to_owned(), Bytes::from_static(b"{}"), 5));
        assert_eq!(go_on("https://a.test:443/other", status), followed, "{status}");
        for elsewhere in ["https://b.test/", "https://a.test:444/", "http://a.test/events"] {
            assert_eq!(go_on(elsewhere, status), Err(RedirectError::Origin), "{elsewhere}");
        }
    }
    for status in [301, 302, 303] {
        assert_eq!(go_on("https://a.test/other", status), Err(RedirectError::Method), "{status}");
    }
}

#[test]
fn a_publish_without_a_key_follows_to_another_origin() {
    let mut hop = hop("http://a.test/events");
    hop.method = Method::POST;
    hop.body = Bytes::from_static(b"{}");

    let followed = hop.go_on_to(Url::parse("https://a.test/events").unwrap(), StatusCode::PERMANENT_REDIRECT);

    assert_eq!((followed, hop.url.as_str(), hop.body.len()), (Ok(()), "https://a.test/events", 2));
}

#[test]
fn a_publish_without_a_key_does_not_leave_https() {
    let mut hop = hop("https://a.test/events");
    hop.method = Method::POST;

    for elsewhere in ["http://a.test/events", "http://b.test/"] {
        let refused = hop.go_on_to(Url::parse(elsewhere).unwrap(), StatusCode::PERMANENT_REDIRECT);
        assert_eq!(refused, Err(RedirectError::Clear), "{elsewhere}");
    }
    let followed = hop.go_on_to(Url::parse("https://b.test/").unwrap(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(followed, Ok(()));
}
