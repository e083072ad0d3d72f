//! Turns finished reports into text. Knows nothing of sockets.

mod arrivals;
pub mod csv;
pub mod expectations;
mod fold;
pub mod found;
pub mod glossary;
pub mod html;
pub mod json;
mod label;
pub mod ladder;
pub mod markdown;
mod markup;
pub mod page;
pub mod pcapng;
mod phrases;
pub mod picture;
pub mod plain;
pub(crate) mod rounds;
mod screen;
mod sentences;
pub(crate) mod sheet;
mod side_by_side;
mod svg;
pub mod systems;
pub mod table;
pub mod trace;

use std::borrow::Cow;

use clap::ValueEnum;
use textwrap::core::display_width;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

pub(crate) use self::phrases::each_once;
pub(crate) use self::sheet::BOLD;
use crate::vocabulary::{Machine, Report, Tally, escape_but};

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// Lines `key: value`, for screen readers and grep
    Plain,
    /// For web pages and notes, the picture as a Mermaid diagram
    Markdown,
    /// For programs: schema 1
    Json,
    /// For spreadsheets: a line for each row
    Csv,
}

impl Format {
    /// What a run left, in this format.
    pub fn reports(self, results: &Results<'_>) -> String {
        match self {
            Format::Table => table::reports(results),
            Format::Plain => plain::reports(results),
            Format::Markdown => markdown::reports(results),
            Format::Json => json::reports(results),
            Format::Csv => csv::reports(results),
        }
    }
}

/// Writes what a run left into the bytes of a file.
pub type FileFormat = fn(&Results<'_>) -> Vec<u8>;

/// What files can hold: the ending, and who writes it. A new kind of file is one line here.
pub const FILE_FORMATS: &[(&str, FileFormat)] = &[
    ("md", |results| markdown::reports(results).into_bytes()),
    ("json", |results| json::reports(results).into_bytes()),
    ("csv", |results| csv::reports(results).into_bytes()),
    ("html", |results| html::reports(results).into_bytes()),
    ("txt", |results| {
        let options = RenderOptions { why: true, detail: Detail::Full, ..results.options };
        without_colour(&table::reports(&Results { options, ..*results })).into_bytes()
    }),
    ("pcapng", |results| results.reports.iter().flat_map(pcapng::capture).collect()),
];

fn without_colour(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// What a run left: the same for every format.
#[derive(Clone, Copy)]
pub struct Results<'a> {
    /// The lessons that ran.
    pub reports: &'a [Report],
    /// The machine they ran on.
    pub host: &'a Machine,
    /// How people want to see them.
    pub options: RenderOptions,
    /// The program as it was called.
    pub invocation: &'a Invocation,
    /// The arguments that make it run its one lesson again.
    pub arguments: &'a [String],
    /// With every call below the table.
    pub trace: bool,
}

/// The name of the program: written pages call it by that.
pub(crate) const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// The words that call the program, for a shell.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// As it was called: by its name, by its path, or `cargo run --`.
    pub again: String,
    /// Its name or its path, for another program to start it.
    pub path: String,
}

impl Default for Invocation {
    /// By its name.
    fn default() -> Self {
        Invocation { again: PROGRAM.to_owned(), path: PROGRAM.to_owned() }
    }
}

impl Results<'_> {
    /// The verdicts of several lessons together; one lesson speaks for itself.
    fn sum(&self) -> Option<Tally> {
        (self.reports.len() > 1).then(|| self.reports.iter().map(Report::tally).sum())
    }
}

/// How a report is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// Columns at most.
    pub width: u16,
    /// Only ASCII characters.
    pub ascii: bool,
    /// With the picture above the table.
    pub ladder: bool,
    /// With the reason below the table.
    pub why: bool,
    /// How much of a report is shown.
    pub detail: Detail,
    /// CSV begins with a byte-order mark.
    pub byte_order_mark: bool,
}

/// How much of a report a table shows. Every other format has everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The question, the ladder of the scene that answers it, the answer, and its rows.
    Answer,
    /// Every scene with its ladder and all its rows.
    Scenes,
    /// As for scenes, with end markers, sources and the command that checks the run from outside.
    Full,
}

impl RenderOptions {
    /// All there is to show, in so many columns of UTF-8.
    pub const fn everything(columns: u16) -> Self {
        RenderOptions {
            width: columns,
            ascii: false,
            ladder: true,
            why: true,
            detail: Detail::Full,
            byte_order_mark: false,
        }
    }

    /// Writes `text` so that it fits: in ASCII when only that may be used, and nothing that acts on a terminal but the
    /// end of a line.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = escape_but(text, |c| c == '\n');
        if !self.ascii || text.is_ascii() {
            return text;
        }
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                c if c.is_ascii() => plain.push(c),
                '…' => plain.push_str("..."),
                '−' | '–' => plain.push('-'),
                c => plain.extend(c.escape_unicode()),
            }
        }
        Cow::Owned(plain)
    }

    /// As [`text`](Self::text), and on one line.
    pub fn line(&self, text: &str) -> String {
        self.text(text).replace('\n', " ")
    }

    /// Breaks `text` into lines, all but the first under `indent`.
    pub fn wrap(&self, text: &str, indent: &str) -> String {
        let options = textwrap::Options::new(self.width.into()).subsequent_indent(indent);
        let options = options.word_splitter(textwrap::WordSplitter::NoHyphenation);
        let parts: Vec<String> = text.split(GLUE).map(|part| self.line(part)).collect();
        let room = usize::from(self.width).saturating_sub(indent.len());
        // What is kept together and fits no line breaks at its blanks rather than in a word.
        let fitting = |word: &str| if display_width(word) > room { word.replace(GLUE, " ") } else { word.to_owned() };
        let words: Vec<String> = parts.join(GLUE).split(' ').map(fitting).collect();
        textwrap::fill(&words.join(" "), options).replace(GLUE, " ")
    }
}

/// The columns of `text` on a terminal, each grapheme by itself, as it is drawn there.
fn columns_of(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// A blank at which [`RenderOptions::wrap`] breaks no line.
const GLUE: &str = "\u{a0}";

/// Words that stay on one line where they are wrapped: a command, a number with its name.
fn together(words: &str) -> String {
    words.replace(' ', GLUE)
}
