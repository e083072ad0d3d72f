//! What a step of a ladder says of a call, by its POSIX name; and what of that is left where room is short.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

use super::arrivals::Arrived;
use super::{RenderOptions, columns_of};
use crate::vocabulary::{
    Event, Events, Flags, Os, Outcome, POLLIN, Protocol, Receive, ReceiveForm, Received, Role, SendForm, SocketError,
    Syscall, escaped,
};

/// Longest quotation of a payload in a picture, in characters.
pub const LONGEST_QUOTATION: usize = 16;

/// Written in this order: `recvfrom: "hello", truncated (MSG_TRUNC)`. Where room is short the payload is shortened
/// first, and the news stays to the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// The name of the call.
    name: String,
    /// Its flags, in brackets.
    flags: String,
    /// What stands between the call and the rest.
    mark: &'static str,
    /// What it moved.
    payload: Option<Payload>,
    /// What else came of it: an error, `truncated`, `nothing queued`.
    news: String,
    /// What explains the news, in brackets.
    detail: String,
    is_receive: bool,
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
        Payload { text: text.into_owned(), is_complete }
    }

    /// In quotation marks, within `room` columns; `None` where not even its first character has room.
    fn within(&self, room: usize, options: RenderOptions) -> Option<String> {
        let text = options.text(&self.text);
        let quoted = if self.is_complete { format!("\"{text}\"") } else { shortened(&text, options) };
        if columns_of(&quoted) <= room {
            return Some(quoted);
        }
        let ends = text.grapheme_indices(true).map(|(end, _)| end).skip(1);
        let shorter = ends.map(|end| shortened(&text[..end], options)).take_while(|text| columns_of(text) <= room);
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
        write!(f, "{}{}{}", self.name, self.flags, self.mark)?;
        if let Some(Payload { text, is_complete }) = &self.payload {
            write!(f, "\"{text}{}\"{}", if *is_complete { "" } else { "…" }, self.comma())?;
        }
        write!(f, "{}{}", self.news, self.detail)
    }
}

impl Label {
    /// What a step says of this call on this system, and what is special about it; `names_tcp` has the calls of TCP say
    /// so.
    pub(super) fn of(event: &Event, arrived: Arrived, names_tcp: bool, os: Os) -> Option<(Self, Option<Special>)> {
        let (call, outcome) = event.call()?;
        let tcp = if names_tcp && event.protocol == Protocol::Tcp { "TCP " } else { "" };
        let flags = match call {
            Syscall::Receive(receive) if receive.flags != Flags::default() => format!("({})", receive.flags),
            _ => String::new(),
        };
        let payload = event.payload().map(Payload::of);
        let is_receive = matches!(call, Syscall::Receive(_));
        let label = Label { name: format!("{tcp}{}", call.name()), flags, is_receive, ..Label::default() };
        if let Outcome::Failed { error, .. } = outcome {
            let (mark, payload) = match call {
                // What was not sent.
                Syscall::Send { .. } => (" ", payload),
                _ => (": ", None),
            };
            let label = Label { mark, payload, news: error.name.clone(), ..label };
            return Some(match (call, arrived) {
                (Syscall::Receive(_), Arrived::Truncated { kept, sent }) => {
                    let payload = event.payload().map(Payload::of);
                    (Label { payload, detail: lengths(kept, sent), ..label }, Some(Special::Truncated))
                }
                _ => (label, Some(Special::Failed)),
            });
        }
        let plain = |label: Label, mark, news: String| (Label { mark, news, ..label }, None);
        Some(match call {
            Syscall::Send { .. } if event.role == Role::EndMarker => plain(label, " ", END_MARKER.to_owned()),
            Syscall::Receive(_) if event.role == Role::EndMarker => plain(label, ": ", END_MARKER.to_owned()),
            Syscall::Send { .. } => {
                let length = event.payload_length();
                let detail = match (call, outcome) {
                    (_, Outcome::Sent(taken)) if *taken < length => lengths(*taken, length),
                    (Syscall::Send { form: SendForm::MessageFrom { source, .. }, .. }, _) => format!(" from {source}"),
                    (Syscall::Send { form: SendForm::Raw { source_port, .. }, .. }, _) => {
                        format!(" from port {source_port}")
                    }
                    _ => empty(length),
                };
                (Label { mark: " ", payload, detail, ..label }, None)
            }
            Syscall::Receive(receive) => match outcome {
                Outcome::Received(received) => {
                    Label { mark: ": ", payload, ..label }.received(event, receive, received, arrived)
                }
                _ => plain(label, ": ", nothing(receive, os)),
            },
            Syscall::SetOption { option, value } => {
                plain(label, " ", format!("{} {}", option.name, option.form.shown(*value)))
            }
            Syscall::GetOption(option) => match outcome {
                Outcome::Value(value) => plain(label, " ", format!("{}: {}", option.name, option.form.shown(*value))),
                _ => plain(label, " ", option.name.to_owned()),
            },
            Syscall::Disconnect => plain(label, " ", "AF_UNSPEC".to_owned()),
            Syscall::Shutdown(direction) => plain(label, " ", direction.name().to_owned()),
            Syscall::SetNonBlocking(on) => plain(label, " ", format!("O_NONBLOCK {}", i32::from(*on))),
            Syscall::Poll(events) => plain(label, ": ", readiness(*events, outcome)),
            Syscall::QueuedBytes => match outcome {
                Outcome::Value(bytes) => plain(label, " ", format!("FIONREAD: {bytes}")),
                _ => plain(label, " ", "FIONREAD".to_owned()),
            },
            Syscall::UnsentBytes => match outcome {
                Outcome::Value(bytes) => plain(label, " ", format!("SIOCOUTQ: {bytes}")),
                _ => plain(label, " ", "SIOCOUTQ".to_owned()),
            },
            Syscall::SocketName | Syscall::PeerName => match outcome {
                Outcome::Address(address) => plain(label, ": ", address.to_string()),
                _ => (label, None),
            },
            Syscall::Signal { .. } => plain(label, " ", "SIGURG".to_owned()),
            Syscall::EpollAdd { trigger, .. } => plain(label, " ", trigger.events().to_owned()),
            Syscall::EpollWait { .. } => plain(label, ": ", reported(outcome)),
            Syscall::Bind(_)
            | Syscall::Connect(_)
            | Syscall::Listen(_)
            | Syscall::Accept
            | Syscall::EpollCreate
            | Syscall::Duplicate
            | Syscall::Close => (label, None),
        })
    }

