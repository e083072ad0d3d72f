//! End markers: the proof that nothing more comes.
//!
//! A datagram that was sent may still be under way, and datagrams of different flows may overtake each other: loopback
//! can deliver them on different CPUs. Within one flow (the same addresses and ports) they stay in order; but Linux
//! counts what a connected socket sends as a flow of its own. So an end marker is sent on every path by which anything
//! can come, as the datagrams were: from each socket that has sent to the receiver, and from each that the receiver has
//! sent to. When all of them have come, everything has come.
//!
//! Where a marker cannot arrive, its end is seen otherwise. What nobody listens for, or what a connected socket does
//! not take, is answered with ICMP: a socket opened for the marker alone gets ECONNREFUSED, behind all that the same
//! flow had caused. It is connected, unless the datagrams came from one that is not, and the system keeps errors for
//! such sockets. Of sockets that share a port, the marker joins the queue of the one that gets the flow.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use socket2::Socket;

use super::directory::{Entry, Path};
use super::lock::lock;
use super::queue_counts::QueueCounts;
use super::recorded::RecordedSocket;
use super::{Call, CallError, SceneError};
use crate::kernel::{self, HERE};
use crate::sockets;
use crate::vocabulary::{Os, Peer, SendForm, SocketError};

/// An end marker is one byte long, so that no buffer truncates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    from: SocketAddr,
    byte: u8,
}

/// The end markers of a scene that are under way.
#[derive(Debug, Default)]
pub(super) struct Markers {
    outstanding: Mutex<Vec<Marker>>,
}

impl Markers {
    fn outstanding(&self) -> MutexGuard<'_, Vec<Marker>> {
        lock(&self.outstanding)
    }

    /// Whether a datagram is an end marker.
    pub(super) fn is_one(&self, from: SocketAddr, bytes: &[u8]) -> bool {
        let [byte] = *bytes else { return false };
        self.outstanding().contains(&Marker { from, byte })
    }

    /// A new marker to be sent from `from`. Its byte is in no payload sent from there, whole or truncated: first come
    /// those that no text in UTF-8 has.
    fn new_from(&self, from: SocketAddr, is_sent: impl Fn(u8) -> bool) -> Option<Marker> {
        let mut outstanding = self.outstanding();
        let candidates = (0xf5..=0xff).rev().chain([0xc1, 0xc0]).chain((0..=0xf4).rev());
        let free = |byte: &u8| !is_sent(*byte) && !outstanding.contains(&Marker { from, byte: *byte });
        let marker = Marker { from, byte: candidates.into_iter().find(free)? };
        outstanding.push(marker);
        Some(marker)
    }

    fn forget(&self, marker: Marker) {
        self.outstanding().retain(|known| *known != marker);
    }
}

/// What became of a marker that was sent.
enum Fate {
    /// It will be received.
    UnderWay,
    /// It was refused, or another socket of the same port has it: nothing of its flow comes to the receiver any more.
    Settled,
}

/// The proof that everything has come to one socket.
#[derive(Debug, Default)]
pub(super) struct Proof {
    /// The paths on which no marker has been sent yet.
    paths: Vec<Path>,
    awaited: Vec<(Marker, Path)>,
    /// What the kernel had dropped at the receiver before a marker was sent.
    dropped: Option<usize>,
    /// Sockets that were opened for markers: closed too early, they would be answered for by somebody else.
    opened: Vec<Arc<Socket>>,
    begun: bool,
    /// Whether a marker has been received.
    received: bool,
    /// Whether the news of a datagram of the lesson came to a socket that was opened for a marker.
    disturbed: bool,
}

impl Proof {
    /// Begins the proof that everything has come to `receiver`.
    ///
    /// # Errors
    /// What the system says of a marker that is to be refused.
    pub(super) fn begin(receiver: &RecordedSocket) -> Result<Self, SceneError> {
        let (paths, refused) = paths_into(receiver);
        let mut proof = Proof { paths, dropped: kernel::drops(&receiver.socket), ..Proof::default() };
        for path in refused {
            proof.prove_refusal(receiver, path)?;
        }
        Ok(proof)
    }

