//! Two terminals, or two machines: the article's server and client.

pub mod client;
pub mod server;

use std::fmt;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use serde_json::{Value, json};

use crate::lab::CallError;
use crate::render::{Format, Look, table};

/// Longest quotation of a payload on a line, in characters.
const LONGEST_QUOTATION: usize = 60;

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
    /// Looks the host up; the first address counts.
    fn resolve(&self) -> Result<SocketAddr, Ended> {
        let found = (self.host.as_str(), self.port).to_socket_addrs().ok().and_then(|mut all| all.next());
        found.ok_or_else(|| Ended::Address(format!("{self}: no host of this name is known here. Is it spelt right?")))
    }
}

/// Where a conversation is written to, line by line: sentences, or one JSON object a line.
pub struct Transcript<'a> {
    /// The output.
    pub out: &'a mut dyn Write,
    /// Text or JSON.
    pub format: Format,
    /// How text is to look.
    pub look: Look,
}

impl Transcript<'_> {
    fn line(&mut self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) -> io::Result<()> {
        match self.format {
            Format::Table => writeln!(self.out, "{}", self.look.text(&text())),
            Format::Json => writeln!(self.out, "{}", json()),
        }
    }

    fn totals(&mut self, header: &'static str, rows: &[(&'static str, Value)]) -> io::Result<()> {
        match self.format {
            Format::Table => {
                let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let rows: Vec<_> = rows.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
                write!(self.out, "\n{}", table::pairs([header, ""], &rows, self.look))
            }
            Format::Json => {
                let totals: serde_json::Map<_, _> =
                    rows.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                writeln!(self.out, "{}", json!({ "totals": totals }))
            }
        }?;
        self.out.flush()
    }
}
