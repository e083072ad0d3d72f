//! Messages that are numbered, acknowledged, and sent again after a time-out: the protocol, over a network that may be
//! a script alone or sockets.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use super::lossy_relay::{Channel, LossyRelay, Script};
use crate::kernel::option::RECEIVE_TIMEOUT;
use crate::lab::{Endpoint, Lab, ReceiveResult, SceneError, has_lasted};
use crate::vocabulary::RelayDirection;

/// The first time-out. A program should begin with a second; a class does not want to wait.
pub const FIRST_TIME_OUT: Duration = Duration::from_millis(4);

/// So often a message is sent before the sender gives up.
const MOST_TRIES: u32 = 5;

/// Longest datagram of it, in bytes.
const BUFFER: usize = 64;

/// What came of a transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// The messages that the server delivered to its program, in order.
    pub delivered: Vec<usize>,
    /// How often a message was sent.
    pub transmissions: usize,
    /// Which of these did not arrive, counted from 1.
    pub lost_there: Vec<usize>,
    /// How many acknowledgements the server sent: one for each datagram that it received.
    pub acknowledgements: usize,
    /// Which of these did not arrive, counted from 1.
    pub lost_back: Vec<usize>,
    /// The messages that the server received again and did not deliver again.
    pub duplicates: Vec<usize>,
    /// The messages that the server kept until those before them came.
    pub kept: Vec<usize>,
    /// How often the sender sent what it might, and waited.
    pub rounds: usize,
    /// The time-outs that passed.
    pub time_outs: Vec<Duration>,
    /// The message at which the sender gave up.
    pub given_up: Option<usize>,
}

/// What the protocol needs of a network.
trait Network {
    type Error;

    /// From now on the client waits for an acknowledgement for so long.
    fn wait_for(&mut self, time_out: Duration) -> Result<(), Self::Error>;

    /// Sends a message: what the server then receives.
    fn send(&mut self, message: usize) -> Result<Vec<usize>, Self::Error>;

    /// The server acknowledges a message.
    fn acknowledge(&mut self, message: usize) -> Result<(), Self::Error>;

    /// The client waits for an acknowledgement: of which message it is, and nothing when the time-out has passed.
    fn await_acknowledgement(&mut self) -> Result<Option<usize>, Self::Error>;
}

/// The side that receives: what has come, and what is to come next.
struct Receiver {
    next: usize,
    kept: BTreeSet<usize>,
}

impl Receiver {
    /// A message comes: it is delivered in its turn, kept until then, or known already.
    fn take(&mut self, message: usize, transfer: &mut Transfer) {
        if message < self.next || self.kept.contains(&message) {
            transfer.duplicates.push(message);
            return;
        }
        self.kept.insert(message);
        if message > self.next {
            transfer.kept.push(message);
        }
        while self.kept.remove(&self.next) {
            transfer.delivered.push(self.next);
            self.next += 1;
        }
    }
}

/// Sends `messages`, up to `window` at a time, and each again until it is acknowledged.
fn run<N: Network>(network: &mut N, messages: usize, window: usize) -> Result<Transfer, N::Error> {
    let mut transfer = Transfer::default();
    let mut receiver = Receiver { next: 1, kept: BTreeSet::new() };
    // For each message.
    let (mut tries, mut is_acknowledged) = (vec![0; messages + 1], vec![false; messages + 1]);
    while let Some(oldest) = (1..=messages).find(|&message| !is_acknowledged[message]) {
        let in_window = oldest..=messages.min(oldest + window - 1);
        let due: Vec<usize> = in_window.filter(|&message| !is_acknowledged[message]).collect();
        transfer.given_up = due.iter().copied().find(|&message| tries[message] == MOST_TRIES);
        if transfer.given_up.is_some() {
            break;
        }
        // The acknowledgements that are under way: the number of each, and of its message.
        let mut under_way = Vec::new();
        for &message in &due {
            tries[message] += 1;
            transfer.transmissions += 1;
            let received = network.send(message)?;
            if received.is_empty() {
                transfer.lost_there.push(transfer.transmissions);
            }
            for message in received {
                receiver.take(message, &mut transfer);
                transfer.acknowledgements += 1;
                under_way.push((transfer.acknowledgements, message));
                network.acknowledge(message)?;
            }
        }
        transfer.rounds += 1;
        // It is doubled each time that the oldest message is sent again.
        let time_out = FIRST_TIME_OUT * 2_u32.pow(tries[oldest] - 1);
        network.wait_for(time_out)?;
        while due.iter().any(|&message| !is_acknowledged[message]) {
            let Some(message) = network.await_acknowledgement()? else {
                transfer.time_outs.push(time_out);
                break;
            };
            if let Some(known) = is_acknowledged.get_mut(message) {
                *known = true;
            }
            if let Some(place) = under_way.iter().position(|(_, of)| *of == message) {
                under_way.remove(place);
            }
        }
        transfer.lost_back.extend(under_way.iter().map(|(number, _)| number));
    }
    Ok(transfer)
}

