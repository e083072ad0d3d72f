//! A relay between a client and a server, of which is known before what it does to each datagram.

use crate::lab::{Call, Endpoint, Lab, ReceiveResult, Target};
use crate::vocabulary::{Chances, Decision, Delay, Peer, Share, Way};

/// Longest datagram that it takes whole, in bytes.
const BUFFER: usize = 1024;

/// What a relay does to each datagram.
#[derive(Clone, Copy, Debug)]
pub enum Script {
    /// What the same seed has `udp-lab relay` do.
    Seed {
        /// Its `--seed`.
        seed: u64,
        /// Its `--lose`.
        lose: Share,
        /// Its `--duplicate`.
        duplicate: Share,
        /// Its `--reorder`.
        reorder: Share,
    },
    /// It loses those with these numbers, counted from 1 for each way.
    Lost {
        /// On the way to the server.
        to_server: &'static [u64],
        /// On the way to the client.
        to_client: &'static [u64],
    },
}

impl Script {
    /// What becomes of the `number`-th datagram that goes this way.
    pub fn decide(&self, way: Way, number: u64) -> Decision {
        match *self {
            Script::Seed { seed, lose, duplicate, reorder } => {
                let chances = Chances { lose, delay: Delay::NONE, duplicate, reorder, corrupt: Share::NONE };
                chances.decide(seed, way, number, &[])
            }
            Script::Lost { to_server, to_client } => {
                let lost = match way {
                    Way::ToServer => to_server,
                    Way::ToClient => to_client,
                };
                Decision { lost: lost.contains(&number), ..Decision::default() }
            }
        }
    }
}

/// One way through a relay.
#[derive(Debug)]
pub struct Line<T> {
    script: Script,
    way: Way,
    /// How many datagrams have come this way.
    count: u64,
    /// Those that wait until the next one has passed.
    held_back: Vec<T>,
}

impl<T: Clone> Line<T> {
    /// The way of `script` on which nothing has come yet.
    pub fn new(script: Script, way: Way) -> Self {
        Line { script, way, count: 0, held_back: Vec::new() }
    }

    /// Both ways, by the number of [`Way`].
    pub fn both(script: Script) -> [Self; 2] {
        [Way::ToServer, Way::ToClient].map(|way| Line::new(script, way))
    }

    /// A datagram comes: what goes on, in this order.
    pub fn pass(&mut self, datagram: T) -> Vec<T> {
        self.count += 1;
        let decision = self.script.decide(self.way, self.count);
        let mut copies = vec![datagram; if decision.duplicated { 2 } else { 1 }];
        match decision {
            Decision { lost: true, .. } => Vec::new(),
            Decision { held_back: true, .. } => {
                self.held_back.append(&mut copies);
                Vec::new()
            }
            // The relay sends what was held back as soon as a later one has passed, and then that one's copy.
            _ => [copies.remove(0)].into_iter().chain(self.rest()).chain(copies).collect(),
        }
    }

    /// What is still held back when no more comes: the relay sends it after a while.
    pub fn rest(&mut self) -> Vec<T> {
        std::mem::take(&mut self.held_back)
    }
}

/// The relay, with a socket of its own.
#[derive(Debug)]
pub struct LossyRelay {
    endpoint: Endpoint,
    /// For each way.
    lines: [Line<Vec<u8>>; 2],
}

impl LossyRelay {
    /// A relay that does what `script` says.
    ///
    /// # Errors
    /// What the system says of the socket.
    pub fn new(lab: &Lab, script: Script) -> Call<Self> {
        Ok(LossyRelay { endpoint: lab.bind("relay")?, lines: Line::both(script) })
    }

    /// Takes the next datagram and sends on what the script says, to the other one of the two: how many datagrams. What goes to
    /// the client is queued there when this returns.
    ///
    /// # Errors
    /// What the system says of a send.
    pub fn pass(&mut self, client: &Endpoint, server: &impl Target) -> Call<usize> {
        let received = match self.endpoint.receive(BUFFER) {
            // Windows has a receive say that an earlier datagram was refused. The next one brings the datagram.
            ReceiveResult::Failed { .. } => self.endpoint.receive(BUFFER),
            received => received,
        };
        let ReceiveResult::Datagram(received) = received else { return Ok(0) };
        let way = match received.from {
            Some(Peer { name, .. }) if name == client.name() => Way::ToServer,
            _ => Way::ToClient,
        };
        let passed = self.lines[way as usize].pass(received.bytes);
        self.send(&passed, way, client, server)?;
        Ok(passed.len())
    }

    /// Sends what it still holds back for the server.
    ///
    /// # Errors
    /// What the system says of a send.
    pub fn pass_the_rest(&mut self, client: &Endpoint, server: &impl Target) -> Call<()> {
        let rest = self.lines[Way::ToServer as usize].rest();
        self.send(&rest, Way::ToServer, client, server)
    }

    fn send(&self, passed: &[Vec<u8>], way: Way, client: &Endpoint, server: &impl Target) -> Call<()> {
        passed.iter().try_for_each(|payload| match way {
            Way::ToServer => self.endpoint.send_to(payload, server).map(drop),
            Way::ToClient => client.queue(|| self.endpoint.send_to(payload, client)),
        })
    }

    /// Its socket.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes on of `1`, `2`, … `count`, and in the end of what was held back.
    fn passed(script: Script, way: Way, count: usize) -> Vec<usize> {
        let mut line = Line::new(script, way);
        let mut passed: Vec<usize> = (1..=count).flat_map(|number| line.pass(number)).collect();
        passed.extend(line.rest());
        passed
    }

    #[test]
    fn a_script_of_numbers_loses_these_and_no_others() {
        let script = Script::Lost { to_server: &[1, 3], to_client: &[2] };
        assert_eq!(passed(script, Way::ToServer, 5), [2, 4, 5]);
        assert_eq!(passed(script, Way::ToClient, 3), [1, 3]);
    }

    /// The same numbers are lost as by the relay: see `a_seed_stands_for_the_same_decisions_for_ever`.
    #[test]
    fn a_seed_loses_what_the_relay_loses() {
        let lose = "50%".parse().unwrap();
        let script = Script::Seed { seed: 42, lose, duplicate: Share::NONE, reorder: Share::NONE };
        assert_eq!(passed(script, Way::ToServer, 20), [1, 2, 4, 5, 6, 7, 10, 11, 14, 17, 18, 19]);
    }

    #[test]
    fn what_is_held_back_goes_before_the_copy_of_the_next() {
        let all = "100%".parse().unwrap();
        let script = |duplicate, reorder| Script::Seed { seed: 1, lose: Share::NONE, duplicate, reorder };
        assert_eq!(passed(script(all, Share::NONE), Way::ToServer, 2), [1, 1, 2, 2]);
        assert_eq!(passed(script(all, all), Way::ToServer, 2), [1, 1, 2, 2]);
        let mut line = Line::new(script(all, Share::NONE), Way::ToServer);
        line.held_back = vec![1];
        assert_eq!(line.pass(2), [2, 1, 2]);
    }
}
