//! A named UDP socket, and the calls that lessons make on it.

use std::borrow::Cow;
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use socket2::{SockAddr, Socket};

use super::trouble::os_error;
use super::{
    Ahead, Call, CallError, Details, Entry, Moment, Outcome, Peer, Protocol, Receipt, Received, Room, Target, Trouble,
    probe, socket,
};
use crate::platform::{self, HERE};
use crate::vocabulary::{Fact, SocketError};

/// How many datagrams of strangers are passed over after the limit: more than wait in any queue, so that a flood does
/// not hold the lesson.
const MOST_LATE: usize = 10_000;

/// The shortest wait that the system knows of on every machine.
const AT_ONCE: Duration = Duration::from_millis(1);

/// A receive that failed: the error, and the buffer as the call left it.
type Failure = (io::Error, Vec<u8>);

/// Memory that a queued datagram costs besides its payload, at most: bytes per datagram, and twice the payload.
/// Linux 6.18 charges 832 bytes for a small one and 16640 for one of 9000.
const QUEUE_COST: usize = 1024;

/// A named UDP socket on loopback. Its receives end after two seconds at the latest.
#[derive(Debug)]
pub struct Endpoint {
    name: String,
    socket: Socket,
    address: OnceLock<SocketAddr>,
    peer: Mutex<Option<Peer>>,
    /// Whether anything was sent that may still be under way.
    has_sent: AtomicBool,
    /// Whether a stranger's datagram was found in the queue.
    visited: AtomicBool,
    /// The socket of the one endpoint that is heard, by which the fences come.
    only: OnceLock<Socket>,
    room: Arc<Room>,
}

/// What a single receive call can bring, before strangers and fences are sorted out.
enum Arrival {
    Receipt(Receipt),
    /// Its payload tells it from earlier fences.
    Fence(Vec<u8>),
}

/// One successful receive call.
struct Raw {
    bytes: Vec<u8>,
    from: SockAddr,
    details: Details,
}

impl Raw {
    fn plain(bytes: Vec<u8>, from: SockAddr) -> Self {
        Raw { bytes, from, details: Details::default() }
    }
}

impl Endpoint {
    pub(super) fn open(name: &str, room: Arc<Room>) -> Call<Self> {
        let socket = socket::udp(socket::ANY_PORT)?;
        socket::wait_at_most(&socket, socket::LIMIT)?;
        room.log.opened(name);
        Ok(Endpoint {
            name: name.to_owned(),
            socket,
            address: OnceLock::new(),
            peer: Mutex::default(),
            has_sent: AtomicBool::new(false),
            visited: AtomicBool::new(false),
            only: OnceLock::new(),
            room,
        })
    }

    pub(super) fn bound(self, address: SocketAddr) -> Call<Self> {
        self.room.log.ahead(&Ahead { asked: Some(address), ..self.ahead("bind") });
        let result = socket::bind(&self.socket, address);
        if result.is_ok() {
            self.learn_address()?;
        }
        let entry = self.entry("bind", outcome(&result));
        self.room.write(entry.details(Details { asked: Some(address), ..Details::default() }));
        result.map(|()| self)
    }

    fn learn_address(&self) -> Call<()> {
        if self.address.get().is_none() {
            let address = socket::address_of(&self.socket)?;
            self.room.enter(Protocol::Udp, address, &self.name);
            self.address.get_or_init(|| address);
        }
        Ok(())
    }