    /// Sends the markers that are due: first one alone, since the receive buffer may be full; when it has come, all
    /// others.
    ///
    /// # Errors
    /// What the system says of sending a marker.
    pub(super) fn advance(&mut self, receiver: &RecordedSocket) -> Result<(), SceneError> {
        while self.awaited.is_empty() && !self.paths.is_empty() {
            let due = if self.begun { std::mem::take(&mut self.paths) } else { self.paths.pop().into_iter().collect() };
            self.begun = true;
            for path in due {
                self.send(receiver, path)?;
            }
        }
        Ok(())
    }

    /// Sends the markers again where the queue has been read and the kernel has dropped something: the receive buffer
    /// had no room for one.
    ///
    /// # Errors
    /// What the system says of sending a marker.
    pub(super) fn replace_dropped(&mut self, receiver: &RecordedSocket) -> Result<(), SceneError> {
        let dropped = kernel::drops(&receiver.socket);
        if dropped <= self.dropped || kernel::is_readable(&receiver.socket).unwrap_or(true) {
            return Ok(());
        }
        self.dropped = dropped;
        std::mem::take(&mut self.awaited).into_iter().try_for_each(|(_, path)| self.send(receiver, path))
    }

    /// A marker was received.
    pub(super) fn arrived(&mut self, receiver: &RecordedSocket, from: SocketAddr, byte: u8) {
        let marker = Marker { from, byte };
        receiver.context.markers.forget(marker);
        let before = self.awaited.len();
        self.awaited.retain(|(awaited, _)| *awaited != marker);
        self.received |= self.awaited.len() < before;
    }

    /// Whether nothing more can come.
    pub(super) fn is_complete(&self) -> bool {
        self.awaited.is_empty() && self.paths.is_empty()
    }

    /// Whether the proof itself has taken away news that the receiver might have had.
    pub(super) fn is_disturbed(&self) -> bool {
        self.disturbed
    }

    /// Whether the queue was read up to a marker; where none was to be received, what is queued has not been read yet.
    pub(super) fn has_read_the_queue(&self) -> bool {
        self.received
    }

    /// Sends one more marker from `from`, for somebody who still waits for something to come to `receiver`.
    pub(super) fn wake(&mut self, receiver: &RecordedSocket, from: SocketAddr) -> Result<(), SceneError> {
        let to = receiver.address().unwrap_or(sockets::ANY_PORT);
        self.send(receiver, Path { from, to })?;
        // Nobody counts on it.
        self.awaited.clear();
        Ok(())
    }

    /// Sends markers behind everything that is under way to `receiver`, or one from elsewhere where nothing is, so that
    /// a receive there ends.
    ///
    /// # Errors
    /// What the system says of sending them.
    pub(super) fn end_a_receive(receiver: &RecordedSocket) -> Result<(), SceneError> {
        let mut proof = Proof::begin(receiver)?;
        proof.advance(receiver)?;
        match proof.awaited.is_empty() {
            true => proof.send_from_elsewhere(receiver, receiver.address().unwrap_or(sockets::ANY_PORT)),
            false => Ok(()),
        }
    }

