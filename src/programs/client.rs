//! The article's client: asks, waits for the answer, and never for ever.

use std::io::{self, IsTerminal, Read};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use serde_json::{Value, json};
use socket2::Socket;

use super::address::Use;
use super::payload::{self, Hex};
use super::pinger::Pinger;
use super::transcript::{LONGEST_QUOTATION, Total, milliseconds, seconds, whole};
use super::{Address, ProgramError, Transcript, nothing_came, pasted, signals};
use crate::arguments;
use crate::kernel::{self, HERE};
use crate::sockets::{self, Call, CallError, LONGEST_PAYLOAD, LONGEST_PAYLOAD_V6};
use crate::vocabulary::{SocketError, Status, quoted};

/// What the client can be told.
#[derive(Args)]
pub struct Client {
    /// The server to ask
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:8888", value_parser = server_or_hint)]
    address: Address,

    /// The messages to send; without any they are read from the terminal, or from the input to its end, a line each
    #[arg(value_name = "MESSAGE")]
    messages: Vec<String>,

    /// One message of these bytes, such as 00ff or "48 69"
    #[arg(long, value_name = "HEX", conflicts_with = "messages")]
    hex: Option<Hex>,

    /// One message: the bytes of this file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with_all = ["messages", "hex"])]
    file: Option<PathBuf>,

    /// How long to wait for each answer, from the sending of its message, such as 500ms or 2s
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = waiting_time)]
    timeout: Duration,

    /// Ask N times and sum up as ping does, also at Ctrl-C; at most one MESSAGE, else "Ping"
    #[arg(long, value_name = "N", value_parser = arguments::whole::<u16>(1, 10_000))]
    count: Option<u16>,

    /// With --count: the time from one message to the next; without --numbered, each waits for the answer to the one
    /// before
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = waiting_time, requires = "count")]
    interval: Duration,

    /// With --count: add the number and the time to each message, so that an answer shows which message it belongs to
    #[arg(long, requires = "count")]
    numbered: bool,

    /// Exit with status 1 if a message has no answer
    #[arg(long)]
    fail_unanswered: bool,
}

/// A word alone may be a message whose address was forgotten.
fn server_or_hint(text: &str) -> Result<Address, String> {
    let is_word = !text.contains(|c: char| c.is_ascii_digit() || ":./\\[]".contains(c));
    text.parse().map_err(|error: String| match is_word {
        true => {
            let host = if pasted::repaired(text).is_some() { " for a host of this name" } else { "" };
            format!("{error}{host}; a message comes after the address: client 8888 MESSAGE")
        }
        false => error,
    })
}

fn waiting_time(text: &str) -> Result<Duration, String> {
    match arguments::time(text)? {
        // A socket takes a limit of 0 for none at all.
        time if time < Duration::from_millis(1) => Err("at least 1ms is needed".to_owned()),
        time if time > Duration::from_secs(3600) => Err("at most 1h is allowed".to_owned()),
        time => Ok(time),
    }
}

#[derive(Default)]
struct Totals {
    /// With those that could not be sent.
    asked: usize,
    sent: usize,
    round_trips: Vec<Duration>,
    late: usize,
    /// Answers that came in time, or late to an earlier message.
    perhaps_late: usize,
}

/// One socket, from its first message to its last: answers come to its port.
struct Conversation<'a, 't> {
    socket: Socket,
    server: SocketAddr,
    timeout: Duration,
    transcript: &'a mut Transcript<'t>,
    totals: Totals,
    /// How many earlier messages have no answer: one may still come.
    open: usize,
}

impl Client {
    /// Sends the messages one by one and waits for each answer, then writes the totals.
    ///
    /// # Errors
    /// When the address cannot be used, the socket fails, the input cannot be read, or nothing can be written any more.
    pub fn run(&self, transcript: &mut Transcript<'_>) -> Result<Status, ProgramError> {
        if self.count.is_some() && self.messages.len() > 1 {
            return Err(ProgramError::Usage("--count: one MESSAGE is sent again and again, not several".to_owned()));
        }
        let server = self.address.resolve(Use::Ask)?;
        let messages = self.messages(server)?;
        let socket = sockets::connected(server)?;
        let unanswered = match self.count {
            Some(count) => self.ping(messages.first(), count.into(), server, &socket, transcript)?,
            None => self.converse(&messages, server, socket, transcript)?,
        };
        Ok(if self.fail_unanswered && unanswered > 0 { Status::Negative } else { Status::AsExpected })
    }

