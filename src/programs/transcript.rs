//! The lines that the server and the client write, and the table at their end.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use crate::render::{RenderOptions, table};
use crate::vocabulary::{escaped, quoted};

/// Longest quotation of a payload on a line, in characters.
pub(super) const LONGEST_QUOTATION: usize = 60;

/// A payload for JSON: escaped, and all of it.
pub(super) fn whole(payload: &[u8]) -> String {
    escaped(payload, usize::MAX).0.into_owned()
}

/// Where the server or the client writes, line by line: sentences, or one JSON object a line.
pub struct Transcript<'a> {
    /// The output.
    pub out: &'a mut dyn Write,
    /// JSON instead of sentences.
    pub json: bool,
    /// How text is to look.
    pub options: RenderOptions,
    /// The words that call the program again.
    pub again: &'a str,
}

impl Transcript<'_> {
    pub(super) fn line(&mut self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) -> io::Result<()> {
        match self.json {
            false => writeln!(self.out, "{}", self.options.text(&text())),
            true => writeln!(self.out, "{}", json()),
        }
    }

    /// The message that is about to be sent, where nobody has typed it. In JSON it stands beside its answer.
    pub(super) fn message(&mut self, message: &[u8]) -> io::Result<()> {
        if !self.json {
            let message = quoted(message, LONGEST_QUOTATION);
            writeln!(self.out, "Msg: {}", self.options.text(&message))?;
        }
        self.out.flush()
    }

    pub(super) fn totals(&mut self, header: &'static str, totals: Vec<Total>) -> io::Result<()> {
        match self.json {
            false => {
                let rows: Vec<_> = totals.into_iter().map(|total| (total.name.to_owned(), total.text)).collect();
                write!(self.out, "\n{}", table::pairs([header, ""], &rows, self.options))
            }
            true => {
                let totals: serde_json::Map<_, _> =
                    totals.into_iter().map(|total| (total.key.replace(' ', "_"), total.json)).collect();
                writeln!(self.out, "{}", json!({ "totals": totals }))
            }
        }?;
        self.out.flush()
    }
}

/// One row of the table at the end: for people, and for programs.
pub(super) struct Total {
    pub(super) name: &'static str,
    /// The same for programs, which know it by the name that it had first.
    pub(super) key: &'static str,
    pub(super) text: String,
    pub(super) json: Value,
}

impl Total {
    pub(super) fn count(name: &'static str, count: impl Into<Value>) -> Self {
        let json = count.into();
        Total { name, key: name, text: json.to_string(), json }
    }

    pub(super) fn time(name: &'static str, time: Option<Duration>) -> Self {
        Total {
            name,
            key: name,
            text: time.map_or_else(|| "-".to_owned(), milliseconds),
            json: time.map_or(Value::Null, seconds),
        }
    }
}

/// As `ping` writes it: on loopback an answer takes some hundredths of a millisecond.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}

pub(super) fn seconds(time: Duration) -> Value {
    json!({ "seconds": time.as_secs_f64() })
}