    fn entry(&self, call: &'static str, result: Outcome) -> Entry<'_> {
        Entry::new(&self.name, &self.socket, self.address.get().copied(), call, result)
    }

    fn ahead(&self, call: &'static str) -> Ahead<'_> {
        Ahead::of(&self.name, call)
    }

    pub(super) fn at_once<T>(&self, calls: impl FnOnce() -> T) -> T {
        self.room.at_once(calls)
    }

    fn write(&self, call: &'static str, result: Outcome) {
        self.room.write(self.entry(call, result));
    }

    /// Sets the peer. POSIX `connect()`: on a datagram socket no connection is made.
    ///
    /// # Errors
    /// What the system says.
    pub fn connect(&self, target: &impl Target) -> Call<()> {
        self.room.log.ahead(&self.ahead("connect").to(target.name()));
        let result = socket::connect(&self.socket, target.address());
        self.room.write(self.entry("connect", outcome(&result)).with(target));
        result?;
        let peer = Peer { name: target.name().to_owned(), address: target.address() };
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner) = Some(peer);
        self.learn_address()
    }

    /// Hears only `from` from now on. For a queue that is to run full: no stranger's datagram takes room in it, or is
    /// counted among those that the kernel dropped. The fences come by way of `from`, and need buffers of a byte.
    ///
    /// # Errors
    /// What the system says.
    pub fn hear_only(&self, from: &Endpoint) -> Call<()> {
        let fence = from.socket.try_clone().map_err(|e| CallError::new(format!("share {}", from.name), &e))?;
        self.connect(from)?;
        self.only.get_or_init(|| fence);
        Ok(())
    }

    /// Sends one datagram to `target`; returns the bytes that the system says it sent.
    ///
    /// # Errors
    /// What the system says; that may be the news about an earlier datagram.
    pub fn send_to(&self, payload: &[u8], target: &impl Target) -> Call<usize> {
        let address = SockAddr::from(target.address());
        self.sent("send_to", (target.name(), target.address()), &[payload], &|| self.socket.send_to(payload, &address))
    }

    /// Sends one datagram to the peer that was set by [`connect`](Self::connect).
    ///
    /// # Errors
    /// What the system says: that there is no peer, or the news about an earlier datagram.
    pub fn send(&self, payload: &[u8]) -> Call<usize> {
        let nobody = Peer { name: "nobody".to_owned(), address: socket::ANY_PORT };
        let peer = self.peer().unwrap_or(nobody);
        self.sent("send", (&peer.name, peer.address), &[payload], &|| self.socket.send(payload))
    }

    fn peer(&self) -> Option<Peer> {
        self.peer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends the buffers as one datagram. POSIX `sendmsg()`.
    ///
    /// # Errors
    /// What the system says.
    pub fn send_gathered(&self, buffers: &[&[u8]], target: &impl Target) -> Call<usize> {
        let slices: Vec<IoSlice<'_>> = buffers.iter().map(|buffer| IoSlice::new(buffer)).collect();
        let address = SockAddr::from(target.address());
        self.sent("sendmsg", (target.name(), target.address()), buffers, &|| {
            self.socket.send_to_vectored(&slices, &address)
        })
    }

    fn sent(
        &self,
        call: &'static str,
        target: (&str, SocketAddr),
        buffers: &[&[u8]],
        send: &dyn Fn() -> io::Result<usize>,
    ) -> Call<usize> {
        let gathered = call == "sendmsg";
        let payload = match buffers {
            [only] => Cow::Borrowed(*only),
            several => Cow::Owned(several.concat()),
        };
        let ahead = self.ahead(call).to(target.0).payload(&payload);
        self.room.log.ahead(&Ahead { parts: if gathered { buffers.len() } else { 0 }, ..ahead });
        let result = send().map_err(|e| CallError::new(format!("{call} from {} to {}", self.name, target.0), &e));
        // Before the event is written: a receiver must be able to tell who this sender is.
        if result.is_ok() {
            self.learn_address()?;
            self.has_sent.store(true, Ordering::Relaxed);
        }
        let outcome = match &result {
            Ok(sent) => Outcome::Bytes(*sent),
            Err(error) => Outcome::Error(error.error.clone()),
        };
        let parts = if gathered { buffers.iter().map(|buffer| buffer.len()).collect() } else { Vec::new() };
        let entry = Entry { with: Some(target), ..self.entry(call, outcome) };
        self.room.write(entry.payload(&payload).details(Details { parts, ..Details::default() }));
        result
    }

    /// Answers a datagram: sends to the endpoint that the receive named. Nothing is sent when nothing was received.
    ///
    /// # Errors
    /// What the system says.
    pub fn answer(&self, receipt: &Receipt, payload: &[u8]) -> Call<()> {
        if let Receipt::Datagram { from, .. } = receipt {
            self.send_to(payload, from)?;
        }
        Ok(())
    }

    /// Receives one datagram into `buffer` bytes, and waits for it up to two seconds.
    pub fn receive(&self, buffer: usize) -> Receipt {
        self.next_receipt("recv_from", buffer, &mut || self.plain(buffer, 0))
    }

    /// Receives by plain `recv`, which does not tell the sender. POSIX `recv()`.
    pub fn recv(&self, buffer: usize) -> Receipt {
        // A peek tells who it is, past any strangers. A connected socket hears only its peer, and still has in its queue
        // what came before it was connected.
        let from = match self.peek(buffer) {
            Receipt::Datagram { from, .. } => from,
            other => return other,
        };
        self.next_receipt("recv", buffer, &mut || {
            let mut bytes = vec![0; buffer];
            let length = platform::receive(&self.socket, &mut bytes, 0).map_err(no_buffer)?;
            bytes.truncate(length);
            Ok(Raw::plain(bytes, SockAddr::from(from.address)))
        })
    }

    /// Looks at the next datagram and leaves it in the queue. POSIX MSG_PEEK.
    pub fn peek(&self, buffer: usize) -> Receipt {
        self.next_receipt("peek_from", buffer, &mut || self.plain(buffer, platform::MSG_PEEK))
    }

    /// Receives with MSG_WAITALL: wait for a full buffer.
    pub fn receive_waiting_for_all(&self, buffer: usize) -> Receipt {
        self.next_receipt("recv_from WAITALL", buffer, &mut || self.plain(buffer, platform::MSG_WAITALL))
    }

    /// Receives what is in the queue now, without waiting.
    ///
    /// # Errors
    /// What the system says of the switch to non-blocking calls and back.
    pub fn receive_now(&self, buffer: usize) -> Call<Receipt> {
        let switch = |on| self.socket.set_nonblocking(on).map_err(|e| CallError::new("switch blocking off and on", &e));
        switch(true)?;
        let receipt = self.next_receipt("recv_from", buffer, &mut || self.plain(buffer, 0));
        switch(false)?;
        Ok(receipt)
    }

    /// Receives one datagram into several buffers, filled in order. POSIX `recvmsg()`. Each part, and whether the
    /// datagram was flagged as cut.
    pub fn receive_scattered(&self, lengths: &[usize]) -> (Vec<Fact>, bool) {
        let mut flagged = false;
        let receipt = self.next_receipt("recvmsg", lengths.iter().sum(), &mut || {
            let raw = self.message(lengths)?;
            flagged = raw.details.cut;
            Ok(raw)
        });
        let Receipt::Datagram { bytes, .. } = &receipt else {
            return (lengths.iter().map(|_| Fact::from(&receipt)).collect(), flagged);
        };
        let mut rest = bytes.as_slice();
        let parts = lengths.iter().map(|&length| {
            let (part, left) = rest.split_at(length.min(rest.len()));
            rest = left;
            Fact::from(part)
        });
        (parts.collect(), flagged)
    }

    /// Receives with `recvmsg` into one buffer: `cut` when the truncation flag was set, else `whole`.
    pub fn truncation_flag(&self, buffer: usize) -> Fact {
        match self.receive_scattered(&[buffer]) {
            (parts, flagged) if matches!(parts.first(), Some(Fact::Bytes(_))) => {
                Fact::from(if flagged { "cut" } else { "whole" })
            }
            (parts, _) => parts.into_iter().next().unwrap_or(Fact::Nothing),
        }
    }

    /// Receives with the Linux input flag MSG_TRUNC: the real length of the datagram, whatever the buffer.
    pub fn real_length(&self, buffer: usize) -> Fact {
        self.length_of("recv_from TRUNC", buffer, platform::MSG_TRUNC)
    }

    /// Asks for the real length of the next datagram, and leaves it in the queue: MSG_PEEK and MSG_TRUNC together.
    pub fn peek_real_length(&self, buffer: usize) -> Fact {
        self.length_of("peek_from TRUNC", buffer, platform::MSG_PEEK | platform::MSG_TRUNC)
    }

    fn length_of(&self, call: &'static str, buffer: usize, flags: i32) -> Fact {
        let mut length = 0;
        let receipt = self.next_receipt(call, buffer, &mut || {
            let mut bytes = vec![0; buffer];
            let (real, from) = platform::receive_from(&self.socket, &mut bytes, flags).map_err(no_buffer)?;
            length = real;
            bytes.truncate(real);
            let details = Details { returned: Some(real as u64), ..Details::default() };
            Ok(Raw { bytes, from, details })
        });
        match receipt {
            Receipt::Datagram { .. } => length.into(),
            other => other.into(),
        }
    }

    /// Calls `read` for 0 bytes, not a receive. Linux `recv(2)`: it has no effect, the datagram stays.
    ///
    /// # Errors
    /// What the system says.
    pub fn read_nothing(&self) -> Call<()> {
        self.room.log.ahead(&self.ahead("read").buffer(0));
        let read = platform::read_nothing(&self.socket);
        let result = read.map_err(|e| CallError::new(format!("read from {}", self.name), &e));
        self.write("read", outcome(&result));
        result
    }

    /// Receives until the fence: a datagram sent now, behind everything that is already under way to this endpoint.
    /// What has not come before it will not come.
    ///
    /// # Errors
    /// What the system says of sending the fence.
    pub fn receive_until_fence(&self, buffer: usize) -> Call<Received> {
        let mut receipts = Vec::new();
        if self.address().port() == 0 {
            // Nobody can send to a socket without a port, not even the fence.
            return Ok(Received { receipts, end: Receipt::FenceLost });
        }
        let raised = self.raise_fence(buffer)?;
        let most = self.room.log.most();
        while receipts.len() < most {
            match self.next_arrival("recv_from", buffer, &mut || self.plain(buffer, 0)) {
                Arrival::Fence(payload) if payload == raised => {
                    return Ok(Received { receipts, end: Receipt::Nothing });
                }
                Arrival::Fence(_) => {}
                Arrival::Receipt(Receipt::Nothing) => break,
                Arrival::Receipt(receipt) => receipts.push(receipt),
            }
        }
        if receipts.len() == most {
            self.room.log.wait_was_in_vain();
        }
        Ok(Received { receipts, end: Receipt::FenceLost })
    }

    /// What comes before a fence that `from` sends: for an endpoint that is connected, and hears only its peer.
    ///
    /// # Errors
    /// What the system says of sending the fence.
    pub fn before_fence_from(&self, from: &Endpoint, buffer: usize) -> Call<Receipt> {
        const PAYLOAD: &[u8] = b"|";
        from.send_to(PAYLOAD, self)?;
        Ok(match self.receive(buffer) {
            Receipt::Datagram { bytes, from: peer } if bytes == PAYLOAD && peer.name == from.name => Receipt::Nothing,
            Receipt::Nothing => Receipt::FenceLost,
            other => other,
        })
    }

    /// What comes before the fence: [`Receipt::Nothing`] proves that nothing was under way.
    ///
    /// # Errors
    /// What the system says of sending the fence.
    pub fn before_fence(&self, buffer: usize) -> Call<Receipt> {
        Ok(self.receive_until_fence(buffer)?.nth(0).clone())
    }

    /// The next request for a server loop; `None` at the fence, or when nothing comes any more.
    pub(super) fn next_request(&self, buffer: usize) -> Option<(Vec<u8>, Peer)> {
        match self.next_arrival("recv_from", buffer, &mut || self.plain(buffer, 0)) {
            Arrival::Receipt(Receipt::Datagram { bytes, from }) => Some((bytes, from)),
            Arrival::Receipt(_) | Arrival::Fence(_) => None,
        }
    }

    /// Sends the fence to this endpoint. It comes from a socket that the scene keeps for this, so that it is known by
    /// its sender; one byte long, or empty for an empty buffer, so that no buffer cuts it. Returns the payload.
    pub(super) fn raise_fence(&self, buffer: usize) -> Call<Vec<u8>> {
        let fence = match self.only.get().or(self.room.fence.get()) {
            Some(fence) => fence,
            None => {
                let fence = socket::bound(socket::ANY_PORT)?;
                self.room.enter(Protocol::Udp, socket::address_of(&fence)?, FENCE);
                self.room.fence.get_or_init(|| fence)
            }
        };
        let number = self.room.fences.fetch_add(1, Ordering::Relaxed);
        let payload = match self.only.get() {
            Some(_) => vec![number | FENCE_BIT],
            None => [number][..buffer.min(1)].to_vec(),
        };
        self.room.log.ahead(&Ahead::of(FENCE, "send_to").to(self.name()).payload(&payload));
        let sent = fence.send_to(&payload, &SockAddr::from(self.address()));
        let sent = sent.map_err(|e| CallError::new(format!("send the fence to {}", self.name), &e))?;
        let local = socket::address_of(fence).ok();
        let entry = Entry { who: FENCE, socket: fence, local, ..self.entry("send_to", Outcome::Bytes(sent)) };
        self.room.write(entry.with(self).payload(&payload));
        Ok(payload)
    }

    fn plain(&self, buffer: usize, flags: i32) -> Result<Raw, Failure> {
        let mut bytes = vec![0; buffer];
        match platform::receive_from(&self.socket, &mut bytes, flags) {
            Ok((length, from)) => {
                bytes.truncate(length);
                Ok(Raw::plain(bytes, from))
            }
            Err(error) => Err((error, bytes)),
        }
    }

    fn message(&self, lengths: &[usize]) -> Result<Raw, Failure> {
        let mut bytes = vec![0; lengths.iter().sum()];
        let (length, cut, from) = platform::receive_parts(&self.socket, &mut bytes, lengths).map_err(no_buffer)?;
        bytes.truncate(length);
        let details = Details { parts: lengths.to_vec(), cut, ..Details::default() };
        Ok(Raw { bytes, from, details })
    }

    /// Fences from earlier proofs are passed over.
    fn next_receipt(
        &self,
        call: &'static str,
        buffer: usize,
        attempt: &mut dyn FnMut() -> Result<Raw, Failure>,
    ) -> Receipt {
        loop {
            match self.next_arrival(call, buffer, attempt) {
                Arrival::Receipt(receipt) => return receipt,
                Arrival::Fence(_) => self.discard_peeked(call),
            }
        }
    }

    /// What is not for the lesson is still in the queue after a peek, and would be peeked at for ever.
    fn discard_peeked(&self, call: &str) {
        if call.starts_with("peek") {
            let _ = self.plain(0, 0);
        }
    }

    fn sender_of(&self, raw: &Raw) -> Option<Peer> {
        let address = raw.from.as_socket()?;
        let name = self.room.name_of(Protocol::Udp, address)?;
        let is_fence = self.only.get().is_some() && matches!(raw.bytes[..], [FENCE_BIT..=u8::MAX]);
        Some(Peer { name: if is_fence { FENCE.to_owned() } else { name }, address })
    }

    /// Datagrams of strangers are set aside: any program on this machine may send here.
    fn next_arrival(
        &self,
        call: &'static str,
        room: usize,
        attempt: &mut dyn FnMut() -> Result<Raw, Failure>,
    ) -> Arrival {
        self.room.log.ahead(&self.ahead(call).buffer(room));
        let started = Instant::now();
        let limit = self.room.log.limit();
        if limit < socket::LIMIT {
            // Where this fails, the longer limit that was set before still holds.
            let _ = socket::wait_at_most(&self.socket, limit);
        }
        let mut late = 0;
        let arrival = loop {
            let (error, buffer) = match attempt() {
                Ok(raw) => match self.sender_of(&raw) {
                    Some(from) => {
                        let entry = self.entry(call, Outcome::Bytes(raw.bytes.len()));
                        let entry = entry.with(&from).payload(&raw.bytes).buffer(Some(room));
                        self.room.write(entry.details(raw.details));
                        break match from.name.as_str() {
                            FENCE => Arrival::Fence(raw.bytes),
                            _ => Arrival::Receipt(Receipt::Datagram { bytes: raw.bytes, from }),
                        };
                    }
                    None => {
                        self.room.note_stranger(Protocol::Udp);
                        self.visited.store(true, Ordering::Relaxed);
                        self.discard_peeked(call);
                        (io::ErrorKind::Interrupted.into(), Vec::new())
                    }
                },
                Err(failure) => failure,
            };
            match error.kind() {
                io::ErrorKind::Interrupted if started.elapsed() < limit => {}
                // What is in the queue came in time, however long it took to look there; only an empty one says that
                // nothing came.
                io::ErrorKind::Interrupted if late < MOST_LATE => {
                    if late == 0 {
                        let _ = socket::wait_at_most(&self.socket, AT_ONCE);
                    }
                    late += 1;
                }
                io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                    if started.elapsed() >= limit {
                        self.room.log.wait_was_in_vain();
                    }
                    self.room.write(self.entry(call, Outcome::Nothing).buffer(Some(room)));
                    break Arrival::Receipt(Receipt::Nothing);
                }
                _ => {
                    let error = os_error(error.raw_os_error().unwrap_or(0));
                    let written = if error.is(SocketError::MessageTooLong, HERE) { &buffer[..] } else { &[] };
                    let entry = self.entry(call, Outcome::Error(error.clone()));
                    self.room.write(entry.payload(written).buffer(Some(room)));
                    break Arrival::Receipt(Receipt::Failed { error, buffer: written.to_vec() });
                }
            }
        };
        if late > 0 {
            let _ = socket::wait_at_most(&self.socket, limit);
        }
        arrival
    }

    /// How long the lesson waits for what must arrive.
    pub(super) fn limit(&self) -> Duration {
        self.room.log.limit()
    }

    /// Works on a request for `time`.
    pub(super) fn work_for(&self, time: Duration) {
        self.room.log.work_for(time);
    }

    /// Writes a moment down that is no call: a request taken in hand, an answer given.
    pub(super) fn mark(&self, what: &'static str, client: Option<&Peer>) -> Moment {
        let entry = self.entry(what, Outcome::Done);
        self.room.write(match client {
            Some(client) => entry.with(client),
            None => entry,
        })
    }

    /// Calls `listen`, which UDP does not have.
    ///
    /// # Errors
    /// EOPNOTSUPP, POSIX says.
    pub fn listen(&self) -> Call<()> {
        const BACKLOG: i32 = 1;
        self.room.log.ahead(&self.ahead("listen"));
        let result = self.socket.listen(BACKLOG);
        let result = result.map_err(|e| CallError::new(format!("listen on {}", self.name), &e));
        let entry = self.entry("listen", outcome(&result));
        self.room.write(entry.details(Details { backlog: Some(BACKLOG), ..Details::default() }));
        result
    }

    /// Calls `accept`, which UDP does not have.
    ///
    /// # Errors
    /// EOPNOTSUPP, POSIX says.
    pub fn accept(&self) -> Call<()> {
        self.room.log.ahead(&self.ahead("accept"));
        let result = self.socket.accept().map(drop);
        let result = result.map_err(|e| CallError::new(format!("accept on {}", self.name), &e));
        self.write("accept", outcome(&result));
        result
    }

    /// Makes room in the receive queue for datagrams of these payload lengths, in bytes.
    ///
    /// # Errors
    /// [`Trouble::Skip`] when the system does not grant a buffer of that size.
    pub fn make_room(&self, payloads: impl IntoIterator<Item = usize>) -> Result<(), Trouble> {
        let needed = room_for(payloads);
        if self.receive_buffer()? >= needed {
            return Ok(());
        }
        // A refusal shows in the size that is granted.
        let _ = self.socket.set_recv_buffer_size(needed);
        let granted = self.receive_buffer()?;
        if granted >= needed {
            return Ok(());
        }
        Err(Trouble::Skip(probe::no_room(needed, granted)))
    }

    /// The port that the system says the socket has; 0 for none.
    ///
    /// # Errors
    /// What the system says: Windows does not answer for an unbound socket.
    pub fn port(&self) -> Call<u16> {
        let address = self.socket.local_addr().map_err(|e| CallError::new("ask for the local address", &e));
        Ok(address?.as_socket().map_or(0, |address| address.port()))
    }

    /// This endpoint under another of the machine's addresses.
    pub fn at(&self, ip: Ipv4Addr) -> Peer {
        let address = SocketAddr::from((ip, self.address().port()));
        self.room.enter(Protocol::Udp, address, &self.name);
        Peer { name: self.name.clone(), address }
    }

    /// Opens an endpoint that shares this one's port, bound to another of the machine's addresses.
    ///
    /// # Errors
    /// What the system says.
    pub fn twin_at(&self, name: &str, ip: Ipv4Addr) -> Call<Endpoint> {
        let twin = Endpoint::open(name, Arc::clone(&self.room))?;
        self.share_port()?;
        twin.share_port()?;
        twin.bound(SocketAddr::from((ip, self.address().port())))
    }

    /// Sets the size of the receive buffer, which holds the queue; returns what the system grants, in bytes. Linux
    /// grants twice what is asked for, between a floor and a ceiling (`socket(7)`).
    ///
    /// # Errors
    /// What the system says.
    pub fn set_receive_buffer(&self, bytes: usize) -> Call<usize> {
        let set = self.socket.set_recv_buffer_size(bytes);
        set.map_err(|e| CallError::new(format!("set the receive buffer to {bytes} bytes"), &e))?;
        self.receive_buffer()
    }

    /// The size of the receive buffer, in bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn receive_buffer(&self) -> Call<usize> {
        self.socket.recv_buffer_size().map_err(|e| CallError::new("ask for the receive buffer's size", &e))
    }

