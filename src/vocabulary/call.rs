//! A system call as a value, what it returned, and the event that records both.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{OptionName, OsError};

/// The protocol of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
}

impl Protocol {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Udp => "UDP",
            Protocol::Tcp => "TCP",
        }
    }
}

/// The socket at the other end: its name in the lesson, and its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The name that the report uses.
    pub name: String,
    /// Where it is reached.
    pub address: SocketAddr,
}

impl Peer {
    /// What is called `name` and reached at `address`.
    pub fn new(name: &str, address: impl Into<SocketAddr>) -> Self {
        Peer { name: name.to_owned(), address: address.into() }
    }
}

/// A system call that a lesson makes on one of its sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syscall {
    /// `bind` to this address; port 0 stands for any.
    Bind(SocketAddr),
    /// `connect` to this peer.
    Connect(Peer),
    /// `connect` to an address of the family AF_UNSPEC: a datagram socket has no peer from then on.
    Disconnect,
    /// `send`, `sendto`, `sendmsg` or `write`; on a stream, a write.
    Send {
        /// The form of the call.
        form: SendForm,
        /// The bytes of all its buffers.
        payload: Vec<u8>,
    },
    /// `recv`, `recvfrom`, `recvmsg` or `read`.
    Receive(Receive),
    /// `setsockopt`.
    SetOption {
        /// The option.
        option: OptionName,
        /// The value asked for.
        value: i32,
    },
    /// `getsockopt`.
    GetOption(OptionName),
    /// `listen` with this backlog.
    Listen(i32),
    /// `accept`.
    Accept,
    /// `shutdown` of one direction.
    Shutdown(Direction),
    /// `fcntl` that sets the flag O_NONBLOCK, or clears it.
    SetNonBlocking(bool),
    /// `poll` that asks for these events, and does not wait. What it returns are those that are there.
    Poll(Events),
    /// `ioctl` that asks for the number of bytes that can be received.
    QueuedBytes,
    /// `ioctl` that asks for the number of bytes in the send queue.
    UnsentBytes,
    /// `getsockname`.
    SocketName,
    /// `getpeername`. The peer that it tells is that of the event, too.
    PeerName,
    /// `pthread_kill`: the signal SIGURG for a thread that receives on this socket.
    Signal {
        /// The number of the process.
        process: u32,
        /// The number of the thread, as Linux has it.
        thread: u32,
    },
    /// `epoll_create1`: an epoll instance for this socket.
    EpollCreate,
    /// `epoll_ctl` that adds the socket to an epoll instance, to be told when it can be read.
    EpollAdd {
        /// The file descriptor of the instance.
        epoll: u64,
        /// When the instance reports.
        trigger: Trigger,
    },
    /// `epoll_wait` for one socket, which does not wait. What it returns are the [`Events`] that are reported.
    EpollWait {
        /// The file descriptor of the instance.
        epoll: u64,
    },
    /// `dup`: a second descriptor of the same open socket.
    Duplicate,
    /// `close`.
    Close,
}

impl Syscall {
    /// What the call sends; nothing for calls of other kinds.
    pub fn payload(&self) -> Option<&[u8]> {
        match self {
            Syscall::Send { payload, .. } => Some(payload),
            _ => None,
        }
    }

    /// The peer that the call names as its argument.
    pub fn target(&self) -> Option<&Peer> {
        match self {
            Syscall::Connect(peer)
            | Syscall::Send {
                form:
                    SendForm::To(peer)
                    | SendForm::Message { to: peer, .. }
                    | SendForm::MessageFrom { to: peer, .. }
                    | SendForm::Raw { to: peer, .. },
                ..
            } => Some(peer),
            _ => None,
        }
    }