    fn send(&mut self, receiver: &RecordedSocket, path: Path) -> Result<(), SceneError> {
        let context = &receiver.context;
        let marker = new_marker(receiver, path.from)?;
        let to = Peer { name: receiver.name.clone(), address: path.to };
        let watched = Watched::before(receiver, path);
        let fate = match direct(receiver, path, &to) {
            Some((socket, form)) => {
                RecordedSocket::send_marker(context, &socket, path.from, form, &to, marker.byte)?;
                watched.fate(|| false)
            }
            None => {
                let (socket, form) = match watched.filters {
                    true => (beside(receiver, path)?, SendForm::Connected),
                    false => (bound_beside(receiver, path)?, SendForm::To(to.clone())),
                };
                let socket = Arc::new(socket);
                let keeps_errors = watched.filters && kernel::keep_errors(&socket).is_ok();
                self.send_beside(receiver, &socket, path.from, &form, &to, marker)?;
                let refused = || watched.filters && self.is_marker_refused(&socket, marker, keeps_errors);
                let fate = watched.fate(refused);
                self.opened.push(socket);
                fate
            }
        };
        match fate {
            Fate::UnderWay => self.awaited.push((marker, path)),
            Fate::Settled => {}
        }
        Ok(())
    }

    /// Proves that everything that `receiver` has sent to a port where nobody listens has been answered.
    fn prove_refusal(&mut self, receiver: &RecordedSocket, path: Path) -> Result<(), SceneError> {
        let context = &receiver.context;
        await_natural_refusal(receiver);
        let opened = bound_beside(receiver, path).and_then(|socket| {
            let keeps_errors = kernel::keep_errors(&socket).is_ok();
            let connects = !keeps_errors || receiver.peer().is_some();
            if connects {
                sockets::connect(&socket, path.to)?;
            }
            Ok((Arc::new(socket), keeps_errors, connects))
        });
        let Ok((socket, keeps_errors, connects)) = opened else {
            // The system does not share the port: an ordinary marker, of another flow, has to do.
            return self.send_from_elsewhere(receiver, path.from);
        };
        let name = context.directory.closed_port(path.to).unwrap_or_else(|| "nobody".to_owned());
        let nobody = Peer { name, address: path.to };
        let form = if connects { SendForm::Connected } else { SendForm::To(nobody.clone()) };
        let marker = new_marker(receiver, path.from)?;
        self.send_beside(receiver, &socket, path.from, &form, &nobody, marker)?;
        let refused = || self.is_marker_refused(&socket, marker, keeps_errors).then_some(());
        if context.session.wait(refused).is_none() {
            return Err(SceneError::Skip(format!(
                "a datagram to {}, where nobody listens, was not answered with ICMP",
                path.to
            )));
        }
        context.markers.forget(marker);
        Ok(())
    }

    /// Sends a marker through a socket that was opened beside one of the scene's. It may be told of an earlier datagram
    /// instead: then nothing was sent.
    fn send_beside(
        &mut self,
        receiver: &RecordedSocket,
        socket: &Arc<Socket>,
        from: SocketAddr,
        form: &SendForm,
        to: &Peer,
        marker: Marker,
    ) -> Call<()> {
        let send = || RecordedSocket::send_marker(&receiver.context, socket, from, form.clone(), to, marker.byte);
        match send() {
            Err(error) if error.error.is(SocketError::ConnectionRefused, HERE) => {
                self.disturbed = true;
                send()
            }
            sent => sent,
        }
    }

    fn is_marker_refused(&mut self, socket: &Socket, marker: Marker, keeps_errors: bool) -> bool {
        if !keeps_errors {
            return is_refused(socket);
        }
        let mut payload = [0; 2];
        while let Ok(Some(length)) = kernel::next_error(socket, &mut payload) {
            if payload[..length.min(2)] == [marker.byte] {
                return true;
            }
            self.disturbed = true;
        }
        false
    }

    fn send_from_elsewhere(&mut self, receiver: &RecordedSocket, to: SocketAddr) -> Result<(), SceneError> {
        let socket = Arc::new(sockets::bound(sockets::any_port_beside(to))?);
        let path = Path { from: sockets::address_of(&socket)?, to };
        let to = Peer { name: receiver.name.clone(), address: to };
        let marker = new_marker(receiver, path.from)?;
        let form = SendForm::To(to.clone());
        RecordedSocket::send_marker(&receiver.context, &socket, path.from, form, &to, marker.byte)?;
        self.opened.push(socket);
        self.awaited.push((marker, path));
        Ok(())
    }
}

