//! Conversations: the article's server and client in two terminals, the question before a run, and the run step by step.

pub mod client;
pub mod predict;
pub mod server;
pub mod step;

use std::fmt;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::lab::CallError;
use crate::render::{Look, table};
use crate::vocabulary::{escaped, quoted};

/// Longest quotation of a payload on a line, in characters.
const LONGEST_QUOTATION: usize = 60;

/// A payload for JSON: escaped, and all of it.
fn whole(payload: &[u8]) -> String {
    escaped(payload, usize::MAX).0
}

/// What ends a conversation early.
#[derive(Debug)]
pub enum Ended {
    /// A call on the socket failed.
    Call(CallError),
    /// The address cannot be used, as the sentence says.
    Address(String),
    /// Nothing can be written any more.
    Output(io::Error),
}

impl From<CallError> for Ended {
    fn from(error: CallError) -> Self {
        Ended::Call(error)
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Ended::Output(error)
    }
}

/// `HOST:PORT` as given on the command line, not yet looked up.
#[derive(Clone, Debug)]
pub struct Address {
    host: String,
    port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "HOST:PORT is needed, such as 127.0.0.1:8888 or [::1]:8888";
        let (host, port) = text.rsplit_once(':').ok_or(form)?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bracketed {
            Some(host) => host,
            None if host.contains(':') => return Err(format!("{form}; an IPv6 address stands in brackets")),
            None => host,
        };
        if host.is_empty() {
            return Err(form.to_owned());
        }
        let port = port.parse().map_err(|_| format!("{form}; a port is a number from 0 to 65535"))?;
        Ok(Address { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Address {
    fn resolve(&self) -> Result<SocketAddr, Ended> {
        let found = (self.host.as_str(), self.port).to_socket_addrs().ok().and_then(preferred);
        found.ok_or_else(|| Ended::Address(format!("{self}: no host of this name is known here. Is it spelt right?")))
    }
}

/// The first IPv4 address, else the first: the article's programs speak IPv4 only, and `localhost` is often `::1` first.
fn preferred(mut addresses: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    let first = addresses.next()?;
    if first.is_ipv4() { Some(first) } else { addresses.find(SocketAddr::is_ipv4).or(Some(first)) }
}

/// Where a conversation is written to, line by line: sentences, or one JSON object a line.
pub struct Transcript<'a> {
    /// The output.
    pub out: &'a mut dyn Write,
    /// JSON instead of sentences.
    pub json: bool,
    /// How text is to look.
    pub look: Look,
}

impl Transcript<'_> {
    fn line(&mut self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) -> io::Result<()> {
        match self.json {
            false => writeln!(self.out, "{}", self.look.text(&text())),
            true => writeln!(self.out, "{}", json()),
        }
    }

    /// The message that is about to be sent, where nobody has typed it. In JSON it stands beside its answer.
    fn message(&mut self, message: &[u8]) -> io::Result<()> {
        if !self.json {
            let message = quoted(message, LONGEST_QUOTATION);
            writeln!(self.out, "Msg: {}", self.look.text(&message))?;
        }
        self.out.flush()
    }

    fn totals(&mut self, header: &'static str, totals: Vec<Total>) -> io::Result<()> {
        match self.json {
            false => {
                let rows: Vec<_> = totals.into_iter().map(|total| (total.name.to_owned(), total.text)).collect();
                write!(self.out, "\n{}", table::pairs([header, ""], &rows, self.look))
            }
            true => {
                let totals: serde_json::Map<_, _> =
                    totals.into_iter().map(|total| (total.name.replace(' ', "_"), total.json)).collect();
                writeln!(self.out, "{}", json!({ "totals": totals }))
            }
        }?;
        self.out.flush()
    }
}

/// One row of the table at the end: for people, and for programs.
struct Total {
    name: &'static str,
    text: String,
    json: Value,
}

impl Total {
    fn count(name: &'static str, count: impl Into<Value>) -> Self {
        let json = count.into();
        Total { name, text: json.to_string(), json }
    }

    fn time(name: &'static str, time: Option<Duration>) -> Self {
        Total { name, text: time.map_or_else(|| "-".to_owned(), milliseconds), json: time.map_or(Value::Null, seconds) }
    }
}

/// As `ping` writes it: on loopback an answer takes some hundredths of a millisecond.
fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}

fn seconds(time: Duration) -> Value {
    json!({ "seconds": time.as_secs_f64() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_is_preferred_and_an_ipv6_address_is_better_than_none() {
        let prefer = |addresses: &[&str]| {
            preferred(addresses.iter().map(|address| address.parse().unwrap())).map(|address| address.to_string())
        };
        assert_eq!(prefer(&["[::1]:1", "127.0.0.1:1"]).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(prefer(&["[::1]:1", "[::2]:1"]).as_deref(), Some("[::1]:1"));
        assert_eq!(prefer(&[]), None);
    }
}
