//! The clients of a relay, each with a socket of its own towards the server: by its port the answers are told apart.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socket2::Socket;

use super::Flow;
use crate::programs::rules::Account;
use crate::sockets::Call;

/// A client, and what is known of it.
pub(super) struct Client {
    /// Which one it is, counted from 1.
    pub number: u64,
    pub address: SocketAddr,
    /// Connected to the server: nobody else answers there.
    pub socket: Socket,
    /// What came from it and went to it.
    pub account: Account,
    last_active: Instant,
    /// The highest number that was sent on, for each direction.
    highest: [u64; 2],
}

impl Client {
    /// Notes that a datagram of it, or for it, has come.
    pub fn is_active(&mut self, now: Instant) {
        self.last_active = now;
    }

    /// Notes that datagram `number` of this direction was sent; whether a later one has been before.
    pub fn was_overtaken(&mut self, flow: Flow, number: u64) -> bool {
        let highest = &mut self.highest[flow.direction as usize];
        let overtaken = number < *highest;
        *highest = number.max(*highest);
        overtaken
    }
}

/// The clients that are told apart, at most [`Clients::MOST`].
#[derive(Default)]
pub(super) struct Clients {
    all: Vec<Client>,
    seen: u64,
}

/// There are too many clients, and each has been active within [`Clients::SILENCE`].
pub(super) struct TooMany;

impl Clients {
    /// Most clients at once: each takes a socket, and systems grant few.
    pub const MOST: usize = 100;

    /// After this time a client may have to give way to a new one.
    pub const SILENCE: Duration = Duration::from_secs(60);

    pub fn all(&self) -> &[Client] {
        &self.all
    }

    /// The client of this number, where it has not given way.
    pub fn get(&mut self, number: u64) -> Option<&mut Client> {
        self.all.iter_mut().find(|client| client.number == number)
    }

    /// The number of the client at this address, where it is known.
    pub fn find(&self, address: SocketAddr) -> Option<u64> {
        self.all.iter().find(|client| client.address == address).map(|client| client.number)
    }

    /// Adds a client, for whom `open` opens a socket; its number.
    ///
    /// # Errors
    /// What `open` says.
    pub fn add(
        &mut self,
        address: SocketAddr,
        now: Instant,
        open: impl FnOnce() -> Call<Socket>,
    ) -> Result<Call<u64>, TooMany> {
        self.evict(now)?;
        Ok(open().map(|socket| {
            self.seen += 1;
            let (number, account) = (self.seen, Account::default());
            self.all.push(Client { number, address, socket, account, last_active: now, highest: [0; 2] });
            number
        }))
    }

    fn evict(&mut self, now: Instant) -> Result<(), TooMany> {
        if self.all.len() < Self::MOST {
            return Ok(());
        }
        let silent = |client: &Client| now.duration_since(client.last_active) >= Self::SILENCE;
        let longest = (0..self.all.len()).min_by_key(|index| self.all[*index].last_active);
        let index = longest.filter(|index| silent(&self.all[*index])).ok_or(TooMany)?;
        self.all.swap_remove(index);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets;

    #[test]
    fn the_one_that_has_been_silent_for_longest_gives_way_and_nobody_who_is_active() {
        let start = Instant::now();
        let mut clients = Clients::default();
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let add = |clients: &mut Clients, port, now| match clients.add(address(port), now, || sockets::udp(address(9)))
        {
            Ok(added) => Some(added.unwrap()),
            Err(TooMany) => None,
        };
        let most = u16::try_from(Clients::MOST).unwrap();
        for port in 1..=most {
            assert_eq!(add(&mut clients, port, start), Some(port.into()));
        }
        let almost = start + Clients::SILENCE - Duration::from_millis(1);
        assert_eq!(add(&mut clients, 1000, almost), None);
        for client in [1, 3] {
            clients.get(client).unwrap().is_active(almost);
        }
        let later = start + Clients::SILENCE;
        assert_eq!(add(&mut clients, 1000, later), Some(u64::from(most) + 1));
        assert_eq!(clients.all().len(), Clients::MOST);
        assert_eq!([1, 2, 3].map(|port| clients.find(address(port))), [Some(1), None, Some(3)]);
    }
}
