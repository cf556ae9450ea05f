//! An item as people read it: state, id, time, kind and title in columns, and below it what else it says.
//!
//! Its texts are a stranger's, so nothing in them moves a cursor or turns the direction of writing.

use serde::Deserialize;

use crate::terminal::chain::visible;

/// What people are shown of an item.
#[derive(Debug, Deserialize)]
pub(super) struct ShownItem {
    id: String,
    title: String,
    body: Option<String>,
    link: Option<String>,
    kind: Option<String>,
    time: String,
    read: bool,
    seen: bool,
    archived: bool,
}

/// ANSI: bold, dim, cyan, and back to normal.
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const CYAN: &str = "\x1b[36m";
const NORMAL: &str = "\x1b[0m";

/// The lines of a page, whose columns are as wide as they need to be.
pub(super) fn lines(items: &[ShownItem], color: bool) -> String {
    let rows: Vec<_> = items.iter().map(ShownItem::columns).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let paint = |paint, text: String| if color { format!("{paint}{text}{NORMAL}") } else { text };
    let mut text = String::new();
    for (item, row) in items.iter().zip(&rows) {
        for ((column, width), style) in row.iter().zip(widths).zip([DIM, DIM, DIM, CYAN]) {
            if width > 0 {
                text += &paint(style, format!("{column:width$}  "));
            }
        }
        let title = visible(&item.title);
        text += &if item.read { title } else { paint(BOLD, title) };
        text.push('\n');
        for line in item.below() {
            text += &format!("    {}\n", paint(DIM, line));
        }
    }
    text
}

impl ShownItem {
    fn columns(&self) -> [String; 4] {
        let state = match self {
            Self { archived: true, .. } => "archived",
            Self { read: true, .. } => "read",
            Self { seen: true, .. } => "seen",
            _ => "new",
        };
        // To the second; the rest is for programs.
        let time = match self.time.split_once('T') {
            Some((date, clock)) => format!("{date} {}Z", clock.split(['.', 'Z']).next().unwrap_or_default()),
            None => self.time.clone(),
        };
        [
            state.to_owned(),
            visible(&self.id),
            visible(&time),
            visible(self.kind.as_deref().unwrap_or_default()),
        ]
    }

    /// Body and link.
    fn below(&self) -> impl Iterator<Item = String> {
        let body = self.body.iter().flat_map(|body| body.lines());
        body.chain(self.link.as_deref()).map(visible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(title: &str) -> ShownItem {
        ShownItem {
            id: "1k3f-40".to_owned(),
            title: title.to_owned(),
            body: None,
            link: None,
            kind: None,
            time: "2026-11-27T19:02:11.123Z".to_owned(),
            read: false,
            seen: false,
            archived: false,
        }
    }

    #[test]
    fn items_stand_in_columns_and_what_they_say_below() {
        let kind = Some("sale".to_owned());
        let read = ShownItem { id: "1k3f-9".to_owned(), read: true, kind, ..item("b") };
        let body = Some("one\ntwo".to_owned());
        let archived = ShownItem { archived: true, body, link: Some("/orders/9".to_owned()), ..item("c") };

        let text = lines(&[item("a"), read, archived], false);

        let expected = "new       1k3f-40  2026-11-27 19:02:11Z        a
read      1k3f-9   2026-11-27 19:02:11Z  sale  b
archived  1k3f-40  2026-11-27 19:02:11Z        c
    one
    two
    /orders/9
";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_a_stranger_writes_moves_no_cursor() {
        let body = Some("x\u{1b}[2Jy\rz\u{202e}".to_owned());
        let kind = Some("\u{9b}31m".to_owned());

        let text = lines(&[ShownItem { body, kind, ..item("<b>\u{1b}]0;t\u{7}") }], true);

        let ours = [BOLD, DIM, CYAN, NORMAL].iter().fold(text, |text, code| text.replace(code, ""));
        assert!(ours.contains("<b>\\u{1b}]0;t\\u{7}"), "{ours}");
        assert!(!ours.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{ours:?}");
    }
}