    /// The name in POSIX, by which the call is announced and reported.
    pub fn name(&self) -> &'static str {
        match self {
            Syscall::Bind(_) => "bind",
            Syscall::Connect(_) | Syscall::Disconnect => "connect",
            Syscall::Send { form: SendForm::Connected, .. } => "send",
            Syscall::Send { form: SendForm::Write, .. } => "write",
            Syscall::Send { form: SendForm::To(_) | SendForm::Raw { .. }, .. } => "sendto",
            Syscall::Send { form: SendForm::Message { .. } | SendForm::MessageFrom { .. }, .. } => "sendmsg",
            Syscall::Receive(receive) => match receive.form {
                ReceiveForm::Recv => "recv",
                ReceiveForm::From => "recvfrom",
                ReceiveForm::Message => "recvmsg",
                ReceiveForm::Read => "read",
            },
            Syscall::SetOption { .. } => "setsockopt",
            Syscall::GetOption(_) => "getsockopt",
            Syscall::Listen(_) => "listen",
            Syscall::Accept => "accept",
            Syscall::Shutdown(_) => "shutdown",
            Syscall::SetNonBlocking(_) => "fcntl",
            Syscall::Poll(_) => "poll",
            Syscall::QueuedBytes | Syscall::UnsentBytes => "ioctl",
            Syscall::SocketName => "getsockname",
            Syscall::PeerName => "getpeername",
            Syscall::Signal { .. } => "pthread_kill",
            Syscall::EpollCreate => "epoll_create1",
            Syscall::EpollAdd { .. } => "epoll_ctl",
            Syscall::EpollWait { .. } => "epoll_wait",
            Syscall::Duplicate => "dup",
            Syscall::Close => "close",
        }
    }
}

/// A direction of a socket that can be shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What comes in.
    Receiving,
    /// What goes out.
    Sending,
}

impl Direction {
    /// The argument of `shutdown`, as C has it.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Receiving => "SHUT_RD",
            Direction::Sending => "SHUT_WR",
        }
    }
}

/// The calls that send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendForm {
    /// `send`: to the peer that the socket is connected to.
    Connected,
    /// `write`: to that peer, too.
    Write,
    /// `sendto`.
    To(Peer),
    /// `sendmsg`, gathered from several buffers.
    Message {
        /// Where to.
        to: Peer,
        /// The length of each buffer, in bytes.
        parts: Vec<usize>,
    },
    /// `sendmsg` of one buffer, with a control message that names the address to send from. `IP_PKTINFO`.
    MessageFrom {
        /// Where to.
        to: Peer,
        /// The address of this machine that the datagram is to come from.
        source: Ipv4Addr,
    },
    /// `sendto` of a raw socket, which is given the UDP header as well: what [`udp_header`] makes, and behind it the
    /// payload. Linux `raw(7)`.
    Raw {
        /// Where to.
        to: Peer,
        /// The source port in that header.
        source_port: u16,
    },
}

/// The length of a UDP header, in bytes. RFC 768.
pub const UDP_HEADER: usize = 8;

/// The length of the headers of a datagram over IPv4, without options: that of IP has 20 bytes (RFC 791).
pub const IPV4_UDP_HEADERS: usize = 20 + UDP_HEADER;

/// The UDP header of a datagram with a payload of so many bytes: source port, destination port, length, and 0 for a
/// checksum that was not computed. RFC 768.
pub fn udp_header(source_port: u16, destination_port: u16, payload: usize) -> [u8; UDP_HEADER] {
    let length = u16::try_from(UDP_HEADER + payload).unwrap_or(u16::MAX);
    let mut header = [0; UDP_HEADER];
    for (field, value) in header.chunks_exact_mut(2).zip([source_port, destination_port, length]) {
        field.copy_from_slice(&value.to_be_bytes());
    }
    header
}

/// How a receive is made. A number of bytes is one already: `receive(1024)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receive {
    /// The form of the call.
    pub form: ReceiveForm,
    /// The length of each buffer, in bytes.
    pub buffers: Vec<usize>,
    /// The flags given to the call.
    pub flags: Flags,
    /// Whether the call waits for something to come.
    pub waits: bool,
}

/// The calls that receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveForm {
    /// `recv`, which does not return the sender.
    Recv,
    /// `recvfrom`.
    From,
    /// `recvmsg`, which returns flags and ancillary data as well.
    Message,
    /// `read`, which takes no flags.
    Read,
}

impl From<usize> for Receive {
    fn from(buffer: usize) -> Self {
        Receive { form: ReceiveForm::From, buffers: vec![buffer], flags: Flags::default(), waits: true }
    }
}

