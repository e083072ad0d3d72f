//! The article's client: asks, waits for the answer, and never for ever.

use std::io::{self, BufRead, IsTerminal, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use socket2::Socket;

use super::transcript::{LONGEST_QUOTATION, Total, milliseconds, seconds, whole};
use super::{Address, Ended, Transcript};
use crate::kernel::{self, HERE};
use crate::lab::socket::{self, LONGEST_PAYLOAD};
use crate::lab::{Call, CallError};
use crate::lessons::parameters::{self, Message};
use crate::render::RenderOptions;
use crate::vocabulary::{Flags, SocketError, quoted};

/// What the client can be told.
#[derive(Args)]
pub struct Client {
    /// The server to ask
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:8888")]
    address: Address,

    /// The messages to send; without any they are read from the terminal, or from the input, a line each
    #[arg(value_name = "MESSAGE")]
    messages: Vec<Message>,

    /// How long to wait for each answer, such as 500ms or 2s
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = patience)]
    timeout: Duration,
}

fn patience(text: &str) -> Result<Duration, String> {
    match parameters::time(text)? {
        // A socket takes a limit of 0 for none at all.
        time if time < Duration::from_millis(1) => Err("at least 1ms is needed".to_owned()),
        time if time > Duration::from_secs(3600) => Err("at most 1h is allowed".to_owned()),
        time => Ok(time),
    }
}

#[derive(Default)]
struct Totals {
    sent: usize,
    round_trips: Vec<Duration>,
}

impl Client {
    /// Sends the messages one by one and waits for each answer, then writes the totals.
    ///
    /// # Errors
    /// When the address cannot be used, the socket fails, or nothing can be written any more.
    pub fn run(&self, transcript: &mut Transcript<'_>) -> Result<(), Ended> {
        let server = self.address.resolve()?;
        if server.port() == 0 {
            return Err(Ended::Address(format!(
                "{server}: port 0 is no destination (RFC 768: it stands for no port)."
            )));
        }
        let mut socket = socket::connected(server)?;
        let mut totals = Totals::default();
        if self.messages.is_empty() {
            self.ask_for_messages(&mut socket, server, transcript, &mut totals)?;
        } else {
            for message in &self.messages {
                transcript.message(&message.0)?;
                self.exchange(&mut socket, server, &message.0, transcript, &mut totals)?;
            }
        }
        transcript.totals("Client", totals.rows())?;
        Ok(())
    }

    fn ask_for_messages(
        &self,
        socket: &mut Socket,
        server: SocketAddr,
        transcript: &mut Transcript<'_>,
        totals: &mut Totals,
    ) -> Result<(), Ended> {
        let mut input = io::stdin().lock();
        // Whoever types sees what was typed; JSON lines stay JSON lines.
        let prompt = input.is_terminal() && !transcript.json;
        loop {
            if prompt {
                write!(transcript.out, "Msg: ")?;
                transcript.out.flush()?;
            }
            let line = line(&mut input);
            let message = line.strip_suffix(b"\n").unwrap_or(&line);
            let message = message.strip_suffix(b"\r").unwrap_or(message);
            if message.is_empty() {
                if prompt && line.is_empty() {
                    writeln!(transcript.out)?;
                }
                return Ok(());
            }
            if !prompt {
                transcript.message(message)?;
            }
            self.exchange(socket, server, message, transcript, totals)?;
        }
    }

    fn exchange(
        &self,
        socket: &mut Socket,
        server: SocketAddr,
        message: &[u8],
        transcript: &mut Transcript<'_>,
        totals: &mut Totals,
    ) -> Result<(), Ended> {
        discard_what_came_late(socket)?;
        let started = Instant::now();
        let answer = match socket.send(message) {
            Ok(_) => {
                totals.sent += 1;
                self.wait(socket, started)?
            }
            Err(error) => Answer::Failed(CallError::new(format!("send to {server}"), &error)),
        };
        let round_trip = started.elapsed();
        if matches!(answer, Answer::Got(_)) {
            totals.round_trips.push(round_trip);
        }
        if matches!(answer, Answer::None) {
            // Whenever its answer comes now, it comes to another port than the next one.
            *socket = socket::connected(server)?;
        }
        let options = transcript.options;
        transcript.line(
            || self.text(&answer, server, round_trip, options),
            || match &answer {
                Answer::Got(payload) => json!({
                    "sent": whole(message), "answer": whole(payload),
                    "round_trip": seconds(round_trip),
                }),
                Answer::None => json!({ "sent": whole(message), "answer": null }),
                Answer::Failed(error) => json!({
                    "sent": whole(message), "answer": null, "error": error.error,
                }),
            },
        )?;
        transcript.out.flush()?;
        Ok(())
    }

