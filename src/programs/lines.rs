//! What the server writes while it runs: a line for each datagram.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;

use serde::Serialize;

use super::transcript::{LONGEST_QUOTATION, whole};
use crate::kernel::Stdout;
use crate::render::RenderOptions;
use crate::vocabulary::escaped;

/// How many bytes are kept at most until they are written.
const CAPACITY: usize = 64 * 1024;

/// A datagram that the server has received.
pub(super) struct Datagram<'a> {
    /// How many there have been, with this one.
    pub number: u64,
    /// Who sent it; nothing where the system did not say so.
    pub peer: Option<SocketAddr>,
    /// What was received of it.
    pub payload: &'a [u8],
    /// Whether the buffer was too short for it.
    pub cut: bool,
    /// Why it was not answered; nothing where it was.
    pub unanswered: Option<&'a str>,
}

/// The lines on standard output. They have no colours, so that no stream need read them again to take colours away.
pub(super) struct Lines {
    out: BufWriter<Stdout>,
    json: bool,
    options: RenderOptions,
    line: String,
}

impl Lines {
    /// Writes JSON objects, or sentences that look as asked.
    pub fn new(json: bool, options: RenderOptions) -> Self {
        Lines { out: BufWriter::with_capacity(CAPACITY, Stdout::lock()), json, options, line: String::new() }
    }

    /// Adds the line of a datagram.
    ///
    /// # Errors
    /// When nothing can be written any more.
    pub fn add(&mut self, datagram: &Datagram<'_>) -> io::Result<()> {
        self.line.clear();
        if self.json {
            self.line.push_str(&datagram.json()?);
        } else {
            datagram.describe(self.options, &mut self.line);
        }
        self.line.push('\n');
        self.out.write_all(self.line.as_bytes())
    }

    /// Writes the lines that are kept.
    ///
    /// # Errors
    /// When nothing can be written any more.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Datagram<'_> {
    fn describe(&self, options: RenderOptions, line: &mut String) {
        let length = self.payload.len();
        let plural = if length == 1 { "" } else { "s" };
        // Writing to a string does not fail.
        let _ = match self.peer {
            Some(peer) => write!(line, "{}  {peer}  {length} byte{plural}  ", self.number),
            None => write!(line, "{}    {length} byte{plural}  ", self.number),
        };
        let (payload, whole) = escaped(self.payload, LONGEST_QUOTATION);
        line.push('"');
        // What is escaped and only ASCII looks the same everywhere.
        if payload.is_ascii() {
            line.push_str(&payload);
        } else {
            line.push_str(&options.text(&payload));
        }
        if !whole {
            line.push_str(&options.text("…"));
        }
        line.push('"');
        if self.cut {
            line.push_str("  truncated by the buffer");
        }
        if let Some(reason) = self.unanswered {
            line.push_str("  not answered: ");
            line.push_str(&options.text(reason));
        }
    }

    fn json(&self) -> serde_json::Result<String> {
        /// The names in the order in which they are written.
        #[derive(Serialize)]
        struct Line<'a> {
            answered: bool,
            bytes: usize,
            cut: bool,
            datagram: u64,
            payload: String,
            peer: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<&'a str>,
        }

        serde_json::to_string(&Line {
            answered: self.unanswered.is_none(),
            bytes: self.payload.len(),
            cut: self.cut,
            datagram: self.number,
            payload: whole(self.payload),
            peer: self.peer.map(|peer| peer.to_string()).unwrap_or_default(),
            reason: self.unanswered,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::shortened;

    #[test]
    fn a_line_looks_as_if_all_of_it_were_text_of_the_same_kind() {
        let mut payloads: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
        for text in ["", "hello", "\"quoted\\", "h\u{e9}llo \u{4f60}", "\u{202e}\u{e000}\u{61c}\x1b[2J\r\n", "\u{2026}"]
        {
            payloads.push(text.as_bytes().to_vec());
            payloads.push(text.repeat(40).into_bytes());
        }
        let peer = SocketAddr::from(([127, 0, 0, 1], 9));
        for ascii in [false, true] {
            let options = RenderOptions { ascii, ..RenderOptions::everything(80) };
            for payload in &payloads {
                let datagram = Datagram {
                    number: 7,
                    peer: Some(peer),
                    payload,
                    cut: true,
                    unanswered: Some("no \u{2014} reason"),
                };
                let mut line = String::new();
                datagram.describe(options, &mut line);
                let bytes = crate::vocabulary::bytes(payload.len());
                let quoted = shortened(payload, LONGEST_QUOTATION);
                let text =
                    format!("7  {peer}  {bytes}  {quoted}  truncated by the buffer  not answered: no \u{2014} reason");
                assert_eq!(line, options.text(&text));
            }
        }
    }
}