impl Receive {
    /// `recvfrom` into one buffer of this many bytes.
    pub fn into(buffer: usize) -> Self {
        Receive::from(buffer)
    }

    /// `recvmsg` into buffers of these lengths, which are filled in order.
    pub fn message(buffers: &[usize]) -> Self {
        Receive { form: ReceiveForm::Message, buffers: buffers.to_vec(), ..Receive::from(0) }
    }

    /// `recv`, which does not return the sender.
    pub fn recv(buffer: usize) -> Self {
        Receive { form: ReceiveForm::Recv, ..Receive::from(buffer) }
    }

    /// `read`.
    pub fn read(buffer: usize) -> Self {
        Receive { form: ReceiveForm::Read, ..Receive::from(buffer) }
    }

    /// The same with these flags.
    pub fn flags(self, flags: Flags) -> Self {
        Receive { flags, ..self }
    }

    /// The same, returning at once where nothing is queued.
    pub fn without_waiting(self) -> Self {
        Receive { waits: false, ..self }
    }

    /// The length of all buffers together, in bytes.
    pub fn capacity(&self) -> usize {
        self.buffers.iter().sum()
    }
}

/// Flags of a receive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

/// None.
pub const NO_FLAGS: Flags = Flags(0);
/// `MSG_PEEK`: look at the next datagram and leave it in the queue. POSIX `recvfrom()`.
pub const PEEK: Flags = Flags(1);
/// `MSG_TRUNC` as an input flag: return the real length. Linux `recv(2)`; other systems ignore or refuse it.
pub const TRUNC: Flags = Flags(2);
/// `MSG_WAITALL`: wait for a full buffer, on streams. POSIX `recvfrom()`.
pub const WAITALL: Flags = Flags(4);
/// `MSG_ERRQUEUE`: take the next error from the error queue, with the datagram that it is about. Linux `recv(2)`.
pub const ERRQUEUE: Flags = Flags(8);

/// `MSG_DONTWAIT`: return at once where nothing is queued. Linux `recv(2)`; Windows has no such flag.
pub const DONTWAIT: Flags = Flags(16);

impl Flags {
    const NAMES: [(Flags, &str); 5] = [
        (PEEK, "MSG_PEEK"),
        (TRUNC, "MSG_TRUNC"),
        (WAITALL, "MSG_WAITALL"),
        (ERRQUEUE, "MSG_ERRQUEUE"),
        (DONTWAIT, "MSG_DONTWAIT"),
    ];

    /// Whether all of `flags` are set.
    pub fn contains(self, flags: Flags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// The names of the flags that are set, as C has them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Flags::NAMES.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| name)
    }
}

impl std::ops::BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// As C writes it: `MSG_PEEK|MSG_TRUNC`, and 0 for none.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_set(f, self.names())
    }
}

fn write_set(f: &mut fmt::Formatter<'_>, names: impl Iterator<Item = &'static str>) -> fmt::Result {
    match names.collect::<Vec<_>>() {
        none if none.is_empty() => f.write_str("0"),
        names => f.write_str(&names.join("|")),
    }
}

/// Events of a socket, as `poll` is asked for them and returns them. The numbers are Linux's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events(i32);

/// `POLLIN`: a receive would not have to wait. POSIX `poll()`.
pub const POLLIN: Events = Events(1);
/// `POLLOUT`: a send would not have to wait.
pub const POLLOUT: Events = Events(4);
/// `POLLERR`: there is an error. It is returned whether it was asked for or not.
pub const POLLERR: Events = Events(8);

impl Events {
    const NAMES: [(Events, &str); 3] = [(POLLIN, "POLLIN"), (POLLOUT, "POLLOUT"), (POLLERR, "POLLERR")];

    /// Whether all of `events` are there.
    pub fn contains(self, events: Events) -> bool {
        self.0 & events.0 == events.0
    }

    /// As a call records what it returned.
    pub fn to_int(self) -> i32 {
        self.0
    }

    /// Their names for `epoll`, which has the same numbers.
    pub fn of_epoll(self) -> String {
        self.to_string().replace("POLL", "EPOLL")
    }

    /// What [`to_int`](Self::to_int) made of them.
    pub fn from_int(number: i32) -> Self {
        Events(number)
    }
}