/// How anything can come to `receiver`; and from where to where it has sent in vain, so that news of that can come.
fn paths_into(receiver: &RecordedSocket) -> (Vec<Path>, Vec<Path>) {
    let (mut paths, mut refused) = (Vec::new(), Vec::new());
    let directory = &receiver.context.directory;
    let Some(id) = receiver.id() else { return (paths, refused) };
    let add = |paths: &mut Vec<Path>, path: Path| {
        if !paths.contains(&path) {
            paths.push(path);
        }
    };
    for (sender, to) in directory.senders_to(id) {
        add(&mut paths, Path { from: source(&sender, to), to });
    }
    let me = directory.entry(id);
    for there in directory.destinations(id).into_iter().filter(|there| !there.ip().is_multicast()) {
        let here = source(&me, there);
        match directory.knows(there) {
            true => add(&mut paths, Path { from: there, to: here }),
            false => add(&mut refused, Path { from: here, to: there }),
        }
    }
    (paths, refused)
}

/// The address from which a datagram of `entry` to `to` comes.
fn source(entry: &Entry, to: SocketAddr) -> SocketAddr {
    let chosen = || sockets::source_towards(to, entry.bound.port());
    match entry.bound.ip().is_unspecified() && !to.ip().is_multicast() {
        true => chosen().unwrap_or(sockets::reached_at(entry.bound)),
        false => sockets::reached_at(entry.bound),
    }
}

fn new_marker(receiver: &RecordedSocket, from: SocketAddr) -> Result<Marker, SceneError> {
    let context = &receiver.context;
    let marker = context.markers.new_from(from, |byte| context.directory.is_sent_from(from, byte));
    marker.ok_or_else(|| SceneError::Skip("every byte is in some payload: none is left for an end marker".to_owned()))
}

/// The scene's own socket that can send on `path` as it is, and how.
fn direct(receiver: &RecordedSocket, path: Path, to: &Peer) -> Option<(Arc<Socket>, SendForm)> {
    if filters(receiver, path) {
        return None;
    }
    let senders = receiver.context.directory.reached_at(path.from);
    senders.into_iter().find_map(|sender| {
        let form = match sender.peer {
            None => SendForm::To(to.clone()),
            Some(peer) if peer == path.to => SendForm::Connected,
            Some(_) => return None,
        };
        (source(&sender, path.to) == path.from).then_some((sender.socket()?, form))
    })
}

/// Whether the receiver is connected to somebody else: it takes nothing that comes on this path.
fn filters(receiver: &RecordedSocket, path: Path) -> bool {
    receiver.peer().is_some_and(|peer| peer.address != path.from)
}

/// A socket that is [`bound_beside`], and is connected to the path's end: it alone learns of a refusal.
fn beside(receiver: &RecordedSocket, path: Path) -> Call<Socket> {
    let socket = bound_beside(receiver, path)?;
    sockets::connect(&socket, path.to)?;
    Ok(socket)
}

/// A socket that is bound beside those of the scene which have the path's source, or had it: what it sends is of the
/// same flow as what an unconnected one sent.
fn bound_beside(receiver: &RecordedSocket, path: Path) -> Call<Socket> {
    let socket = sockets::udp(path.from)?;
    let sharing: Vec<_> = receiver.context.directory.reached_at(path.from).iter().filter_map(Entry::socket).collect();
    let shared: Vec<_> = sharing.iter().filter(|sharing| !is_shared(sharing)).collect();
    if !sharing.is_empty() {
        share(&socket, true, path.from)?;
    }
    // Only for the moment: whoever else asks for the port is not to get it.
    let opened = shared.iter().try_for_each(|sharing| share(sharing, true, path.from));
    let bound = opened.and_then(|()| sockets::bind(&socket, path.from));
    let closed = shared.iter().try_for_each(|sharing| share(sharing, false, path.from));
    bound.and(closed)?;
    Ok(socket)
}