    /// How many datagrams the kernel dropped because the queue of this socket was full.
    ///
    /// # Errors
    /// The reason, where the system does not tell.
    pub fn drops(&self) -> Result<usize, String> {
        platform::drops(&self.socket).ok_or_else(|| probe::NO_DROPS.to_owned())
    }

    /// Receives everything that is queued, then everything that comes before the fence. The fence alone would not
    /// do: it is lost like any other datagram while the queue is full. More than `sent` datagrams are a fault of the
    /// system, and only one of them is received.
    ///
    /// # Errors
    /// What the system says.
    pub fn drain(&self, buffer: usize, sent: usize) -> Call<Received> {
        let mut receipts = Vec::new();
        while receipts.len() <= sent {
            match self.receive_now(buffer)? {
                Receipt::Nothing => break,
                receipt => receipts.push(receipt),
            }
        }
        let mut late = self.receive_until_fence(buffer)?;
        receipts.append(&mut late.receipts);
        Ok(Received { receipts, end: late.end })
    }

    pub(super) fn share_port(&self) -> Call<()> {
        self.socket.set_reuse_address(true).map_err(|e| CallError::new(format!("share the port of {}", self.name), &e))
    }

    /// Closes the socket and at once binds a new one to the same address: `success`, or the error.
    ///
    /// # Errors
    /// [`Trouble::Skip`] when the address was taken by another program in between, or may have been.
    pub fn close_and_bind_again(self) -> Result<Fact, Trouble> {
        let (name, room, address) = (self.name.clone(), Arc::clone(&self.room), self.address());
        // Every moment in between is one in which another program may be given the port.
        let again = Arc::clone(&room).at_once(|| {
            self.close();
            Ok::<_, CallError>(Endpoint::open(&name, room)?.bound(address))
        });
        match again? {
            Ok(_) => Ok(Fact::from("success")),
            Err(error) if error.error.is(SocketError::AddressInUse, HERE) => {
                match platform::udp_port_in_use(address.port()) {
                    Some(false) => Ok(error.into()),
                    _ => Err(Trouble::Skip(format!("another program took {address} in the moment when it was free"))),
                }
            }
            Err(error) => Ok(error.into()),
        }
    }