/// The network as its script has it.
struct Scripted {
    channels: [Channel<usize>; 2],
    /// The acknowledgements that have come to the client.
    arrived: Vec<usize>,
}

impl Network for Scripted {
    type Error = Infallible;

    fn wait_for(&mut self, _: Duration) -> Result<(), Infallible> {
        Ok(())
    }

    fn send(&mut self, message: usize) -> Result<Vec<usize>, Infallible> {
        Ok(self.channels[RelayDirection::ToServer as usize].pass(message))
    }

    fn acknowledge(&mut self, message: usize) -> Result<(), Infallible> {
        self.arrived.extend(self.channels[RelayDirection::ToClient as usize].pass(message));
        Ok(())
    }

    fn await_acknowledgement(&mut self) -> Result<Option<usize>, Infallible> {
        Ok((!self.arrived.is_empty()).then(|| self.arrived.remove(0)))
    }
}

/// What is to come of a transfer of so many messages, up to `window` at a time, by the script alone.
pub fn planned_transfer(script: Script, messages: usize, window: usize) -> Transfer {
    let Ok(transfer) = run(&mut Scripted { channels: Channel::both(script), arrived: Vec::new() }, messages, window);
    transfer
}

/// The network of sockets, with a relay between client and server.
struct Sockets<'l> {
    lab: &'l Lab,
    client: Endpoint,
    relay: LossyRelay,
    server: Endpoint,
    /// The time-out that the client's socket has.
    time_out: Duration,
    /// How many time-outs ended before their time.
    early: usize,
}

/// The number at the end of `text`, behind `word` and a blank; nothing where it is another text.
pub fn number_behind(word: &str, text: &[u8]) -> Option<usize> {
    let number = std::str::from_utf8(text).ok()?.strip_prefix(word)?.strip_prefix(' ')?;
    number.parse().ok()
}

impl Network for Sockets<'_> {
    type Error = SceneError;

    fn wait_for(&mut self, time_out: Duration) -> Result<(), SceneError> {
        if self.time_out != time_out {
            self.client.set(&RECEIVE_TIMEOUT, time_out)?;
            self.time_out = time_out;
        }
        Ok(())
    }

    fn send(&mut self, message: usize) -> Result<Vec<usize>, SceneError> {
        self.client.send_to(format!("data {message}").as_bytes(), self.relay.endpoint())?;
        let received = match self.relay.pass(&self.client, &self.server)? {
            // That nothing comes is to be proved.
            0 => self.server.receive_until_marker(BUFFER)?.iter().cloned().collect(),
            passed => (0..passed).map(|_| self.server.receive(BUFFER)).collect::<Vec<_>>(),
        };
        Ok(received.iter().filter_map(|result| number_behind("data", result.bytes())).collect())
    }

    fn acknowledge(&mut self, message: usize) -> Result<(), SceneError> {
        self.server.send_to(format!("ack {message}").as_bytes(), self.relay.endpoint())?;
        self.relay.pass(&self.client, &self.server)?;
        Ok(())
    }

    fn await_acknowledgement(&mut self) -> Result<Option<usize>, SceneError> {
        let (result, waited) = self.lab.timed(|| self.client.receive(BUFFER));
        match result {
            // What is no acknowledgement is of no message.
            ReceiveResult::Datagram(received) => Ok(Some(number_behind("ack", &received.bytes).unwrap_or(0))),
            ReceiveResult::Failed { .. } => {
                self.early += usize::from(!has_lasted(waited, self.time_out));
                Ok(None)
            }
            // Unrelated senders did not let it come to that.
            _ => Ok(None),
        }
    }
}

