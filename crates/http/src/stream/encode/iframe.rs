//! A document without end, for a page that frames it: each document of JSON stands in an element of its own, and one script hands
//! them to the page.
//!
//! Nothing that is published can run here. The elements are blocks of data, which no browser executes, and the policy of the
//! document lets one script run, by its hash: that of the [prelude](prelude).

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use ring::digest::{SHA256, digest};
use tidings_core::presence::Notice;
use tidings_core::{Cursor, Gap, Transport};

use super::{Dialect, FirstBytes, Heartbeat, Opening, Whereabouts, words};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::presence::document;

/// Hands each block to the page, once it has come whole, and takes it out of the document, which would grow for ever. The line end
/// in a block is its last byte: the text of JSON has none. What else stands there is the space of probes, and the script itself.
const SCRIPT: &str = "\
(function () {
  var page = document.documentElement.getAttribute('data-page');
  function pass() {
    for (var node; (node = document.body.firstChild); document.body.removeChild(node)) {
      if (node.nodeName !== 'SCRIPT' || !node.type) continue;
      var text = node.textContent;
      if (text.charAt(text.length - 1) !== '\\n') return;
      parent.postMessage(JSON.parse(text), page);
    }
  }
  new MutationObserver(pass).observe(document.body, { childList: true, characterData: true, subtree: true });
})();
";

/// Browsers and programs that look for viruses hold back the beginning of a document, most of them up to 1 KiB.
const PADDING_BYTES: usize = 2_048;

/// Stands in the `script-src` of the document's policy.
pub(crate) static SCRIPT_HASH: LazyLock<String> =
    LazyLock::new(|| format!("sha256-{}", BASE64_STANDARD.encode(digest(&SHA256, SCRIPT.as_bytes()))));

/// The beginning of the document, before all that is said. `page` is the origin of the page that the documents are for.
pub(crate) fn prelude(page: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html data-page=\"{}\">\n<head><meta charset=\"utf-8\"><title>Events</title></head>\n<body>\
         <script>{SCRIPT}</script>\n<!--{:PADDING_BYTES$}-->\n",
        attribute(page),
        ""
    )
}

/// A document of JSON, with its line end, as a block.
pub(super) fn block(document: &[u8]) -> Vec<u8> {
    const BEGIN: &[u8] = b"<script type=\"application/json\">";
    const END: &[u8] = b"</script>\n";
    let mut block = Vec::with_capacity(BEGIN.len() + document.len() + END.len());
    block.extend_from_slice(BEGIN);
    escape(document, &mut block);
    block.extend_from_slice(END);
    block
}

/// Why there is no stream, and when to come back. The frame's page sees no status.
pub(crate) fn sent_away(problem: Problem, retry: Option<Duration>) -> Bytes {
    let retry = retry.map(|retry| said(words::come_back(retry))).unwrap_or_default();
    [said(words::error(problem)), retry].concat().into()
}

/// Writes text of JSON so that no parser of HTML finds anything in it, and no parser of JavaScript either. The characters stand in
/// strings alone, where JSON has another form for them.
fn escape(json: &[u8], escaped: &mut Vec<u8>) {
    let mut rest = json;
    // 0xE2 begins the line ends of Unicode, and other characters.
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'<' | b'>' | b'&' | 0xE2)) {
        let (before, from) = rest.split_at(at);
        escaped.extend_from_slice(before);
        let (taken, form): (usize, &[u8]) = match from {
            [b'<', ..] => (1, b"\\u003c"),
            [b'>', ..] => (1, b"\\u003e"),
            [b'&', ..] => (1, b"\\u0026"),
            [0xE2, 0x80, 0xA8, ..] => (3, b"\\u2028"),
            [0xE2, 0x80, 0xA9, ..] => (3, b"\\u2029"),
            _ => (1, &from[..1]),
        };
        escaped.extend_from_slice(form);
        rest = &from[taken..];
    }
    escaped.extend_from_slice(rest);
}

/// A text as the value of an attribute. An origin has none of these characters.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// `text/html`, for a page that frames it.
pub(super) struct Iframe;