    /// The messages that were given in one way or another. What is not typed is known to be too long before anything is
    /// sent.
    fn messages(&self, server: SocketAddr) -> Result<Vec<Vec<u8>>, ProgramError> {
        let (_, longest) = longest_over(server.ip());
        let (option, message) = match (&self.hex, &self.file) {
            (Some(hex), _) => ("--hex", hex.0.clone()),
            (None, Some(path)) => ("--file", payload::of_file(path, longest)?),
            (None, None) => return Ok(self.messages.iter().map(|message| message.as_bytes().to_vec()).collect()),
        };
        match message.len() <= longest {
            true => Ok(vec![message]),
            false => Err(ProgramError::Usage(format!("{option}: {}", why_too_long(message.len(), server.ip())))),
        }
    }

    /// Asks again and again; how many messages had no answer.
    fn ping(
        &self,
        message: Option<&Vec<u8>>,
        count: usize,
        server: SocketAddr,
        socket: &Socket,
        transcript: &mut Transcript<'_>,
    ) -> Result<usize, ProgramError> {
        let message = message.map_or(&b"Ping"[..], Vec::as_slice);
        let Client { interval, timeout, numbered, .. } = *self;
        let requests = Pinger { server, message, count, interval, timeout, numbered }.run(socket, transcript)?;
        transcript.totals("Client", requests.rows())?;
        Ok(requests.unanswered())
    }

    /// Sends the messages that were given, or the input's; how many had no answer.
    fn converse(
        &self,
        messages: &[Vec<u8>],
        server: SocketAddr,
        socket: Socket,
        transcript: &mut Transcript<'_>,
    ) -> Result<usize, ProgramError> {
        let (timeout, totals) = (self.timeout, Totals::default());
        let mut conversation = Conversation { socket, server, timeout, transcript, totals, open: 0 };
        if messages.is_empty() {
            conversation.read_messages()?;
        } else {
            for message in messages {
                conversation.transcript.message(message)?;
                conversation.exchange(message)?;
            }
        }
        conversation.discard_what_came_late()?;
        let Conversation { transcript, mut totals, .. } = conversation;
        let unanswered = totals.asked - totals.round_trips.len();
        transcript.totals("Client", totals.rows())?;
        Ok(unanswered)
    }
}

impl Conversation<'_, '_> {
    /// Sends each line of the input. An empty one ends the conversation where somebody types; elsewhere it is a
    /// message.
    fn read_messages(&mut self) -> Result<(), ProgramError> {
        // What no datagram can carry is left out.
        const LONGEST: usize = u16::MAX as usize + 1;
        let mut input = io::stdin().lock();
        let typed = input.is_terminal();
        // Whoever types sees what was typed; JSON lines stay JSON lines.
        let prompt = typed && !self.transcript.json;
        // Whoever ends a conversation with Ctrl-C is to have its totals, too.
        let stop = typed.then(signals::stop_at_the_first).transpose()?;
        loop {
            if prompt {
                write!(self.transcript.out, "Msg: ")?;
                self.transcript.out.flush()?;
            }
            let is_there = stop.as_ref().is_none_or(|stop| kernel::input_comes_before(&input, stop));
            let line =
                if is_there { kernel::next_line(&mut input, LONGEST).map_err(ProgramError::Input)? } else { None };
            let Some(line) = line else {
                if prompt {
                    writeln!(self.transcript.out)?;
                }
                return Ok(());
            };
            let message = line.strip_suffix(b"\n").unwrap_or(&line);
            let message = message.strip_suffix(b"\r").unwrap_or(message);
            if typed && message.is_empty() {
                return Ok(());
            }
            if !prompt {
                self.transcript.message(message)?;
            }
            self.exchange(message)?;
        }
    }

