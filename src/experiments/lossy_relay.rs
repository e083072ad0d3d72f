//! A relay between a client and a server, of which is known before what it does to each datagram.

use crate::lab::{Call, Endpoint, Lab, ReceiveResult, Target};
use crate::vocabulary::{Decision, Delay, Impairments, Peer, RelayDirection, Share};

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
    /// It loses those with these numbers, counted from 1 in each direction.
    Lost {
        /// On the way to the server.
        to_server: &'static [u64],
        /// On the way to the client.
        to_client: &'static [u64],
    },
}

impl Script {
    /// What becomes of the `number`-th datagram in this direction.
    pub fn decide(&self, direction: RelayDirection, number: u64) -> Decision {
        match *self {
            Script::Seed { seed, lose, duplicate, reorder } => {
                let impairments = Impairments { lose, delay: Delay::NONE, duplicate, reorder, corrupt: Share::NONE };
                impairments.decide(seed, direction, number, &[])
            }
            Script::Lost { to_server, to_client } => {
                let lost = match direction {
                    RelayDirection::ToServer => to_server,
                    RelayDirection::ToClient => to_client,
                };
                Decision { lost: lost.contains(&number), ..Decision::default() }
            }
        }
    }
}

/// One direction through a relay.
#[derive(Debug)]
pub struct Channel<T> {
    script: Script,
    direction: RelayDirection,
    /// How many datagrams have come in this direction.
    count: u64,
    /// Those that wait until the next one has passed.
    held_back: Vec<T>,
}

impl<T: Clone> Channel<T> {
    /// The direction of `script` in which nothing has come yet.
    pub fn new(script: Script, direction: RelayDirection) -> Self {
        Channel { script, direction, count: 0, held_back: Vec::new() }
    }

    /// Both directions, by the number of [`RelayDirection`].
    pub fn both(script: Script) -> [Self; 2] {
        [RelayDirection::ToServer, RelayDirection::ToClient].map(|direction| Channel::new(script, direction))
    }

    /// A datagram comes: what goes on, in this order.
    pub fn pass(&mut self, datagram: T) -> Vec<T> {
        self.count += 1;
        let decision = self.script.decide(self.direction, self.count);
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
    /// For each direction.
    channels: [Channel<Vec<u8>>; 2],
}

impl LossyRelay {
    /// A relay that does what `script` says.
    ///
    /// # Errors
    /// What the system says of the socket.
    pub fn new(lab: &Lab, script: Script) -> Call<Self> {
        Ok(LossyRelay { endpoint: lab.bind("relay")?, channels: Channel::both(script) })
    }

    /// Takes the next datagram and sends on what the script says, to the other one of the two: how many datagrams. What
    /// goes to the client is queued there when this returns.
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
        let direction = match received.from {
            Some(Peer { name, .. }) if name == client.name() => RelayDirection::ToServer,
            _ => RelayDirection::ToClient,
        };
        let passed = self.channels[direction as usize].pass(received.bytes);
        self.send(&passed, direction, client, server)?;
        Ok(passed.len())
    }

    /// Sends what it still holds back for the server.
    ///
    /// # Errors
    /// What the system says of a send.
    pub fn pass_the_rest(&mut self, client: &Endpoint, server: &impl Target) -> Call<()> {
        let rest = self.channels[RelayDirection::ToServer as usize].rest();
        self.send(&rest, RelayDirection::ToServer, client, server)
    }

    fn send(&self, passed: &[Vec<u8>], direction: RelayDirection, client: &Endpoint, server: &impl Target) -> Call<()> {
        passed.iter().try_for_each(|payload| match direction {
            RelayDirection::ToServer => self.endpoint.send_to(payload, server).map(drop),
            RelayDirection::ToClient => client.queue(|| self.endpoint.send_to(payload, client)),
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
    fn passed(script: Script, direction: RelayDirection, count: usize) -> Vec<usize> {
        let mut channel = Channel::new(script, direction);
        let mut passed: Vec<usize> = (1..=count).flat_map(|number| channel.pass(number)).collect();
        passed.extend(channel.rest());
        passed
    }

    #[test]
    fn a_script_of_numbers_loses_these_and_no_others() {
        let script = Script::Lost { to_server: &[1, 3], to_client: &[2] };
        assert_eq!(passed(script, RelayDirection::ToServer, 5), [2, 4, 5]);
        assert_eq!(passed(script, RelayDirection::ToClient, 3), [1, 3]);
    }

    /// The same numbers are lost as by the relay: see `a_seed_stands_for_the_same_decisions_for_ever`.
    #[test]
    fn a_seed_loses_what_the_relay_loses() {
        let lose = "50%".parse().unwrap();
        let script = Script::Seed { seed: 42, lose, duplicate: Share::NONE, reorder: Share::NONE };
        assert_eq!(passed(script, RelayDirection::ToServer, 20), [1, 2, 4, 5, 6, 7, 10, 11, 14, 17, 18, 19]);
    }

    #[test]
    fn what_is_held_back_goes_before_the_copy_of_the_next() {
        let all = "100%".parse().unwrap();
        let script = |duplicate, reorder| Script::Seed { seed: 1, lose: Share::NONE, duplicate, reorder };
        assert_eq!(passed(script(all, Share::NONE), RelayDirection::ToServer, 2), [1, 1, 2, 2]);
        assert_eq!(passed(script(all, all), RelayDirection::ToServer, 2), [1, 1, 2, 2]);
        let mut channel = Channel::new(script(all, Share::NONE), RelayDirection::ToServer);
        channel.held_back = vec![1];
        assert_eq!(channel.pass(2), [2, 1, 2]);
    }
}