impl Dialect for Iframe {
    fn content_type(&self) -> &'static str {
        "text/html; charset=utf-8"
    }

    fn transport(&self) -> Transport {
        Transport::Iframe
    }

    fn opening(&self, first: &FirstBytes<'_>, _: Opening) -> Bytes {
        words::opening(first).into_iter().map(said).collect::<Vec<_>>().concat().into()
    }

    fn open(&self, whereabouts: Whereabouts, _: Opening) -> Option<Bytes> {
        Some(said(words::open(whereabouts)))
    }

    fn cursor(&self, place: Cursor, _: Opening) -> Option<Bytes> {
        Some(said(words::cursor(place)))
    }

    fn heartbeat(&self, whereabouts: Whereabouts, _: Opening, _: bool, _: bool) -> Heartbeat {
        Heartbeat { bytes: said(words::heartbeat(whereabouts)), tells: true }
    }

    fn probe(&self) -> Bytes {
        // Space between two blocks, which the script takes out again.
        Bytes::from_static(b"\n")
    }

    fn gap(&self, gap: &Gap) -> Bytes {
        said(words::gap(gap))
    }

    fn presence(&self, notice: &Notice) -> Bytes {
        said(words::own_event("tidings.presence", &document::text(notice)))
    }

    fn expired(&self, _: Cursor, reason: &str) -> Bytes {
        said(words::error(Problem::new(ProblemType::InvalidCredentials, reason)))
    }

    fn farewell(&self, place: Cursor, retry: Duration) -> Bytes {
        said(words::farewell(place, retry))
    }
}

fn said(document: String) -> Bytes {
    block((document + "\n").as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidings_core::{Epoch, Lost, Sequence};

    use super::*;

    const PLACE: Cursor = Cursor { epoch: Epoch(36), sequence: Sequence(7) };

    fn text(bytes: impl AsRef<[u8]>) -> String {
        String::from_utf8(bytes.as_ref().to_vec()).unwrap()
    }

    /// What stands between the tags of a block.
    fn within(block: &str) -> &str {
        let inner = block.strip_prefix("<script type=\"application/json\">").unwrap();
        inner.strip_suffix("\n</script>\n").unwrap()
    }

    #[test]
    fn what_the_hub_says_is_exactly_these_blocks() {
        let gap = Gap { requested: "</script>".to_owned(), lost: Lost::Unknown, resumes_after: PLACE };

        assert_eq!(
            text(Iframe.gap(&gap)),
            "<script type=\"application/json\">{\"gap\":{\"requested\":\"\\u003c/script\\u003e\",\"reason\":\"unknown\",\
             \"resumes_after\":\"10-7\"}}\n</script>\n"
        );
        assert_eq!(within(&text(Iframe.cursor(PLACE, Opening::Nothing).unwrap())), "{\"cursor\":\"10-7\"}");
        assert_eq!(
            within(&text(Iframe.farewell(PLACE, Duration::from_millis(1_234)))),
            "{\"cursor\":\"10-7\",\"retry_ms\":1234}"
        );
        let away = text(sent_away(Problem::new(ProblemType::Ending, "a & b"), Some(Duration::from_secs(3))));
        assert!(away.contains("\"detail\":\"a \\u0026 b\"}}\n</script>\n<script"), "{away}");
        assert!(away.ends_with(">{\"retry_ms\":3000}\n</script>\n"), "{away}");
    }

    #[test]
    fn the_script_of_the_prelude_is_the_one_that_the_policy_lets_run() {
        let prelude = prelude("https://app.example");

        let (before, rest) = prelude.split_once("<script>").unwrap();
        let (script, after) = rest.split_once("</script>").unwrap();
        assert!(before.contains("<html data-page=\"https://app.example\">"), "{before}");
        let hash = BASE64_STANDARD.encode(digest(&SHA256, script.as_bytes()));
        assert_eq!(*SCRIPT_HASH, format!("sha256-{hash}"));
        assert!(after.len() > 2_048 && !after.contains("<script"), "{after}");
    }

    #[test]
    fn an_attribute_ends_where_it_should() {
        assert_eq!(attribute("a\"><b>&amp;"), "a&quot;>&lt;b>&amp;amp;");
    }

    proptest! {
        #[test]
        fn a_block_has_nothing_that_ends_it_early_and_says_the_same(
            parts in prop::collection::vec(prop_oneof![
                any::<String>(),
                "[<>&!/\\-\"'\\\\\u{0}\r\n\u{2026}\u{2028}\u{2029}\u{feff}\u{fffe}]{0,6}",
                prop::sample::select(vec!["</script>", "<!--", "-->", "<script", "]]>", "\u{85}", "&lt;"])
                    .prop_map(str::to_owned),
            ], 0..8)
        ) {
            let said = parts.concat();
            let json = serde_json::to_string(&said).unwrap() + "\n";

            let block = text(block(json.as_bytes()));

            let inner = within(&block);
            prop_assert!(!inner.contains(['<', '>', '&', '\n', '\r', '\0', '\u{2028}', '\u{2029}']), "{}", inner);
            prop_assert_eq!(serde_json::from_str::<String>(inner).unwrap(), said);
        }
    }
}
