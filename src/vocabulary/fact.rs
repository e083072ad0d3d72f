//! What was observed, or is expected to be, with its type; and the one way to write it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;

use super::OsError;
use super::text::{EscapeState, push_escaped};

/// Longest quotation of a payload, in characters; what is longer is shortened and its length given.
const LONGEST_QUOTATION: usize = 40;

/// One typed observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// There was nothing: no datagram, no error.
    Nothing,
    /// A number of things.
    Count(u64),
    /// A payload.
    Bytes(Vec<u8>),
    /// A word or a name.
    Text(String),
    /// A time span.
    Duration(Duration),
    /// The system's error.
    Error(OsError),
    /// This was seen, and it would be no evidence against a claim: a call failed for want of something that has nothing
    /// to do with it, or what had to prove an absence did not come. It is what was expected, or the row is skipped.
    Unproved {
        /// What was seen.
        seen: Box<Fact>,
        /// Why it proves nothing.
        why: String,
    },
}

impl Fact {
    /// This fact, seen where it proves nothing, and why.
    pub fn unproved(self, why: impl Into<String>) -> Fact {
        Fact::Unproved { seen: Box::new(self), why: why.into() }
    }

    /// The items, with `separator` between them; nothing where there are none.
    pub fn list<T: ToString>(items: impl IntoIterator<Item = T>, separator: &str) -> Fact {
        let words: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
        if words.is_empty() { Fact::Nothing } else { Fact::Text(words.join(separator)) }
    }

    /// Several facts as one, with `separator` between them. It proves no more than each of them does.
    pub fn joined(facts: impl IntoIterator<Item = Fact>, separator: &str) -> Fact {
        let facts: Vec<Fact> = facts.into_iter().collect();
        let why = facts.iter().find_map(|fact| match fact {
            Fact::Unproved { why, .. } => Some(why.clone()),
            _ => None,
        });
        let list = Fact::list(facts, separator);
        match why {
            Some(why) => list.unproved(why),
            None => list,
        }
    }

    /// The typed value for JSON, where the text alone would lose the type: a number, a time in seconds, an error.
    pub fn value(&self) -> Option<Value> {
        match self {
            Fact::Count(count) => Some(json!(count)),
            Fact::Duration(duration) => Some(json!({ "seconds": duration.as_secs_f64() })),
            Fact::Error(error) => Some(json!(error)),
            Fact::Unproved { seen, .. } => seen.value(),
            Fact::Nothing | Fact::Bytes(_) | Fact::Text(_) => None,
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fact::Nothing => f.write_str("nothing"),
            Fact::Count(count) => write!(f, "{count}"),
            Fact::Bytes(bytes) => f.write_str(&quoted(bytes, LONGEST_QUOTATION)),
            Fact::Text(text) => f.write_str(text),
            Fact::Duration(duration) => {
                let milliseconds = duration.as_secs_f64() * 1000.0;
                let decimals = if milliseconds < 1.0 { 2 } else { 1 };
                write!(f, "{milliseconds:.decimals$} ms")
            }
            Fact::Error(error) => write!(f, "{error}"),
            Fact::Unproved { seen, .. } => write!(f, "{seen}"),
        }
    }
}

/// The answer to a question: `yes` or `no`.
impl From<bool> for Fact {
    fn from(yes: bool) -> Self {
        Fact::from(if yes { "yes" } else { "no" })
    }
}

impl From<usize> for Fact {
    fn from(count: usize) -> Self {
        Fact::Count(count as u64)
    }
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Fact::Text(text.to_owned())
    }
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Fact::Text(text)
    }
}