/// Makes that transfer with sockets and a relay: what came of it, and how many time-outs ended before their time.
pub fn transfer(lab: &Lab, script: Script, messages: usize, window: usize) -> Result<(Transfer, usize), SceneError> {
    let client = lab.bind_without_limit("client")?;
    let relay = LossyRelay::new(lab, script)?;
    let mut sockets = Sockets { lab, client, relay, server: lab.bind("server")?, time_out: Duration::ZERO, early: 0 };
    let transfer = run(&mut sockets, messages, window)?;
    Ok((transfer, sockets.early))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(to_server: &'static [u64], to_client: &'static [u64]) -> Script {
        Script::Lost { to_server, to_client }
    }

    fn in_milliseconds(transfer: &Transfer) -> Vec<u128> {
        transfer.time_outs.iter().map(Duration::as_millis).collect()
    }

    /// Sent #1 is lost; #2 arrives, and acknowledgement #1 is lost; #3 is a duplicate, and acknowledgement #2 arrives.
    #[test]
    fn one_message_is_sent_until_it_is_acknowledged_and_delivered_once() {
        let transfer = planned_transfer(lost(&[1], &[1]), 1, 1);
        assert_eq!((transfer.delivered.as_slice(), transfer.duplicates.as_slice()), (&[1][..], &[1][..]));
        assert_eq!((transfer.transmissions, transfer.acknowledgements, transfer.rounds), (3, 2, 3));
        assert_eq!((transfer.lost_there.as_slice(), transfer.lost_back.as_slice()), (&[1][..], &[1][..]));
        assert_eq!((in_milliseconds(&transfer), transfer.given_up), (vec![4, 8], None));
    }

    /// Round 1 sends 1 to 3, of which 1 is lost, and the acknowledgement of 3; round 2 sends 1 and 3; round 3 sends 4.
    #[test]
    fn a_window_keeps_what_comes_early_and_repeats_what_is_missing() {
        let transfer = planned_transfer(lost(&[1], &[2]), 4, 3);
        assert_eq!((transfer.delivered.as_slice(), transfer.kept.as_slice()), (&[1, 2, 3, 4][..], &[2, 3][..]));
        assert_eq!((transfer.transmissions, transfer.rounds, transfer.duplicates.as_slice()), (6, 3, &[3][..]));
        assert_eq!((transfer.lost_there.as_slice(), transfer.lost_back.as_slice()), (&[1][..], &[2][..]));
        assert_eq!(in_milliseconds(&transfer), [4]);
    }

    #[test]
    fn the_time_out_is_doubled_for_one_message_and_not_for_the_next() {
        let transfer = planned_transfer(lost(&[1, 2, 4], &[]), 2, 1);
        assert_eq!((in_milliseconds(&transfer), transfer.delivered), (vec![4, 8, 4], vec![1, 2]));
    }

    #[test]
    fn a_sender_gives_up_after_five_tries() {
        let transfer = planned_transfer(lost(&[2, 3, 4, 5, 6, 7], &[]), 3, 1);
        assert_eq!((transfer.given_up, transfer.transmissions), (Some(2), 6));
        assert_eq!((in_milliseconds(&transfer), transfer.delivered), (vec![4, 8, 16, 32, 64], vec![1]));
    }

    #[test]
    fn without_losses_a_window_takes_its_share_of_the_rounds() {
        for (messages, window, rounds) in [(8, 1, 8), (8, 4, 2), (9, 4, 3), (3, 4, 1)] {
            let transfer = planned_transfer(lost(&[], &[]), messages, window);
            assert_eq!((transfer.rounds, transfer.delivered.len(), transfer.time_outs.len()), (rounds, messages, 0));
        }
    }

    #[test]
    fn a_number_stands_behind_its_word() {
        assert_eq!((number_behind("ack", b"ack 12"), number_behind("ack", b"data 12")), (Some(12), None));
        assert_eq!(
            (number_behind("ack", b"ack12"), number_behind("ack", b"ack "), number_behind("ack", b"\xff")),
            (None, None, None)
        );
    }
}