impl std::ops::BitOr for Events {
    type Output = Events;

    fn bitor(self, other: Events) -> Events {
        Events(self.0 | other.0)
    }
}

/// As C writes it: `POLLIN|POLLOUT`, and 0 for none.
impl fmt::Display for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_set(f, Events::NAMES.into_iter().filter(|(event, _)| self.contains(*event)).map(|(_, name)| name))
    }
}

/// When an epoll instance reports that a socket can be read. Linux `epoll(7)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// As long as it can be read.
    Level,
    /// When something new has come, once.
    Edge,
}

impl Trigger {
    /// The events given to `epoll_ctl`, as C has them.
    pub fn events(self) -> &'static str {
        match self {
            Trigger::Level => "EPOLLIN",
            Trigger::Edge => "EPOLLIN|EPOLLET",
        }
    }
}

/// What a successful receive brought: a datagram, or bytes of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The bytes in the buffers.
    pub bytes: Vec<u8>,
    /// Who sent them, where the call tells.
    pub from: Option<Peer>,
    /// The number that the call returned.
    pub returned: usize,
    /// Whether the system flagged the datagram as truncated (`MSG_TRUNC` in `msg_flags`).
    pub truncated: bool,
    /// What came beside the payload.
    pub ancillary: Ancillary,
}

/// What `recvmsg` can bring beside the payload, each where it was asked for and the system has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ancillary {
    /// The address to which the datagram was sent. `IP_PKTINFO`.
    pub destination: Option<IpAddr>,
    /// The number of the interface on which it came. `IP_PKTINFO`.
    pub interface: Option<u32>,
    /// The time to live, or hop limit, with which it arrived. `IP_RECVTTL`, `IPV6_RECVHOPLIMIT`.
    pub ttl: Option<u8>,
    /// How many datagrams the socket has dropped so far. `SO_RXQ_OVFL`.
    pub drops: Option<u32>,
    /// An error about an earlier datagram, from the error queue. `IP_RECVERR`.
    pub error: Option<ExtendedError>,
}

/// What the error queue tells of an error. Linux `ip(7)`, `IP_RECVERR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedError {
    /// The error.
    pub error: OsError,
    /// The ICMP type.
    pub icmp_type: u8,
    /// The ICMP code.
    pub icmp_code: u8,
    /// Who reported it.
    pub reported_by: Option<IpAddr>,
}

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded and has no number to tell.
    Done,
    /// It sent this many bytes.
    Sent(usize),
    /// It received something.
    Received(Received),
    /// It accepted a connection, duplicated a socket or made an epoll instance; the new one has this file descriptor.
    Accepted(u64),
    /// The value of an option.
    Value(i32),
    /// The address that was asked for.
    Address(SocketAddr),
    /// Nothing came within its limit, or nothing was queued.
    Nothing,
    /// It failed.
    Failed {
        /// The error.
        error: OsError,
        /// What a receive that failed left in its buffer all the same: Windows fills it and returns 10040.
        buffer: Vec<u8>,
    },
}

impl Outcome {
    /// A call that failed and left nothing.
    pub fn failed(error: OsError) -> Self {
        Outcome::Failed { error, buffer: Vec::new() }
    }
}

/// A moment in a server loop that is no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The loop starts.
    LoopStarts,
    /// A request has been received, and work on it begins.
    RequestBegins,
    /// Its answer has been sent.
    RequestEnds,
}

impl Moment {
    /// The word for it in traces and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Moment::LoopStarts => "serve",
            Moment::RequestBegins => "begin",
            Moment::RequestEnds => "end",
        }
    }
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are calls")]
pub enum Action {
    /// A call that has returned.
    Call(Syscall, Outcome),
    /// A moment that is no call.
    Moment(Moment),
}

/// Whether an event belongs to the lesson, or to the lab's own proof that nothing more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A call of the lesson.
    Lesson,
    /// The sending or receiving of an end marker.
    EndMarker,
    /// Another call of the lab, which is no part of the lesson either.
    Lab,
}