    /// Closes the socket: its queue is gone, its port is free.
    pub fn close(self) {
        self.room.log.ahead(&self.ahead("close"));
        self.write("close", Outcome::Done);
        // Any program may have the port next; what was sent from it is still under way.
        if !self.has_sent.load(Ordering::Relaxed)
            && let Some(address) = self.address.get()
        {
            self.room.forget(*address);
        }
    }
}

impl Drop for Endpoint {
    /// Where the queue ran full, unless it was meant to, what is missing was not lost by UDP.
    fn drop(&mut self) {
        let ran_full = platform::drops(&self.socket).map(|drops| drops > 0);
        let visited = self.visited.load(Ordering::Relaxed);
        if visited && ran_full != Some(false) {
            let strangers = "another program's datagrams filled a queue here, so the lesson's own may be lost";
            self.room.excuse.get_or_init(|| strangers.to_owned());
        } else if ran_full == Some(true) && self.only.get().is_none() {
            let small = || format!("the queue of {} ran full: {}", self.name, probe::limit_on_buffers());
            self.room.excuse.get_or_init(small);
        }
    }
}

/// How large a receive buffer must be that datagrams of these payload lengths and a fence fit for certain, in bytes.
pub fn room_for(payloads: impl IntoIterator<Item = usize>) -> usize {
    const LENGTH_OF_FENCE: usize = 1;
    payloads.into_iter().chain([LENGTH_OF_FENCE]).map(|payload| 2 * payload + QUEUE_COST).sum()
}

