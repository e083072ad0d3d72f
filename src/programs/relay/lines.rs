//! What the relay writes: a line for each datagram and what was decided, and a table at the end.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::{Flow, ProgramError};
use crate::programs::Transcript;
use crate::programs::transcript::milliseconds;
use crate::render::table;
use crate::vocabulary::{Corruption, Decision, OsError, RelayDirection, bytes};

/// The lines of a relay, each with the time since its start.
pub(super) struct Lines<'a, 't> {
    pub transcript: &'a mut Transcript<'t>,
    pub started: Instant,
}

impl Lines<'_, '_> {
    pub fn new_client(&mut self, client: u64, address: SocketAddr) -> Result<(), ProgramError> {
        self.line(format!("client {client} is {address}"), json!({ "client": client, "address": address.to_string() }))
    }

    pub fn decided(&mut self, flow: Flow, number: u64, length: usize, decision: &Decision) -> Result<(), ProgramError> {
        let mut line = of(flow, number);
        line["bytes"] = json!(length);
        decision.describe(&mut line);
        self.line(format!("{flow} #{number}, {}: {decision}", bytes(length)), line)
    }

    pub fn not_forwarded(&mut self, flow: Flow, number: u64, reason: &str) -> Result<(), ProgramError> {
        let mut line = of(flow, number);
        line["not_forwarded"] = json!(reason);
        self.line(format!("{flow} #{number}: not forwarded: {reason}"), line)
    }

    /// A datagram of somebody for whom there is no room.
    pub fn refused_client(&mut self, address: SocketAddr, reason: &str) -> Result<(), ProgramError> {
        let line = json!({ "address": address.to_string(), "not_forwarded": reason });
        self.line(format!("{address} -> server: not forwarded: {reason}"), line)
    }

    /// The system says that an earlier datagram did not reach the server.
    pub fn server_not_reached(&mut self, client: u64, error: OsError, said: &str) -> Result<(), ProgramError> {
        let text = format!("server -> client {client}: {said}; nothing is sent to the client");
        self.line(text, json!({ "client": client, "error": error }))
    }

    fn line(&mut self, text: String, mut json: Value) -> Result<(), ProgramError> {
        let at = self.started.elapsed().as_secs_f64();
        json["at"] = json!(at);
        self.transcript.line(|| format!("{at:.3} s  {text}"), || json)?;
        Ok(())
    }

    /// The table at the end, a column for each direction.
    pub fn totals(&mut self, tallies: &[Tally; 2]) -> Result<(), ProgramError> {
        let [there, back] = tallies.each_ref().map(Tally::rows);
        if self.transcript.json {
            let of = |rows: [(&str, u64); ROWS]| rows.map(|(name, count)| (name.replace(' ', "_"), json!(count)));
            let [there, back] = [there, back].map(|rows| of(rows).into_iter().collect::<Map<_, _>>());
            writeln!(self.transcript.out, "{}", json!({ "totals": { "to_server": there, "to_client": back } }))?;
        } else {
            let header = ["Relay", "client -> server", "server -> client"];
            let rows = there.into_iter().zip(back);
            let rows = rows.map(|((name, there), (_, back))| [name.to_owned(), there.to_string(), back.to_string()]);
            write!(self.transcript.out, "\n{}", table::grid(&header, rows, self.transcript.options))?;
        }
        self.transcript.out.flush()?;
        Ok(())
    }
}

fn of(flow: Flow, number: u64) -> Value {
    json!({ "client": flow.client, "direction": flow.direction.name(), "number": number })
}

/// What has become of the datagrams of a direction.
#[derive(Default)]
pub(super) struct Tally {
    pub received: u64,
    /// Copies aside.
    pub forwarded: u64,
    pub lost: u64,
    pub duplicated: u64,
    /// Sent behind a later one of the same client.
    pub reordered: u64,
    pub corrupted: u64,
    /// For a reason that its line says.
    pub not_forwarded: u64,
    /// Not yet sent when the relay ended.
    pub waiting: u64,
}

/// How many counts there are.
const ROWS: usize = 8;

impl Tally {
    fn rows(&self) -> [(&'static str, u64); ROWS] {
        [
            ("received", self.received),
            ("forwarded", self.forwarded),
            ("lost", self.lost),
            ("not forwarded", self.not_forwarded),
            ("waiting at the end", self.waiting),
            ("duplicated", self.duplicated),
            ("reordered", self.reordered),
            ("corrupted", self.corrupted),
        ]
    }

    /// Counts what was decided.
    pub fn count(&mut self, decision: &Decision) {
        let Decision { lost, corruption, duplicated, .. } = decision;
        self.lost += u64::from(*lost);
        self.duplicated += u64::from(*duplicated && !lost);
        self.corrupted += u64::from(corruption.is_some() && !lost);
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction {
            RelayDirection::ToServer => write!(f, "client {} -> server", self.client),
            RelayDirection::ToClient => write!(f, "server -> client {}", self.client),
        }
    }
}

impl RelayDirection {
    fn name(self) -> &'static str {
        match self {
            RelayDirection::ToServer => "client -> server",
            RelayDirection::ToClient => "server -> client",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lost {
            return f.write_str("lost");
        }
        if let Some(Corruption { byte, values: [was, becomes] }) = self.corruption {
            write!(f, "corrupted (byte {}: 0x{was:02x} becomes 0x{becomes:02x}), ", byte + 1)?;
        }
        if self.duplicated {
            f.write_str("duplicated, ")?;
        }
        if self.held_back {
            return f.write_str("held back until the next one has passed");
        }
        f.write_str("forwarded")?;
        match self.delays {
            [Duration::ZERO, _] => Ok(()),
            [delay, of_copy] if self.duplicated => {
                write!(f, " after {} and {}", milliseconds(delay), milliseconds(of_copy))
            }
            [delay, _] => write!(f, " after {}", milliseconds(delay)),
        }
    }
}

impl Decision {
    fn describe(&self, line: &mut Value) {
        line["lost"] = json!(self.lost);
        if self.lost {
            return;
        }
        line["duplicated"] = json!(self.duplicated);
        line["held_back"] = json!(self.held_back);
        line["corrupted"] = json!(self.corruption.map(|Corruption { byte, values: [was, becomes] }| {
            json!({ "byte": byte + 1, "was": was, "becomes": becomes })
        }));
        let copies = if self.duplicated { 2 } else { 1 };
        let delays: Vec<f64> = self.delays[..copies].iter().map(Duration::as_secs_f64).collect();
        line["delays"] = if self.held_back { Value::Null } else { json!(delays) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_reads_as_a_sentence_does() {
        let decision = |lost, corrupted: bool, duplicated, held_back, delays: [u64; 2]| Decision {
            lost,
            corruption: corrupted.then_some(Corruption { byte: 4, values: [0x20, 0xaf] }),
            duplicated,
            held_back,
            delays: delays.map(Duration::from_millis),
        };
        for (decision, text) in [
            (decision(true, true, true, true, [1, 2]), "lost"),
            (decision(false, false, false, false, [0, 0]), "forwarded"),
            (decision(false, false, false, false, [43, 9]), "forwarded after 43.000 ms"),
            (decision(false, false, true, false, [43, 9]), "duplicated, forwarded after 43.000 ms and 9.000 ms"),
            (decision(false, false, true, false, [0, 0]), "duplicated, forwarded"),
            (
                decision(false, true, false, true, [43, 9]),
                "corrupted (byte 5: 0x20 becomes 0xaf), held back until the next one has passed",
            ),
        ] {
            assert_eq!(decision.to_string(), text);
        }
    }
}
