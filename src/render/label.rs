//! What a step of a ladder says of a call, by its POSIX name; and what of that is left where room is short.

use std::fmt;

use textwrap::core::display_width;

use super::RenderOptions;
use super::picture::Arrived;
use crate::kernel::HERE;
use crate::vocabulary::{Event, Outcome, Protocol, Receive, Received, Role, SocketError, Syscall, escaped};

/// Longest quotation of a payload in a picture, in characters.
pub const LONGEST_QUOTATION: usize = 16;

/// Written in this order: `recvfrom: "hello", truncated (MSG_TRUNC)`. Where room is short the payload is shortened first, and
/// the news stays to the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// The call with its flags, and what stands between it and the rest.
    call: String,
    /// What it moved.
    payload: Option<Payload>,
    /// What else came of it: an error, `truncated`, `nothing queued`.
    news: String,
    /// What explains the news, in brackets.
    detail: String,
}

/// The beginning of a payload, escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Payload {
    text: String,
    is_complete: bool,
}

/// What a class must not miss in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// A datagram was sent, and no receive brought it.
    Lost,
    /// A receive brought a part of a datagram.
    Truncated,
    /// A call failed.
    Failed,
}

impl Payload {
    fn of(bytes: &[u8]) -> Self {
        let (text, is_complete) = escaped(bytes, LONGEST_QUOTATION);
        Payload { text, is_complete }
    }

    /// In quotation marks, within `room` columns; `None` where not even its first character has room.
    fn within(&self, room: usize, options: RenderOptions) -> Option<String> {
        let text = options.text(&self.text);
        let quoted = if self.is_complete { format!("\"{text}\"") } else { shortened(&text, options) };
        if display_width(&quoted) <= room {
            return Some(quoted);
        }
        let ends = text.char_indices().map(|(end, _)| end).skip(1);
        let shorter = ends.map(|end| shortened(&text[..end], options)).take_while(|text| display_width(text) <= room);
        shorter.last()
    }
}

fn shortened(text: &str, options: RenderOptions) -> String {
    format!("\"{text}{}\"", ellipsis(options))
}

/// What stands for text that is left out, one column wide.
pub(super) fn ellipsis(options: RenderOptions) -> char {
    if options.ascii { '~' } else { '…' }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.call)?;
        if let Some(Payload { text, is_complete }) = &self.payload {
            write!(f, "\"{text}{}\"{}", if *is_complete { "" } else { "…" }, self.comma())?;
        }
        write!(f, "{}{}", self.news, self.detail)
    }
}

impl Label {
    /// What a step says of this call, and what is special about it; `names_tcp` has the calls of TCP say so.
    pub(super) fn of(event: &Event, arrived: Arrived, names_tcp: bool) -> Option<(Self, Option<Special>)> {
        let (call, outcome) = event.call()?;
        let tcp = if names_tcp && event.protocol == Protocol::Tcp { "TCP " } else { "" };
        let name = match call {
            Syscall::Receive(receive) if receive.flags.names().next().is_some() => {
                format!("{tcp}{}({})", call.name(), receive.flags)
            }
            _ => format!("{tcp}{}", call.name()),
        };
        let payload = event.payload().map(Payload::of);
        if let Outcome::Failed { error, .. } = outcome {
            let label = Label { call: format!("{name}: "), news: error.name.clone(), ..Label::default() };
            return Some(match (call, arrived) {
                (Syscall::Receive(_), Arrived::Truncated { .. }) => {
                    (Label { payload, detail: arrived.lengths(), ..label }, Some(Special::Truncated))
                }
                _ => (label, Some(Special::Failed)),
            });
        }
        let plain = |call: String, news: String| (Label { call, news, ..Label::default() }, None);
        Some(match call {
            Syscall::Send { .. } if event.role == Role::EndMarker => plain(format!("{name} "), END_MARKER.to_owned()),
            Syscall::Receive(_) if event.role == Role::EndMarker => plain(format!("{name}: "), END_MARKER.to_owned()),
            Syscall::Send { payload: sent, .. } => {
                let detail = empty(sent);
                (Label { call: format!("{name} "), payload, detail, ..Label::default() }, None)
            }
            Syscall::Receive(receive) => {
                let label = Label { call: format!("{name}: "), payload, ..Label::default() };
                label.received(event.protocol, receive, outcome, arrived)
            }
            Syscall::SetOption { option, value } => plain(format!("{name} "), format!("{} {value}", option.name)),
            Syscall::GetOption(option) => match outcome {
                Outcome::Value(value) => plain(format!("{name} "), format!("{}: {value}", option.name)),
                _ => plain(format!("{name} "), option.name.to_owned()),
            },
            Syscall::Bind(_)
            | Syscall::Connect(_)
            | Syscall::Listen(_)
            | Syscall::Accept
            | Syscall::Shutdown
            | Syscall::Close => plain(name, String::new()),
        })
    }