    fn exchange(&mut self, message: &[u8]) -> Result<(), ProgramError> {
        self.discard_what_came_late()?;
        self.totals.asked += 1;
        let started = Instant::now();
        let answer = self.ask(message, started)?;
        let round_trip = started.elapsed();
        let open = self.open;
        match &answer {
            Answer::Got(_) => {
                self.totals.round_trips.push(round_trip);
                self.totals.perhaps_late += usize::from(open > 0);
            }
            Answer::None => self.open += 1,
            Answer::Failed(_) | Answer::NotSent(_) => {}
        }
        let Conversation { server, timeout, .. } = *self;
        let options = self.transcript.options;
        self.transcript.line(
            || {
                let sentence = answer.text(message, open, server, timeout, round_trip);
                // In a file it stays one line.
                let wraps = !matches!(answer, Answer::Got(_)) && io::stdout().is_terminal();
                if wraps { options.wrap(&sentence, "") } else { sentence }
            },
            || answer.json(message, open, round_trip),
        )?;
        self.transcript.out.flush()?;
        Ok(())
    }

    fn ask(&mut self, message: &[u8], started: Instant) -> Result<Answer, ProgramError> {
        let deadline = started + self.timeout;
        // A socket takes a limit of 0 for none at all.
        let left = || deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        loop {
            sockets::send_at_most(&self.socket, left())?;
            match self.socket.send(message) {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted && Instant::now() < deadline => {}
                Err(error) => {
                    return Ok(Answer::NotSent(CallError::send(format!("send to {}", self.server), &error)));
                }
            }
        }
        self.totals.sent += 1;
        let mut buffer = vec![0; usize::from(u16::MAX)];
        loop {
            // Also where the time is over already: what has come meanwhile is the answer.
            sockets::wait_at_most(&self.socket, left())?;
            match (&self.socket).read(&mut buffer) {
                Ok(length) => {
                    buffer.truncate(length);
                    return Ok(Answer::Got(buffer));
                }
                // The system makes no call again that has a limit (signal(7)): the limit would begin again.
                Err(error) if error.kind() == io::ErrorKind::Interrupted && Instant::now() < deadline => {}
                Err(error) if nothing_came(&error) => return Ok(Answer::None),
                Err(error) => return Ok(Answer::Failed(CallError::new("receive", &error))),
            }
        }
    }

    /// What came after its time, or a second time, is counted; so is no error about an earlier datagram taken for one
    /// about the next.
    fn discard_what_came_late(&mut self) -> Call<()> {
        // More than can wait in any buffer would be a flood, which is not waited for either.
        const MOST: usize = 10_000;
        let socket = &self.socket;
        let switch = |on| socket.set_nonblocking(on).map_err(|e| CallError::new("switch blocking off and on", &e));
        switch(true)?;
        for _ in 0..MOST {
            match (&self.socket).read(&mut [0; 1]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if !is_too_long(&error) => {}
                Ok(_) | Err(_) => {
                    self.totals.late += 1;
                    self.open = self.open.saturating_sub(1);
                }
            }
        }
        switch(false)
    }
}

/// Whether a datagram came that is longer than the buffer: Windows says so.
fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(SocketError::MessageTooLong.on(HERE).number)
}

/// What became of a message.
enum Answer {
    Got(Vec<u8>),
    None,
    Failed(CallError),
    NotSent(CallError),
}

impl Answer {
    /// The sentence about it, where `open` earlier messages were without an answer.
    fn text(&self, message: &[u8], open: usize, server: SocketAddr, timeout: Duration, round_trip: Duration) -> String {
        match self {
            Answer::Got(payload) => {
                let text = quoted(payload, LONGEST_QUOTATION);
                let late = perhaps_late(open);
                format!("From server: {text}  {}{late}", milliseconds(round_trip))
            }
            Answer::None => format!(
                "No answer within {}. UDP does not report whether the request was lost, the server did not answer, or the answer was lost.",
                humantime::format_duration(timeout)
            ),
            Answer::Failed(error) | Answer::NotSent(error) if is_refused(error) => {
                format!("No answer: {}. Across a network this error may never arrive.", why_refused(server, error))
            }
            Answer::NotSent(error) if error.error.is(SocketError::MessageTooLong, HERE) => {
                format!("Not sent: {} ({}).", why_too_long(message.len(), server.ip()), error.error)
            }
            Answer::NotSent(error) if error.error.is(SocketError::WouldBlock, HERE) => {
                format!("Not sent within {}: the send buffer is full.", humantime::format_duration(timeout))
            }
            Answer::NotSent(error) => format!("Not sent: {error}"),
            Answer::Failed(error) => format!("No answer: {error}"),
        }
    }