/// Marks the one byte of a fence for an endpoint that hears only one other: no lesson sends such a byte by itself.
const FENCE_BIT: u8 = 0x80;

/// The name under which the fence's own socket appears in the events.
pub const FENCE: &str = "fence";

impl Target for Endpoint {
    fn address(&self) -> SocketAddr {
        self.address.get().copied().unwrap_or(socket::ANY_PORT)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

fn no_buffer(error: io::Error) -> Failure {
    (error, Vec::new())
}

pub(super) fn outcome(result: &Call<()>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(error) => Outcome::Error(error.error.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::empty;
    use super::*;

    fn interrupted() -> Failure {
        (io::ErrorKind::Interrupted.into(), Vec::new())
    }

    fn patience(endpoint: &Endpoint) -> Duration {
        endpoint.socket.read_timeout().unwrap().unwrap()
    }

    #[test]
    fn an_interrupted_receive_goes_on_with_the_same_limit() {
        let (lab, _) = empty();
        let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
        let mut limits = Vec::new();
        let arrival = server.next_arrival("recv_from", 5, &mut || {
            limits.push(patience(&server));
            if limits.len() < 4 {
                Err(interrupted())
            } else {
                Ok(Raw::plain(b"hello".to_vec(), client.address().into()))
            }
        });
        assert!(matches!(arrival, Arrival::Receipt(receipt) if receipt.bytes() == b"hello"));
        assert_eq!(limits, [socket::LIMIT; 4]);
    }

    #[test]
    fn after_the_limit_the_queue_is_read_without_waiting_and_not_for_ever() {
        let (lab, log) = empty();
        log.wait_was_in_vain();
        let limit = log.limit();
        let server = lab.bind("server").unwrap();
        let mut limits = Vec::new();
        let arrival = server.next_arrival("recv_from", 5, &mut || {
            limits.push(patience(&server));
            if limits.len() == 1 {
                std::thread::sleep(limit);
            }
            Err(interrupted())
        });
        assert!(matches!(arrival, Arrival::Receipt(Receipt::Nothing)));
        assert_eq!((limits[0], limits.len()), (limit, 1 + MOST_LATE));
        assert!(limits[1..].iter().all(|&late| late < limit));
        assert_eq!(patience(&server), limit);
    }

    // Elsewhere two sockets share a port in other ways, or the system does not tell who has it.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_port_that_another_holds_as_well_is_not_bound_again() {
        let (lab, _) = empty();
        let server = lab.bind("server").unwrap();
        server.share_port().unwrap();
        let other = socket::udp(server.address()).unwrap();
        other.set_reuse_address(true).unwrap();
        socket::bind(&other, server.address()).unwrap();
        let reason = format!("another program took {} in the moment when it was free", server.address());
        assert_eq!(server.close_and_bind_again(), Err(Trouble::Skip(reason)));
    }
}