    /// With what a receive brought that did not fail.
    fn received(
        self,
        protocol: Protocol,
        receive: &Receive,
        outcome: &Outcome,
        arrived: Arrived,
    ) -> (Self, Option<Special>) {
        let Outcome::Received(Received { bytes, returned, truncated, .. }) = outcome else {
            return (Label { news: nothing(receive), ..self }, None);
        };
        let flag = || " (MSG_TRUNC)".to_owned();
        let is_truncated =
            |detail| (Label { news: TRUNCATED.to_owned(), detail, ..self.clone() }, Some(Special::Truncated));
        match arrived {
            Arrived::Truncated { .. } if *truncated => is_truncated(flag()),
            Arrived::Truncated { .. } => is_truncated(arrived.lengths()),
            Arrived::No | Arrived::NotYet if *truncated => is_truncated(flag()),
            Arrived::No | Arrived::NotYet | Arrived::Complete => {
                let end = protocol == Protocol::Tcp && bytes.is_empty() && receive.room() > 0;
                let label = match end {
                    true => Label { payload: None, news: "end of file".to_owned(), ..self },
                    false if *returned != bytes.len() => Label { detail: format!(" (returned {returned})"), ..self },
                    // The system says so of a datagram that is complete.
                    false if *truncated => Label { detail: flag(), ..self },
                    false => Label { detail: empty(bytes), ..self },
                };
                (label, None)
            }
        }
    }

    fn comma(&self) -> &'static str {
        if self.news.is_empty() { "" } else { ", " }
    }

    /// What has room in so many columns: first the payload is shortened, then the detail, the call and the payload are left
    /// out. Still too wide is only what has no room at all.
    pub(super) fn within(&self, room: usize, options: RenderOptions) -> String {
        let news = options.text(&self.news);
        for (call, detail) in [(&*self.call, &*self.detail), (&self.call, ""), ("", "")] {
            let before = options.text(call);
            let after = match self.payload {
                Some(_) => format!("{}{news}{}", self.comma(), options.text(detail)),
                None => format!("{news}{}", options.text(detail)),
            };
            let left = room.checked_sub(display_width(&before) + display_width(&after));
            let payload = left.and_then(|left| match &self.payload {
                Some(payload) => payload.within(left, options),
                None => Some(String::new()),
            });
            if let Some(payload) = payload {
                return format!("{before}{payload}{after}");
            }
        }
        match (&*news, &self.payload) {
            ("", Some(payload)) => payload.within(usize::MAX, options).unwrap_or_default(),
            ("", None) => options.text(&self.call).into_owned(),
            (news, _) => news.to_owned(),
        }
    }

    /// The width of all of it, in columns.
    pub(super) fn width(&self, options: RenderOptions) -> usize {
        display_width(&self.within(usize::MAX, options))
    }

    /// Whether `other` says the same of another payload.
    pub(super) fn is_like(&self, other: &Label) -> bool {
        (&self.call, self.payload.is_some(), &self.news) == (&other.call, other.payload.is_some(), &other.news)
    }
}

const END_MARKER: &str = "end marker";

const TRUNCATED: &str = "truncated";

/// An empty payload looks like none.
fn empty(payload: &[u8]) -> String {
    if payload.is_empty() { " (0 bytes)".to_owned() } else { String::new() }
}

/// What a receive without a result says.
fn nothing(receive: &Receive) -> String {
    match receive.waits {
        true => format!("nothing ({})", SocketError::WouldBlock.on(HERE).name),
        false => "nothing queued".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Detail;

    const OPTIONS: RenderOptions =
        RenderOptions { width: 80, ascii: false, ladder: true, why: false, detail: Detail::Answer };

    fn truncated() -> Label {
        Label {
            call: "recvfrom: ".to_owned(),
            payload: Some(Payload::of(b"hello")),
            news: TRUNCATED.to_owned(),
            detail: " (5 of 9 bytes)".to_owned(),
        }
    }

    #[test]
    fn what_is_special_outlives_what_was_sent() {
        let label = truncated();
        assert_eq!(label.to_string(), r#"recvfrom: "hello", truncated (5 of 9 bytes)"#);
        for (room, shown) in [
            (43, r#"recvfrom: "hello", truncated (5 of 9 bytes)"#),
            (42, r#"recvfrom: "hel…", truncated (5 of 9 bytes)"#),
            (40, r#"recvfrom: "h…", truncated (5 of 9 bytes)"#),
            (39, r#"recvfrom: "hello", truncated"#),
            (25, r#"recvfrom: "h…", truncated"#),
            (24, r#""hello", truncated"#),
            (15, r#""h…", truncated"#),
            (14, "truncated"),
        ] {
            assert_eq!(label.within(room, OPTIONS), shown, "{room}");
        }
    }

    #[test]
    fn ascii_shows_dots_that_were_sent_as_dots() {
        let ascii = RenderOptions { ascii: true, ..OPTIONS };
        let label = |bytes: &[u8]| Label { payload: Some(Payload::of(bytes)), ..Label::default() };
        assert_eq!(label(b"wait...").within(20, ascii), r#""wait...""#);
        assert_eq!(label(&[b'x'; 17]).within(20, ascii), format!("\"{}~\"", "x".repeat(16)));
        assert_eq!(label("六".as_bytes()).within(6, ascii), r#""\u{~""#);
    }
}
