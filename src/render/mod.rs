//! Turns finished reports into text. Knows nothing of sockets.

pub mod checkup;
pub mod expectations;
pub mod json;
pub mod ladder;
pub mod page;
pub mod pcapng;
pub mod picture;
mod sheet;
pub mod table;
pub mod trace;

use std::borrow::Cow;

use clap::ValueEnum;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs: schema 1
    Json,
}

/// How a report is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns at most.
    pub width: u16,
    /// Only ASCII characters.
    pub ascii: bool,
    /// With the picture above the table.
    pub ladder: bool,
    /// With the reason below the table.
    pub why: bool,
}

impl Look {
    /// Writes `text` so that it fits: in ASCII when only that may be used.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.ascii || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '…' => plain.push_str("..."),
                '−' | '–' => plain.push('-'),
                c if c.is_ascii() => plain.push(c),
                c => plain.extend(c.escape_unicode()),
            }
        }
        Cow::Owned(plain)
    }

    /// Breaks `text` into lines, all but the first under `indent`.
    pub fn wrap(&self, text: &str, indent: &str) -> String {
        let options = textwrap::Options::new(self.width.into()).subsequent_indent(indent).break_words(true);
        textwrap::fill(&self.text(text), options)
    }
}