    /// With what a receive brought.
    fn received(
        self,
        event: &Event,
        receive: &Receive,
        Received { returned, truncated, ancillary, .. }: &Received,
        arrived: Arrived,
    ) -> (Self, Option<Special>) {
        let tells_sender = matches!(receive.form, ReceiveForm::From | ReceiveForm::Message);
        if event.protocol == Protocol::Udp && event.peer.is_none() && tells_sender {
            return (Label { payload: None, news: "0 bytes, no sender".to_owned(), ..self }, None);
        }
        let flag = || " (MSG_TRUNC)".to_owned();
        let is_truncated =
            |detail| (Label { news: TRUNCATED.to_owned(), detail, ..self.clone() }, Some(Special::Truncated));
        match arrived {
            Arrived::Truncated { .. } if *truncated => is_truncated(flag()),
            Arrived::Truncated { kept, sent } => is_truncated(lengths(kept, sent)),
            Arrived::No | Arrived::NotYet if *truncated => is_truncated(flag()),
            Arrived::No | Arrived::NotYet | Arrived::By(_) | Arrived::Complete => {
                let length = event.payload_length();
                let end = event.protocol == Protocol::Tcp && length == 0 && receive.capacity() > 0;
                let label = match end {
                    true => Label { payload: None, news: "end of file".to_owned(), ..self },
                    false if *returned != length => Label { detail: format!(" (returned {returned})"), ..self },
                    // The system says so of a datagram that is complete.
                    false if *truncated => Label { detail: flag(), ..self },
                    false => {
                        let asked = ancillary.destination.map(|asked| format!(" to {asked}"));
                        Label { detail: asked.unwrap_or_else(|| empty(length)), ..self }
                    }
                };
                (label, None)
            }
        }
    }

    /// Of a datagram to the sender's own lane, where no arrow can be drawn.
    pub(super) fn within_a_lane(self, to: &str, lost: bool) -> Self {
        Label { news: if lost { "lost" } else { "" }.to_owned(), detail: format!(" (to {to})"), ..self }
    }

    fn comma(&self) -> &'static str {
        if self.news.is_empty() { "" } else { ", " }
    }

    /// What has room in so many columns: first the payload is shortened, then the detail, the name, the flags and the
    /// payload are left out. The news is never shortened here, and so may be wider.
    pub(super) fn within(&self, room: usize, options: RenderOptions) -> String {
        let Label { name, flags, mark, payload, news, detail, .. } = self;
        if payload.is_none() && news.is_empty() {
            return options.text(name).into_owned();
        }
        let all = format!("{name}{flags}{mark}");
        let without_name = if flags.is_empty() { String::new() } else { format!("{flags}{mark}") };
        for (before, detail) in [(&*all, &**detail), (&all, ""), (&without_name, ""), ("", "")] {
            let comma = if payload.is_some() { self.comma() } else { "" };
            let (before, after) = (options.text(before), options.text(&format!("{comma}{news}{detail}")).into_owned());
            let left = room.checked_sub(columns_of(&before) + columns_of(&after));
            let payload = left.and_then(|left| match payload {
                Some(payload) => payload.within(left, options),
                None => Some(String::new()),
            });
            if let Some(payload) = payload {
                return format!("{before}{payload}{after}");
            }
        }
        match payload {
            Some(payload) if news.is_empty() => payload.within(usize::MAX, options).unwrap_or_default(),
            _ => options.text(news).into_owned(),
        }
    }

    /// The width of all of it, in columns, with a quotation of `quoted` columns at most.
    pub(super) fn width(&self, quoted: usize, options: RenderOptions) -> usize {
        let all = columns_of(&self.within(usize::MAX, options));
        let payload = self.payload.as_ref().and_then(|payload| payload.within(usize::MAX, options));
        all - payload.map_or(0, |payload| columns_of(&payload).saturating_sub(quoted))
    }

    /// The columns below which it says too little: without its news, or of a call that failed without the call.
    pub(super) fn least_width(&self, special: Option<Special>, options: RenderOptions) -> usize {
        let before = match special {
            Some(Special::Failed) => format!("{}{}{}", self.name, self.flags, self.mark),
            Some(Special::Lost | Special::Truncated) | None => String::new(),
        };
        columns_of(&options.text(&before)) + columns_of(&options.text(&self.news))
    }

    /// Whether it is the label of a receive.
    pub(super) fn is_of_a_receive(&self) -> bool {
        self.is_receive
    }

    /// Whether `other` says the same of another payload.
    pub(super) fn is_like(&self, other: &Label) -> bool {
        (&self.name, &self.flags, self.payload.is_some(), &self.news)
            == (&other.name, &other.flags, other.payload.is_some(), &other.news)
    }
}