fn is_shared(socket: &Socket) -> bool {
    socket.reuse_address().unwrap_or(false)
}

fn share(socket: &Socket, on: bool, address: SocketAddr) -> Call<()> {
    let option = match HERE {
        Os::Macos => &kernel::option::REUSE_PORT.name,
        Os::Linux | Os::Windows => &kernel::option::REUSE_ADDRESS.name,
    };
    kernel::option::set(socket, option, on.into()).map_err(|error| CallError::new(format!("share {address}"), &error))
}

/// Waits until the system has received one more refusal than before the receiver's last datagram to nobody. That proves
/// nothing: another program may have caused it. But it lets the receiver have its news before a socket is opened beside
/// it.
fn await_natural_refusal(receiver: &RecordedSocket) {
    let before = *lock(&receiver.refusals_before);
    let address = receiver.address().unwrap_or(sockets::ANY_PORT).ip();
    if before.is_some() {
        receiver.context.session.wait(|| (kernel::refusals_received(address) > before).then_some(()));
    }
}

/// Whether the answer has come that nobody takes what this socket sends.
fn is_refused(socket: &Socket) -> bool {
    matches!(socket.take_error(), Ok(Some(_)))
}

/// The sockets among which a marker's end can be seen from outside.
struct Watched<'a> {
    receiver: &'a RecordedSocket,
    filters: bool,
    /// The other sockets that share the address, each with what it had queued and dropped before.
    others: Vec<(Arc<Socket>, Option<QueueCounts>)>,
    own: Option<QueueCounts>,
}

impl<'a> Watched<'a> {
    fn before(receiver: &'a RecordedSocket, path: Path) -> Self {
        let sharing = receiver.context.directory.reached_at(path.to);
        // One that is connected to somebody else gets nothing from there.
        let takes = |entry: &&Entry| entry.peer.is_none_or(|peer| peer == path.from);
        let sharing = sharing.iter().filter(takes).filter(|_| !path.to.ip().is_multicast());
        let sockets = sharing.filter_map(Entry::socket).filter(|socket| !Arc::ptr_eq(socket, &receiver.socket));
        let others = sockets
            .map(|socket| {
                let counts = QueueCounts::of(&socket);
                (socket, counts)
            })
            .collect();
        Watched { receiver, filters: filters(receiver, path), others, own: QueueCounts::of(&receiver.socket) }
    }

    /// What became of the marker, as soon as that can be seen.
    fn fate(&self, mut is_refused: impl FnMut() -> bool) -> Fate {
        if !self.filters && self.others.iter().all(|(_, counts)| counts.is_none()) {
            return Fate::UnderWay;
        }
        let fate = self.receiver.context.session.wait(|| {
            if is_refused() || self.others.iter().any(|(socket, before)| QueueCounts::of(socket) > *before) {
                return Some(Fate::Settled);
            }
            (QueueCounts::of(&self.receiver.socket) > self.own).then_some(Fate::UnderWay)
        });
        fate.unwrap_or(Fate::UnderWay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_a_byte_that_was_not_sent_from_there() {
        let markers = Markers::default();
        let (here, there) = ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        let is_sent = |byte| (0xc0..=0xfe).contains(&byte);
        let first = markers.new_from(here, is_sent).unwrap();
        let second = markers.new_from(here, is_sent).unwrap();
        assert_eq!((first.byte, second.byte), (0xff, 0xbf));
        assert!(markers.is_one(here, &[0xff]) && !markers.is_one(there, &[0xff]) && !markers.is_one(here, &[0xff, 0]));
        markers.forget(first);
        assert!(!markers.is_one(here, &[0xff]));
        assert_eq!(markers.new_from(there, |_| true), None);
    }
}
