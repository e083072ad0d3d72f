//! The client that asks again and again, as `ping` does, with its summary.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};
use socket2::Socket;

use super::client::{is_refused, late_total, perhaps_late, why_refused};
use super::transcript::{LONGEST_QUOTATION, Total, milliseconds, seconds, whole};
use super::{ProgramError, SIGNAL_CHECK_INTERVAL, Transcript, nothing_came, signals};
use crate::sockets::CallError;
use crate::vocabulary::quoted;

/// What is sent, how often, and how long an answer may take.
pub(super) struct Pinger<'a> {
    pub server: SocketAddr,
    pub message: &'a [u8],
    pub count: usize,
    pub interval: Duration,
    pub timeout: Duration,
    /// Whether each message says its number and its time behind the text. Only then can several be under way at once:
    /// an answer names the one that it belongs to.
    pub numbered: bool,
}

/// A message that was sent.
struct Request {
    sent: Instant,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Answered(Duration),
    Lost,
}

/// What an answer is to the messages that were sent.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    First,
    /// It names no message: the oldest's that is open, or late to one of so many that had none.
    PerhapsLate {
        silent: usize,
    },
    OutOfOrder,
    Duplicate,
    /// It came after its time, or cannot be told from one that did.
    Late,
}

/// What has happened so far.
#[derive(Default)]
pub(super) struct Requests {
    all: Vec<Request>,
    highest_answered: Option<usize>,
    duplicates: usize,
    out_of_order: usize,
    late: usize,
    /// Messages whose time is over, and of which nothing has come since.
    silent: usize,
    /// Answers that came in time, or late to one of those.
    perhaps_late: usize,
}

impl Pinger<'_> {
    /// Asks until all is decided or a signal comes; what has happened by then.
    ///
    /// # Errors
    /// When the socket fails, or nothing can be written any more.
    pub fn run(&self, socket: &Socket, transcript: &mut Transcript<'_>) -> Result<Requests, ProgramError> {
        let stop = signals::stop_at_the_first()?;
        // Where nothing is there, poll has waited for it.
        socket.set_nonblocking(true).map_err(|e| CallError::new("switch blocking off", &e))?;
        let mut requests = Requests::default();
        let mut next_send = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            for number in requests.expire(now, self.timeout) {
                let time = humantime::format_duration(self.timeout);
                say(transcript, number, || format!("no answer within {time}"), || json!({ "answer": null }))?;
            }
            let is_all_sent = requests.all.len() == self.count;
            let waits = requests.oldest_open().is_some();
            if is_all_sent && !waits {
                break;
            }
            let may_send = !is_all_sent && (self.numbered || !waits);
            if may_send && now >= next_send {
                self.send(socket, &mut requests, transcript)?;
                // Where the program was stopped for a while, nothing is made up for.
                next_send = (next_send + self.interval).max(now);
                continue;
            }
            let deadline = requests.oldest_open().map(|index| requests.all[index].sent + self.timeout);
            let until = [deadline, may_send.then_some(next_send)]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(now + SIGNAL_CHECK_INTERVAL);
            let wait = until.saturating_duration_since(now).min(SIGNAL_CHECK_INTERVAL);
            self.receive(socket, wait, &mut requests, transcript)?;
        }
        Ok(requests)
    }

    fn send(
        &self,
        socket: &Socket,
        requests: &mut Requests,
        transcript: &mut Transcript<'_>,
    ) -> Result<(), ProgramError> {
        let number = requests.all.len() + 1;
        let sent = Instant::now();
        let result = socket.send(&self.payload(number));
        requests.all.push(Request { sent, state: if result.is_ok() { State::Open } else { State::Lost } });
        match result {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = CallError::send("send", &error);
                say_error(transcript, number, "not sent", &error.to_string(), &error)
            }
        }
    }

    fn payload(&self, number: usize) -> Vec<u8> {
        if !self.numbered {
            return self.message.to_vec();
        }
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        [self.message, format!(" {number} {:.6}", time.as_secs_f64()).as_bytes()].concat()
    }

    fn receive(
        &self,
        socket: &Socket,
        wait: Duration,
        requests: &mut Requests,
        transcript: &mut Transcript<'_>,
    ) -> Result<(), ProgramError> {
        // The limit of a socket is rounded up to the ticks of the system's clock, of 4 ms and more; that of poll is
        // not.
        let limit = Timespec { tv_sec: wait.as_secs() as _, tv_nsec: wait.subsec_nanos() as _ };
        let _ = poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&limit));
        let mut buffer = vec![0; usize::from(u16::MAX)];
        let mut from = socket;
        let length = match from.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if nothing_came(&error) => return Ok(()),
            // It speaks of one message, and does not say of which.
            Err(error) => match requests.oldest_open() {
                Some(index) => {
                    requests.all[index].state = State::Lost;
                    let error = CallError::new("receive", &error);
                    let why = if is_refused(&error) { why_refused(self.server, &error) } else { error.to_string() };
                    return say_error(transcript, index + 1, "no answer", &why, &error);
                }
                None => return Ok(()),
            },
        };
        let answer = &buffer[..length];
        let (number, kind) = requests.answered(self.number_of(answer), Instant::now());
        let round_trip = requests.round_trip(number);
        let remark = match kind {
            Kind::First => String::new(),
            Kind::PerhapsLate { silent } => perhaps_late(silent),
            Kind::OutOfOrder => "  out of order".to_owned(),
            Kind::Duplicate => "  duplicate".to_owned(),
            Kind::Late => "  late".to_owned(),
        };
        let is_perhaps_late = matches!(kind, Kind::PerhapsLate { .. });
        let time = round_trip.filter(|_| is_perhaps_late || matches!(kind, Kind::First | Kind::OutOfOrder));
        say(
            transcript,
            number,
            || {
                let time = time.map(|time| format!("  {}", milliseconds(time))).unwrap_or_default();
                format!("{}{time}{remark}", quoted(answer, LONGEST_QUOTATION))
            },
            || {
                let said = if is_perhaps_late { "perhaps late" } else { remark.trim() };
                json!({ "answer": whole(answer), "round_trip": time.map(seconds), "remark": said })
            },
        )
    }

    /// The number in an answer that repeats its message, in whatever letters.
    fn number_of(&self, answer: &[u8]) -> Option<usize> {
        let rest = answer.get(self.message.len()..).filter(|_| self.numbered)?;
        let is_ours = answer[..self.message.len()].eq_ignore_ascii_case(self.message);
        let number = rest.strip_prefix(b" ").filter(|_| is_ours)?.split(|byte| *byte == b' ').next()?;
        std::str::from_utf8(number).ok()?.parse().ok()
    }
}