    fn json(&self, message: &[u8], open: usize, round_trip: Duration) -> Value {
        let mut line = json!({ "sent": whole(message), "answer": null });
        match self {
            Answer::Got(payload) => {
                line["answer"] = json!(whole(payload));
                line["round_trip"] = seconds(round_trip);
                if open > 0 {
                    line["perhaps_late"] = json!(true);
                }
            }
            Answer::None => {}
            Answer::Failed(error) | Answer::NotSent(error) => line["error"] = json!(error.error),
        }
        line
    }
}

pub(super) fn why_refused(server: SocketAddr, error: &CallError) -> String {
    format!("nobody listens at {server}, or a firewall refuses ({})", error.error)
}

/// Windows says that the port is unreachable by the error that TCP has for a peer that is gone.
pub(super) fn is_refused(error: &CallError) -> bool {
    [SocketError::ConnectionRefused, SocketError::ConnectionReset].into_iter().any(|kind| error.error.is(kind, HERE))
}

/// The family of `to`, and the longest payload that a datagram over it carries.
fn longest_over(to: IpAddr) -> (&'static str, usize) {
    match to.to_canonical() {
        IpAddr::V4(_) => ("IPv4", LONGEST_PAYLOAD),
        IpAddr::V6(_) => ("IPv6", LONGEST_PAYLOAD_V6),
    }
}

/// What is said of an answer where `open` earlier messages had none: it may be theirs.
pub(super) fn perhaps_late(open: usize) -> String {
    match open {
        0 => String::new(),
        open => format!("  (perhaps the late answer to an earlier message: {open} had none)"),
    }
}

/// How many answers came late: `certain`, and perhaps some of the others.
pub(super) fn late_total(certain: usize, perhaps: usize) -> Total {
    let total = Total::count("late", certain);
    match perhaps {
        0 => total,
        perhaps => Total { text: format!("{certain} to {}", certain + perhaps), ..total },
    }
}

/// Why a message of `length` bytes does not go to `to`: the family's limit, where that is it.
fn why_too_long(length: usize, to: IpAddr) -> String {
    let (family, longest) = longest_over(to);
    if length > longest {
        return format!("a datagram over {family} carries at most {longest} bytes");
    }
    format!(
        "{length} bytes are too long for a datagram here, though {family} allows {longest}: the send buffer or the path MTU is too small"
    )
}

impl Totals {
    fn rows(&mut self) -> Vec<Total> {
        self.round_trips.sort_unstable();
        let trips = &self.round_trips;
        vec![
            Total::count("sent", self.sent),
            Total::count("answered", trips.len()),
            Total::count("unanswered", self.sent - trips.len()),
            late_total(self.late, self.perhaps_late),
            Total::time("round trip min", trips.first().copied()),
            Total::time("round trip median", median(trips)),
            Total::time("round trip max", trips.last().copied()),
        ]
    }
}

/// The middle one, or half-way between the middle two.
fn median(sorted: &[Duration]) -> Option<Duration> {
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some((*lower + *upper) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let median_of = |times: &[u64]| {
            let times: Vec<_> = times.iter().map(|time| Duration::from_millis(*time)).collect();
            median(&times)
        };
        assert_eq!(median_of(&[]), None);
        assert_eq!(median_of(&[7]), Some(Duration::from_millis(7)));
        assert_eq!(median_of(&[1, 3]), Some(Duration::from_millis(2)));
        assert_eq!(median_of(&[1, 2, 9]), Some(Duration::from_millis(2)));
    }

    #[test]
    fn a_message_is_too_long_for_its_family_or_for_something_else() {
        let (v4, v6, mapped) = ("127.0.0.1", "::1", "::ffff:127.0.0.1");
        for (length, to, reason) in [
            (65_508, v4, "a datagram over IPv4 carries at most 65507 bytes"),
            (65_508, mapped, "a datagram over IPv4 carries at most 65507 bytes"),
            (65_528, v6, "a datagram over IPv6 carries at most 65527 bytes"),
            (65_508, v6, "65508 bytes are too long for a datagram here, though IPv6 allows 65527"),
            (9217, v4, "9217 bytes are too long for a datagram here, though IPv4 allows 65507"),
        ] {
            let said = why_too_long(length, to.parse().unwrap());
            assert!(said.starts_with(reason), "{said}");
        }
    }
}