    fn wait(&self, socket: &Socket, started: Instant) -> Result<Answer, Ended> {
        let mut buffer = vec![0; usize::from(u16::MAX)];
        let left = self.timeout.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Ok(Answer::None);
        }
        // The system counts in microseconds, and takes 0 for no limit.
        socket::wait_at_most(socket, left.max(Duration::from_millis(1)))?;
        Ok(match kernel::receive(socket, &mut buffer, Flags::default()) {
            Ok(length) => {
                buffer.truncate(length);
                Answer::Got(buffer)
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Answer::None,
            Err(e) => Answer::Failed(CallError::new("receive", &e)),
        })
    }

    fn text(&self, answer: &Answer, server: SocketAddr, round_trip: Duration, options: RenderOptions) -> String {
        let sentence = match answer {
            Answer::Got(payload) => {
                return format!("From server: {}  {}", quoted(payload, LONGEST_QUOTATION), milliseconds(round_trip));
            }
            Answer::None => format!(
                "No answer within {}. UDP does not tell you whether it was the request, the server or the answer.",
                humantime::format_duration(self.timeout)
            ),
            Answer::Failed(error)
                if error.error.is(SocketError::ConnectionRefused, HERE)
                    || error.error.is(SocketError::ConnectionReset, HERE) =>
            {
                format!(
                    "No answer: nobody listens at {server} ({}). The host said so; across a network it may stay silent.",
                    error.error
                )
            }
            Answer::Failed(error) if error.error.is(SocketError::MessageTooLong, HERE) => {
                format!("Not sent: a datagram over IPv4 carries at most {LONGEST_PAYLOAD} bytes ({}).", error.error)
            }
            Answer::Failed(error) => format!("No answer: {error}"),
        };
        // In a file it stays one line.
        if io::stdout().is_terminal() { options.wrap(&sentence, "") } else { sentence }
    }
}

/// The next line of the input; empty at its end, or when it cannot be read. What no datagram can carry is left out.
fn line(input: &mut impl BufRead) -> Vec<u8> {
    const LONGEST: u64 = u16::MAX as u64 + 1;
    let mut line = Vec::new();
    let read = input.take(LONGEST).read_until(b'\n', &mut line);
    if matches!(read, Ok(length) if length as u64 == LONGEST) && line.last() != Some(&b'\n') {
        // A rest that cannot be read is reported by the next call: it finds the end.
        let _ = input.skip_until(b'\n');
    }
    line
}

enum Answer {
    Got(Vec<u8>),
    None,
    Failed(CallError),
}

/// A second answer to the same message, or an error about an earlier datagram, is not taken for the next answer.
fn discard_what_came_late(socket: &Socket) -> Call<()> {
    let switch = |on| socket.set_nonblocking(on).map_err(|e| CallError::new("switch blocking off and on", &e));
    switch(true)?;
    // One more than can wait in any buffer would be a flood, which is not waited for either.
    for _ in 0..10_000 {
        match kernel::receive(socket, &mut [0; 1], Flags::default()) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            _ => {}
        }
    }
    switch(false)
}

impl Totals {
    fn rows(&mut self) -> Vec<Total> {
        self.round_trips.sort_unstable();
        let trips = &self.round_trips;
        vec![
            Total::count("sent", self.sent),
            Total::count("answered", trips.len()),
            Total::count("unanswered", self.sent - trips.len()),
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
    fn an_endless_line_is_cut_where_no_datagram_could_carry_it() {
        let mut input = io::Cursor::new([vec![b'a'; 200_000], b"\nnext\n".to_vec()].concat());
        assert_eq!(line(&mut input).len(), 65_536);
        assert_eq!(line(&mut input), b"next\n");
        assert_eq!(line(&mut input), b"");
    }
}