impl Requests {
    fn oldest_open(&self) -> Option<usize> {
        self.all.iter().position(|request| request.state == State::Open)
    }

    /// Gives up what has waited for `timeout`; the numbers.
    fn expire(&mut self, now: Instant, timeout: Duration) -> Vec<usize> {
        let mut expired = Vec::new();
        for (number, request) in (1..).zip(&mut self.all) {
            if request.state == State::Open && now >= request.sent + timeout {
                request.state = State::Lost;
                self.silent += 1;
                expired.push(number);
            }
        }
        expired
    }

    /// Notes an answer that names message `number`, or none: then it is the oldest's that is open. Returns the number.
    fn answered(&mut self, number: Option<usize>, now: Instant) -> (usize, Kind) {
        let named = number.filter(|number| (1..=self.all.len()).contains(number)).map(|number| number - 1);
        let Some(index) = named.or_else(|| self.oldest_open()) else {
            self.late += 1;
            self.silent = self.silent.saturating_sub(1);
            return (self.all.len(), Kind::Late);
        };
        let request = &mut self.all[index];
        let kind = match request.state {
            State::Answered(_) => Kind::Duplicate,
            State::Lost => Kind::Late,
            State::Open if named.is_none() && self.silent > 0 => {
                request.state = State::Answered(now.duration_since(request.sent));
                Kind::PerhapsLate { silent: self.silent }
            }
            State::Open => {
                request.state = State::Answered(now.duration_since(request.sent));
                if self.highest_answered.is_some_and(|highest| index < highest) {
                    Kind::OutOfOrder
                } else {
                    Kind::First
                }
            }
        };
        match kind {
            Kind::First => self.highest_answered = Some(index),
            Kind::OutOfOrder => self.out_of_order += 1,
            Kind::Duplicate => self.duplicates += 1,
            Kind::PerhapsLate { .. } => {
                self.highest_answered = Some(index);
                self.perhaps_late += 1;
            }
            Kind::Late => {
                self.late += 1;
                self.silent = self.silent.saturating_sub(1);
            }
        }
        (index + 1, kind)
    }

    fn round_trip(&self, number: usize) -> Option<Duration> {
        match self.all.get(number.checked_sub(1)?)?.state {
            State::Answered(time) => Some(time),
            State::Open | State::Lost => None,
        }
    }

    /// How many have no answer.
    pub fn unanswered(&self) -> usize {
        self.all.iter().filter(|request| !matches!(request.state, State::Answered(_))).count()
    }

    /// The summary, as `ping` has it.
    pub fn rows(&self) -> Vec<Total> {
        let times: Vec<Duration> = (1..=self.all.len()).filter_map(|number| self.round_trip(number)).collect();
        let (sent, lost) = (self.all.len(), self.unanswered());
        let percent = if sent == 0 { 0.0 } else { 100.0 * lost as f64 / sent as f64 };
        vec![
            Total::count("sent", sent),
            Total::count("received", times.len()),
            Total { text: format!("{lost} ({percent:.1}%)"), ..Total::count("lost", lost) },
            Total::count("duplicates", self.duplicates),
            Total::count("out of order", self.out_of_order),
            late_total(self.late, self.perhaps_late),
            Total::time("round trip min", times.iter().min().copied()),
            Total::time("round trip avg", average(&times)),
            Total::time("round trip max", times.iter().max().copied()),
            Total::time("round trip mdev", deviation(&times)),
        ]
    }
}

