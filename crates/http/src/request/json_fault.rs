//! What is wrong with a JSON document, in a sentence that names the member. The parser's own words name its place alone.

use serde_json::error::Category;

use crate::access::shown::shown;
use crate::limits::JSON_FAULT_CHARS_MAX;

/// Tells a fault of the value at a path such as `users[17]`; the document itself is at `.`.
pub(crate) fn told(path: &str, error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let fault = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    let place = format!("line {line}, column {column}");
    match error.classify() {
        Category::Data => format!("{} ({place})", of_member(path, fault)),
        Category::Syntax | Category::Eof | Category::Io => {
            // The parser shows nothing of the text here.
            format!("the body is no JSON: {} ({place})", cut(fault))
        }
    }
}

/// A fault of a value that is JSON, and not what it must be.
fn of_member(path: &str, fault: &str) -> String {
    let own = if path == "." { "the body".to_owned() } else { format!("`{}`", shown(path.as_bytes())) };
    let below = |name: &str| match path {
        "." => format!("`{}`", shown(name.as_bytes())),
        // The path may end in the name already.
        path if path == name || path.strip_suffix(name).is_some_and(|above| above.ends_with('.')) => {
            format!("`{}`", shown(path.as_bytes()))
        }
        path => format!("`{}.{}`", shown(path.as_bytes()), shown(name.as_bytes())),
    };
    if let Some(name) = fault.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return format!("{} is missing", below(name));
    }
    if let Some(name) = fault.strip_prefix("duplicate field `").and_then(|rest| rest.strip_suffix('`')) {
        return format!("{} stands twice", below(name));
    }
    // What came is between the two, and may have the same words in it.
    if let Some((name, known)) =
        fault.strip_prefix("unknown field `").and_then(|rest| rest.rsplit_once("`, expected "))
    {
        let known = known.trim_start_matches("one of ");
        return format!("{} is no member that is known here; known are {known}", below(name));
    }
    let wrong = fault.strip_prefix("invalid type: ").or(fault.strip_prefix("invalid value: "));
    if let Some((came, wanted)) = wrong.and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!("{own} is {}, and must be {}", kind(came), wish(wanted));
    }
    format!("{own} {}", cut(fault))
}

/// What came, in words of JSON.
fn kind(came: &str) -> String {
    match came {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        "null" => "null".to_owned(),
        _ => match came.split_once(' ') {
            Some(("integer" | "floating", number)) => {
                format!("the number {}", number.trim_start_matches("point ").replace('`', ""))
            }
            Some(("boolean", value)) => value.replace('`', ""),
            Some(("string", text)) => {
                let text = text.trim_matches('"');
                format!("the text \"{}\"", shown(text.as_bytes()))
            }
            _ => cut(came),
        },
    }
}

/// What must be there, in words of JSON.
fn wish(wanted: &str) -> &str {
    match wanted {
        "a string" => "a text",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

fn cut(text: &str) -> String {
    text.chars().take(JSON_FAULT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::request::body_document::{Object, object};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its faults are looked at")]
    struct Outer {
        names: Vec<String>,
        inner: Option<Object<Inner>>,
        flag: Option<bool>,
        number: Option<u64>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its faults are looked at")]
    struct Inner {
        title: Box<str>,
        data: Option<Box<serde_json::value::RawValue>>,
    }

    fn fault(body: &str) -> String {
        object::<Outer>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_fault_names_the_member_and_what_it_is_and_must_be() {
        for (body, told) in [
            (r#"{"names":["a",5]}"#, "`names[1]` is the number 5, and must be a text"),
            (r#"{"names":["a",-1.5]}"#, "`names[1]` is the number -1.5, and must be a text"),
            (r#"{"names":["a",null]}"#, "`names[1]` is null, and must be a text"),
            (r#"{"names":["a",{}]}"#, "`names[1]` is an object, and must be a text"),
            (r#"{"names":"a"}"#, "`names` is the text \"a\", and must be a list"),
            (r#"{"names":[],"flag":"yes"}"#, "`flag` is the text \"yes\", and must be true or false"),
            (r#"{"names":[],"inner":["t",null]}"#, "`inner` is a list, and must be an object"),
            (r#"{"names":[],"inner":{}}"#, "`inner.title` is missing"),
            (r#"{"names":[],"inner":{"title":true}}"#, "`inner.title` is true, and must be a text"),
            ("{}", "`names` is missing"),
            (r#"{"names":[],"names":[]}"#, "`names` stands twice"),
            (
                r#"{"namse":[]}"#,
                "`namse` is no member that is known here; known are `names`, `inner`, `flag`, `number`",
            ),
            ("", "the body is empty, and must be a JSON object"),
            (" [1]", "the body begins with `[1]`, and must be a JSON object"),
            (
                "title=a&body=long and longer",
                "the body begins with `title=a&body=long an`, and must be a JSON object",
            ),
            ("{", "the body is no JSON: EOF while parsing an object"),
            (r#"{"names":[],}"#, "the body is no JSON: trailing comma"),
            (r#"{"names":[]} x"#, "the body is no JSON: trailing characters"),
        ] {
            let fault = fault(body);
            assert_eq!(fault.split(" (line 1, column ").next(), Some(told), "{body}");
        }
        assert_eq!(
            fault("{\n\"names\": 5}"),
            "`names` is the number 5, and must be a list (line 2, column 10)"
        );
        assert!(object::<Outer>(br#"{"names":[],"inner":{"title":"t","data":{"a":[1.0]}}}"#).is_ok());
    }

    #[test]
    fn what_came_is_shown_escaped_and_cut() {
        let long = "x".repeat(10_000);
        for body in [
            "{\"a\\u001b[31m\\nb\u{202e}\":1}".to_owned(),
            format!("{{\"{long}\":1}}"),
            format!("{{\"names\":\"{long}\"}}"),
            "{\"names\":\"\\u001b\u{202e}\\r\\n\"}".to_owned(),
            format!("\u{1b}[31m{long}"),
            "{\"names\":[\"\u{1}\"]}".to_owned(),
        ] {
            let told = fault(&body);
            assert!(told.len() < 1_000, "{told}");
            assert!(told.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{told}");
        }
        // The words of a fault in a name are a name.
        let told = fault(r#"{"a`, expected `b":1}"#);
        assert!(told.starts_with("`a`, expected `b` is no member"), "{told}");
    }
}
