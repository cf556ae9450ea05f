//! Lists of names: origins of pages, and hosts. Neither has a comma in it, so a comma stands between two.

use super::value::{BadValue, Form, Value};

/// Which origins' pages may use the hub.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Origins {
    /// All.
    Any,
    /// These.
    Only(Vec<String>),
}

impl Value for Origins {
    const FORM: Form = Form::List;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let hint = "write scheme and host without anything after it, such as https://example.com, or * alone";
        match members(text) {
            members if members == ["*"] => Ok(Self::Any),
            members if members.iter().all(|member| is_origin(member)) => Ok(Self::Only(members)),
            _ => Err(BadValue::new("an origin", hint)),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Any => "*".to_owned(),
            Self::Only(origins) => origins.join(","),
        }
    }
}

/// Hosts that requests may ask for.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) struct HostNames(pub(crate) Vec<String>);

impl Value for HostNames {
    const FORM: Form = Form::List;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let members = members(text);
        if members.iter().all(|member| is_authority(member)) {
            return Ok(Self(members));
        }
        Err(BadValue::new("a host name", "write the name alone, such as hub.example.com"))
    }

    fn text(&self) -> String {
        self.0.join(",")
    }
}

fn members(text: &str) -> Vec<String> {
    match text {
        "" => Vec::new(),
        text => text.split(',').map(|member| member.trim().to_owned()).collect(),
    }
}

/// As a browser writes it: RFC 6454, 6.2.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, authority)| !scheme.is_empty() && is_authority(authority))
}

fn is_authority(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !text.is_empty() && text.bytes().all(legal)
}