/// One call, recorded when it returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it returned, since the lesson began.
    pub returned: Duration,
    /// The name of the socket that made the call.
    pub who: String,
    /// What kind of socket it is.
    pub protocol: Protocol,
    /// Its file descriptor.
    pub descriptor: u64,
    /// Its own address, once it has one.
    pub local: Option<SocketAddr>,
    /// The other end, as it was given to the call or came from it.
    pub peer: Option<Peer>,
    /// The lesson's own, or the lab's.
    pub role: Role,
    /// How many bytes of the payload are left out at its end.
    pub left_out: usize,
    /// What happened.
    pub action: Action,
}

impl Event {
    /// Leaves all but the first `kept` bytes of the payload out, unless its parts were in buffers of their own.
    pub fn shorten(&mut self, kept: usize) {
        let Action::Call(call, outcome) = &mut self.action else { return };
        let bytes = match (call, outcome) {
            (Syscall::Send { form: SendForm::Message { .. }, .. }, _) => return,
            (Syscall::Send { payload, .. }, _) => payload,
            (Syscall::Receive(receive), _) if receive.buffers.len() > 1 => return,
            (_, Outcome::Received(Received { bytes, .. }) | Outcome::Failed { buffer: bytes, .. }) => bytes,
            _ => return,
        };
        if bytes.len() > kept {
            self.left_out += bytes.len() - kept;
            bytes.truncate(kept);
            bytes.shrink_to_fit();
        }
    }

    /// How many bytes were sent, or are in the buffer after a receive, whether they are all here or not.
    pub fn payload_length(&self) -> usize {
        self.payload().map_or(0, <[u8]>::len) + self.left_out
    }

    /// The call and what it returned; `None` for a moment.
    pub fn call(&self) -> Option<(&Syscall, &Outcome)> {
        match &self.action {
            Action::Call(call, outcome) => Some((call, outcome)),
            Action::Moment(_) => None,
        }
    }

    /// What was sent, or is in the buffer after a receive; of a long one perhaps its beginning.
    pub fn payload(&self) -> Option<&[u8]> {
        let (call, outcome) = self.call()?;
        match (call, outcome) {
            (Syscall::Send { payload, .. }, _) => Some(payload),
            (_, Outcome::Received(received)) => Some(&received.bytes),
            (_, Outcome::Failed { buffer, .. }) if !buffer.is_empty() => Some(buffer),
            _ => None,
        }
    }

    /// The announcement that this call had, or would have had.
    pub fn announcement(&self) -> Option<Announcement<'_>> {
        let (call, _) = self.call()?;
        let sends = matches!(call, Syscall::Send { .. } | Syscall::Connect(_));
        Some(Announcement {
            who: &self.who,
            protocol: self.protocol,
            // The sender is known only after the receive.
            peer: self.peer.as_ref().filter(|_| sends),
            role: self.sent_role(call),
            call,
        })
    }

    /// Before a receive nobody knows that it will bring an end marker.
    fn sent_role(&self, call: &Syscall) -> Role {
        if matches!(call, Syscall::Send { .. }) { self.role } else { Role::Lesson }
    }
}

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Announcement<'a> {
    /// The name of the socket that makes it.
    pub who: &'a str,
    /// What kind of socket it is.
    pub protocol: Protocol,
    /// The peer that it is for.
    pub peer: Option<&'a Peer>,
    /// The lesson's own, or the lab's.
    pub role: Role,
    /// The call.
    pub call: &'a Syscall,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_written_as_in_c() {
        assert_eq!(
            (Flags::default().to_string(), (PEEK | TRUNC).to_string()),
            ("0".into(), "MSG_PEEK|MSG_TRUNC".into())
        );
        assert!((PEEK | TRUNC).contains(TRUNC) && !PEEK.contains(TRUNC | PEEK));
    }

    #[test]
    fn a_header_has_its_ports_and_the_length_with_itself_and_no_checksum() {
        assert_eq!(udp_header(0, 0x1234, 5), [0, 0, 0x12, 0x34, 0, 13, 0, 0]);
    }

    #[test]
    fn a_number_of_bytes_is_a_receive() {
        assert_eq!(Receive::from(7), Receive::into(7));
        assert_eq!((Receive::message(&[2, 10]).capacity(), Receive::into(3).without_waiting().waits), (12, false));
    }
}