fn average(times: &[Duration]) -> Option<Duration> {
    times.iter().sum::<Duration>().checked_div(u32::try_from(times.len()).ok()?)
}

/// The standard deviation, which `ping` calls mdev.
fn deviation(times: &[Duration]) -> Option<Duration> {
    let average = average(times)?.as_secs_f64();
    let squares: f64 = times.iter().map(|time| (time.as_secs_f64() - average).powi(2)).sum();
    Some(Duration::from_secs_f64((squares / times.len() as f64).sqrt()))
}

fn say_error(
    transcript: &mut Transcript<'_>,
    number: usize,
    what: &str,
    why: &str,
    error: &CallError,
) -> Result<(), ProgramError> {
    say(transcript, number, || format!("{what}: {why}"), || json!({ "answer": null, "error": error.error }))
}

fn say(
    transcript: &mut Transcript<'_>,
    number: usize,
    text: impl FnOnce() -> String,
    json: impl FnOnce() -> Value,
) -> Result<(), ProgramError> {
    transcript.line(
        || format!("{number}  {}", text()),
        || {
            let mut line = json();
            line["number"] = json!(number);
            line
        },
    )?;
    transcript.out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn sent(count: usize, at: Instant) -> Requests {
        let all = (0..count).map(|_| Request { sent: at, state: State::Open }).collect();
        Requests { all, ..Requests::default() }
    }

    #[test]
    fn answers_are_counted_by_the_number_that_they_name() {
        let start = Instant::now();
        let mut requests = sent(4, start);
        let mut answer = |number| requests.answered(number, start).1;
        assert_eq!(
            [answer(Some(2)), answer(Some(1)), answer(Some(2))],
            [Kind::First, Kind::OutOfOrder, Kind::Duplicate]
        );
        assert_eq!(requests.expire(start + SECOND, SECOND), [3, 4]);
        assert_eq!(requests.answered(Some(3), start), (3, Kind::Late));
        assert_eq!(requests.answered(None, start), (4, Kind::Late), "nothing is open");
        let texts: Vec<String> = requests.rows().into_iter().take(6).map(|row| row.text).collect();
        assert_eq!(texts, ["4", "2", "2 (50.0%)", "1", "1", "2"]);
    }

    #[test]
    fn an_answer_without_a_number_is_the_oldest_open_ones() {
        let start = Instant::now();
        let mut requests = sent(2, start);
        assert_eq!(requests.answered(None, start), (1, Kind::First));
        assert_eq!(requests.answered(Some(9), start), (2, Kind::First));
    }

    #[test]
    fn an_answer_without_a_number_may_be_that_of_a_message_that_had_none() {
        let start = Instant::now();
        let mut requests = sent(3, start);
        requests.all.truncate(1);
        assert_eq!(requests.expire(start + SECOND, SECOND), [1]);
        requests.all.push(Request { sent: start + SECOND, state: State::Open });
        assert_eq!(requests.answered(None, start + SECOND), (2, Kind::PerhapsLate { silent: 1 }));
        let late = |requests: &Requests| requests.rows()[5].text.clone();
        assert_eq!(late(&requests), "0 to 1");
        // One that comes when none is open answers the one before: from then on all is known.
        assert_eq!(requests.answered(None, start + SECOND), (2, Kind::Late));
        requests.all.push(Request { sent: start + SECOND, state: State::Open });
        assert_eq!(requests.answered(None, start + SECOND), (3, Kind::First));
        assert_eq!(late(&requests), "1 to 2");
    }

    #[test]
    fn the_deviation_is_pings() {
        let times = [10, 20, 30, 40].map(Duration::from_millis);
        assert_eq!(average(&times), Some(Duration::from_millis(25)));
        assert_eq!(deviation(&times).unwrap().as_micros(), 11_180);
        assert_eq!((average(&[]), deviation(&[])), (None, None));
    }

    #[test]
    fn a_number_is_found_in_capital_letters_too() {
        let server = ([127, 0, 0, 1], 8888).into();
        let pinger = Pinger { server, message: b"Ping", count: 1, interval: SECOND, timeout: SECOND, numbered: true };
        for (answer, number) in
            [("PING 7 1.5", Some(7)), ("Ping 12", Some(12)), ("Ping", None), ("Pong 7", None), ("Ping7", None)]
        {
            assert_eq!(pinger.number_of(answer.as_bytes()), number, "{answer}");
        }
    }
}