impl From<&[u8]> for Fact {
    fn from(bytes: &[u8]) -> Self {
        Fact::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Fact {
    fn from(bytes: Vec<u8>) -> Self {
        Fact::Bytes(bytes)
    }
}

impl From<Duration> for Fact {
    fn from(duration: Duration) -> Self {
        Fact::Duration(duration)
    }
}

impl From<OsError> for Fact {
    fn from(error: OsError) -> Self {
        Fact::Error(error)
    }
}

/// Writes a payload so that no byte of it can act on a terminal: in quotation marks, UTF-8 that a person would read as
/// it is, all else escaped as in a Rust string (`vocabulary/text.rs` has the rule). Past `longest` characters it is
/// shortened and the length given in bytes.
pub fn quoted(bytes: &[u8], longest: usize) -> String {
    match escaped(bytes, longest) {
        (text, true) => format!("\"{text}\""),
        (text, false) => format!("\"{text}…\" ({} bytes)", bytes.len()),
    }
}

/// As [`quoted`], and without the length.
pub fn shortened(bytes: &[u8], longest: usize) -> String {
    match escaped(bytes, longest) {
        (text, true) => format!("\"{text}\""),
        (text, false) => format!("\"{text}…\""),
    }
}

/// The first `longest` characters of an escaped payload, and whether they are all. No letter is cut off from its marks.
pub fn escaped(bytes: &[u8], longest: usize) -> (Cow<'_, str>, bool) {
    match str::from_utf8(bytes) {
        Ok(text) if plain_length(text, longest) == text.len() => (Cow::Borrowed(text), true),
        _ => {
            let (text, whole) = escaped_character_by_character(bytes, longest);
            (Cow::Owned(text), whole)
        }
    }
}

fn escaped_character_by_character(bytes: &[u8], longest: usize) -> (String, bool) {
    let mut text = String::new();
    let mut left = longest;
    let mut state = EscapeState::default();
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(c) = rest.chars().next() {
            let (plain, others) = rest.split_at(plain_length(rest, left));
            if let Some(last) = plain.chars().next_back() {
                text.push_str(plain);
                left -= plain.len();
                state.shows(last);
                rest = others;
                continue;
            }
            let before = text.len();
            let shown = state.shows(c) && !matches!(c, '"' | '\\');
            if shown {
                text.push(c)
            } else {
                push_escaped(&mut text, c)
            }
            let length = if shown { 1 } else { text.len() - before };
            let Some(fewer) = left.checked_sub(length) else {
                // What `c` is a part of.
                let letter = || text.grapheme_indices(true).next_back().map_or(0, |(start, _)| start);
                text.truncate(if shown { letter() } else { before });
                return (text, false);
            };
            left = fewer;
            rest = &rest[c.len_utf8()..];
        }
        for byte in chunk.invalid() {
            let escape = format!("\\x{byte:02x}");
            let Some(fewer) = left.checked_sub(escape.len()) else { return (text, false) };
            left = fewer;
            text.push_str(&escape);
            state.interrupt();
        }
    }
    (text, true)
}

/// How many bytes `text` begins with, `longest` at most, that are written as they are whatever is before them.
fn plain_length(text: &str, longest: usize) -> usize {
    let begins = &text.as_bytes()[..text.len().min(longest)];
    let mut length = 0;
    while length < begins.len() && matches!(begins[length], b' ' | b'!' | b'#'..=b'[' | b']'..=b'~') {
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_cannot_reach_the_terminal_raw() {
        assert_eq!(quoted(b"it's\x1b[31m\0\t\"\\", 40), r#""it's\u{1b}[31m\0\t\"\\""#);
        assert_eq!(quoted("héllo 你好".as_bytes(), 40), "\"héllo 你好\"");
        assert_eq!(quoted(b"\xff\xfe", 40), r#""\xff\xfe""#);
        assert_eq!(quoted("\u{202e}abc".as_bytes(), 40), r#""\u{202e}abc""#);
    }

    #[test]
    fn a_time_has_two_decimals_below_a_millisecond() {
        let text = |micros| Fact::from(Duration::from_micros(micros)).to_string();
        assert_eq!((text(0).as_str(), text(994).as_str()), ("0.00 ms", "0.99 ms"));
        assert_eq!((text(1000).as_str(), text(20_260).as_str()), ("1.0 ms", "20.3 ms"));
    }

    #[test]
    fn only_what_the_text_loses_has_a_value() {
        assert_eq!(Fact::from(7).value(), Some(json!(7)));
        assert_eq!(Fact::from(Duration::from_millis(1500)).value(), Some(json!({ "seconds": 1.5 })));
        assert_eq!((Fact::from("7").value(), Fact::Nothing.value(), Fact::from(&b"7"[..]).value()), (None, None, None));
    }

    #[test]
    fn a_list_of_none_is_nothing() {
        let list = |numbers: &[usize]| Fact::list(numbers, ", ");
        assert_eq!((list(&[]), list(&[7]), list(&[7, 10])), (Fact::Nothing, "7".into(), "7, 10".into()));
    }

    #[test]
    fn facts_together_prove_no_more_than_each_does() {
        assert_eq!(Fact::joined(["a".into(), 7.into()], ", "), "a, 7".into());
        let unproved = Fact::from("b").unproved("why");
        assert_eq!(Fact::joined(["a".into(), unproved], ", "), Fact::from("a, b").unproved("why"));
    }

    #[test]
    fn a_long_payload_is_shortened_and_its_length_given() {
        assert_eq!(quoted(b"abcdef", 6), "\"abcdef\"");
        assert_eq!(quoted(b"abcdefg", 6), "\"abcdef…\" (7 bytes)");
        assert_eq!(quoted(b"\x00\x01", 3), "\"\\0…\" (2 bytes)");
        assert_eq!(
            (shortened(b"abcdef", 6).as_str(), shortened(b"abcdefg", 6).as_str()),
            ("\"abcdef\"", "\"abcdef…\"")
        );
        assert_eq!(shortened("abcde\u{301}f".as_bytes(), 5), "\"abcd…\"");
        assert_eq!(shortened("a👩\u{200d}👧".as_bytes(), 3), "\"a…\"");
    }
}