/// What a poll says.
fn readiness(asked: Events, outcome: &Outcome) -> String {
    let there = if let Outcome::Value(events) = outcome { Events::from_int(*events) } else { Events::default() };
    match () {
        () if asked != POLLIN => there.to_string(),
        () if there.contains(POLLIN) => "readable".to_owned(),
        () => "not readable".to_owned(),
    }
}

/// What an epoll instance says.
fn reported(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(events) if *events != 0 => Events::from_int(*events).of_epoll(),
        _ => "nothing reported".to_owned(),
    }
}

const END_MARKER: &str = "end marker";

const TRUNCATED: &str = "truncated";

/// How much of it there is.
fn lengths(part: usize, all: usize) -> String {
    format!(" ({part} of {all} bytes)")
}

/// An empty payload looks like none.
fn empty(length: usize) -> String {
    if length == 0 { " (0 bytes)".to_owned() } else { String::new() }
}

/// What a receive without a result says.
fn nothing(receive: &Receive, os: Os) -> String {
    match receive.waits {
        true => format!("nothing ({})", SocketError::WouldBlock.on(os).name),
        false => "nothing queued".to_owned(),
    }
}

/// Steps for tests of what is made of them.
#[cfg(test)]
pub(super) mod samples {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::render::picture::{Fate, Step, What};

    pub(in crate::render) fn label(name: &str, payload: Option<&[u8]>, news: &str) -> Label {
        let payload = payload.map(Payload::of);
        let mark = if payload.is_some() || !news.is_empty() { ": " } else { "" };
        Label { name: name.to_owned(), payload, mark, news: news.to_owned(), ..Label::default() }
    }

    pub(in crate::render) fn truncated(payload: &[u8]) -> What {
        What::Mark { label: label("recvfrom", Some(payload), TRUNCATED), special: Some(Special::Truncated) }
    }

    /// Steps of so many lanes.
    pub(in crate::render) fn steps(lanes: usize, most: usize) -> impl Strategy<Value = Vec<Step>> {
        let payload = || vec(any::<u8>(), 0..20);
        let sent = (payload(), any::<bool>()).prop_map(move |(payload, lost)| {
            let label = label("sendto", Some(&payload), "");
            match lanes {
                1 => What::Mark { label: label.within_a_lane("itself", lost), special: lost.then_some(Special::Lost) },
                _ => What::Sent { to: 0, label, fate: if lost { Fate::Lost } else { Fate::Arrived } },
            }
        });
        let what = prop_oneof![
            4 => sent,
            2 => payload().prop_map(|payload| What::Mark { label: label("recvfrom", Some(&payload), ""), special: None }),
            2 => payload().prop_map(|payload| truncated(&payload)),
            1 => Just(What::Mark { label: label("recvfrom", None, "ECONNREFUSED"), special: Some(Special::Failed) }),
            1 => Just(What::Mark { label: label("connect", None, ""), special: None }),
        ];
        // Each so often in a row, and no arrow from the first lane to itself.
        let run = (0..lanes, what, 1_usize..12).prop_map(move |(lane, what, times)| {
            let lane = if matches!(what, What::Sent { .. }) { lane.max(1) } else { lane };
            vec![Step { at: Duration::from_micros(7), lane, what }; times]
        });
        vec(run, 0..most).prop_map(|runs| runs.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Detail;

    const OPTIONS: RenderOptions = RenderOptions {
        width: 80,
        ascii: false,
        ladder: true,
        why: false,
        detail: Detail::Answer,
        byte_order_mark: false,
    };

    fn truncated() -> Label {
        Label {
            name: "recvfrom".to_owned(),
            flags: String::new(),
            mark: ": ",
            payload: Some(Payload::of(b"hello")),
            news: TRUNCATED.to_owned(),
            detail: " (5 of 9 bytes)".to_owned(),
            is_receive: true,
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
