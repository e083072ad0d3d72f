//! The faults, each with its name for `UDP_LAB_FAULT` and a sentence. The library and the tests share this list.

use super::options::{OPTIONS, SocketOption};

macro_rules! faults {
    ($(#[doc = $sentence:literal] $fault:ident = $name:literal,)*) => {
        /// One promise that the world does not keep.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $(#[doc = $sentence] $fault,)*
            /// Setting this option succeeds and does nothing.
            OptionIgnored(SocketOption),
            /// This option cannot be set.
            OptionRefused(SocketOption),
            /// Every UDP socket has this option on from the start.
            OptionOn(SocketOption),
        }

        impl Fault {
            /// All of them, in the order of the page.
            pub fn all() -> Vec<Fault> {
                let of_options = OPTIONS.iter().flat_map(|option| {
                    let on = option.is_switch.then_some(Fault::OptionOn(*option));
                    [Fault::OptionIgnored(*option), Fault::OptionRefused(*option)].into_iter().chain(on)
                });
                [$(Fault::$fault),*].into_iter().chain(of_options).collect()
            }

            /// Its name in `UDP_LAB_FAULT`.
            pub fn name(self) -> String {
                match self {
                    $(Fault::$fault => $name.to_owned(),)*
                    Fault::OptionIgnored(option) => format!("option-ignored:{}", option.name),
                    Fault::OptionRefused(option) => format!("option-refused:{}", option.name),
                    Fault::OptionOn(option) => format!("option-on:{}", option.name),
                }
            }

            /// What is wrong in this world.
            pub fn sentence(self) -> String {
                match self {
                    $(Fault::$fault => $sentence.trim().to_owned(),)*
                    Fault::OptionIgnored(option) => format!("Setting {} succeeds and does nothing.", option.name),
                    Fault::OptionRefused(option) => format!("{} cannot be set.", option.name),
                    Fault::OptionOn(option) => format!("Every UDP socket has {} on from the start.", option.name),
                }
            }
        }
    };
}

faults! {
    // What is received.
    /// Two datagrams of one sender come in one receive.
    Merge = "merge",
    /// What does not fit the buffer waits for the next receive.
    KeepRest = "keep-rest",
    /// A buffer that is too small is an error.
    TooSmall = "too-small",
    /// Every third datagram of two or more bytes that reaches a socket is lost.
    Lose = "lose",
    /// Every datagram is delivered twice.
    Twice = "twice",
    /// Two neighbours of one sender change places.
    Swap = "swap",
    /// The second byte of every datagram is changed.
    Change = "change",
    /// Every byte of a datagram loses its highest bit.
    SevenBits = "seven-bits",
    /// Every datagram of two or more bytes loses its last one.
    Clip = "clip",
    /// The last byte of a datagram of two or more is that of the one before it.
    Blend = "blend",
    /// Every datagram of two or more bytes seems to come from 127.0.0.9: the lab takes it for a stranger's.
    WrongSender = "wrong-sender",
    /// No datagram of two or more bytes is delivered.
    NothingArrives = "nothing-arrives",
    /// A datagram of no bytes is not delivered.
    SwallowEmpty = "swallow-empty",
    /// A peek at a datagram consumes it. (The lab peeks before a plain recv: it alone does not tell the sender.)
    PeekConsumes = "peek-consumes",
    /// A receive leaves the datagram in the queue.
    NeverConsumes = "never-consumes",
    /// A read of 0 bytes consumes a datagram.
    ReadConsumes = "read-consumes",
    /// A read of 0 bytes fails.
    EmptyReadFails = "empty-read-fails",
    /// Nobody is told that a datagram was cut.
    NoFlag = "no-flag",
    /// Every datagram is said to have been cut.
    FlagAlways = "flag-always",
    /// Nobody is told the real length of a datagram.
    NoRealLength = "no-real-length",
    /// Calls with several buffers use the first one only.
    FirstBuffer = "first-buffer",
    /// Only the first thread that receives from a socket ever gets a datagram.
    FirstThread = "first-thread",
    /// A receive opens a descriptor for each new sender.
    DescriptorEach = "descriptor-each",
    /// A receive does not return.
    NeverReturns = "never-returns",
    /// A signal cuts every other receive short.
    Interrupted = "interrupted",

    // What is sent.
    /// A send says that it took a byte less.
    ShortSend = "short-send",
    /// A send counts the header of 8 bytes, too.
    HeaderCounted = "header-counted",
    /// A datagram of no bytes cannot be sent.
    EmptyFails = "empty-fails",
    /// A send without a peer succeeds.
    NoPeerNeeded = "no-peer-needed",
    /// A send gets its socket no port: each datagram comes from a socket of its own, a stranger to the lab.
    NoPort = "no-port",
    /// A server on all addresses answers from the one that was asked.
    AnswersFromAsked = "answers-from-asked",
    /// The second datagram of a socket leaves from another port.
    SecondPort = "second-port",
    /// SIOCOUTQ counts what the receiver has not read.
    SendQueueStays = "send-queue-stays",
    /// Every third send of a socket fails.
    ThirdSendFails = "third-send-fails",
    /// A socket without a port cannot send.
    UnboundCannotSend = "unbound-cannot-send",
    /// A send to an address needs a connect before it.
    SendNeedsConnect = "send-needs-connect",
    /// Calls that send several buffers are not supported.
    NoSendmsg = "no-sendmsg",
    /// A server cannot send to whom it has received from.
    NoAnswer = "no-answer",
    /// What a socket has sent is lost when it is closed.
    CloseDiscards = "close-discards",
    /// A socket that is closed says so to all it has talked to.
    CloseTells = "close-tells",

    // Who is told what.
    /// Nobody is told that nobody listens.
    SwallowRefused = "swallow-refused",
    /// The send itself says that nobody listens.
    RefusedAtOnce = "refused-at-once",
    /// An unconnected socket is told, too, that nobody listens.
    TellUnconnected = "tell-unconnected",
    /// An unconnected socket is told at its next send that nobody listens.
    SendTells = "send-tells",
    /// Whoever sends to a server that was restarted is told so by an error.
    RestartTells = "restart-tells",
    /// A connected socket is told again and again that nobody listens.
    TellAgain = "tell-again",
    /// A connected socket is told after each send that nobody listens, also where somebody does.
    TellAlways = "tell-always",
    /// A send does not report a pending error, and sends.
    SendIgnoresError = "send-ignores-error",
    /// SO_ERROR never has an error.
    SilentErrorOption = "so-error-silent",
    /// Reading SO_ERROR leaves the error pending.
    ErrorOptionStays = "so-error-stays",
    /// The error queue is empty.
    ErrorQueueEmpty = "error-queue-empty",
    /// A receive returns no error that a router has reported.
    RoutersUnheard = "routers-unheard",
    /// What is sent where no route leads is taken, and lost.
    NoRouteTaken = "no-route-taken",
    /// Poll says nothing of an error.
    NoErrorPolled = "no-error-polled",
    /// The system counts no datagrams of UDP.
    UdpUncounted = "udp-uncounted",
    /// A datagram for a port where nobody listens is kept for a later server.
    KeepForLater = "keep-for-later",
    /// A connect sends a datagram.
    ConnectSends = "connect-sends",
    /// A connect to a port where nobody listens is refused.
    ConnectRefused = "connect-refused",
    /// A UDP socket cannot be connected to port 0.
    NoConnectToPortZero = "no-connect-to-port-0",
    /// A UDP socket cannot be connected.
    NoUdpConnect = "no-udp-connect",
    /// A connect to a UDP server waits for its answer, and gives up.
    ConnectTimesOut = "connect-times-out",
    /// A stranger sends what could be the program's own to every socket that is bound or sent to.
    Strangers = "strangers",
    /// Strangers send as well, and each receive takes three seconds by the clock.
    SlowAmongStrangers = "slow-among-strangers",
    /// A connected socket hears everybody.
    HearStrangers = "hear-strangers",
    /// Listen and accept succeed on a UDP socket.
    UdpListens = "udp-listens",
    /// A socket has a port as soon as somebody asks for it.
    PortAtOnce = "port-at-once",
    /// A UDP port cannot be bound again once it was closed.
    NoRebind = "no-rebind",
    /// Once a program has bound an address, it can bind no other.
    BindOnce = "bind-once",

    // Ports.
    /// A socket that is bound can be bound again.
    BindsTwice = "binds-twice",
    /// Any address can be bound, whoever has it.
    AnyAddress = "any-address",
    /// The fortieth socket that is bound to port 0 is given the port of the one before it.
    PortGivenTwice = "port-given-twice",
    /// A TCP socket cannot be bound to the port of a UDP socket.
    TcpSharesPorts = "tcp-shares-ports",
    /// Any user can bind any port.
    PortsForAll = "ports-for-all",
    /// A socket without a port cannot receive.
    UnboundCannotReceive = "unbound-cannot-receive",
    /// What is sent to port 0 is taken.
    PortZeroTaken = "port-0-taken",

    // Addresses.
    /// IP_PKTINFO tells 127.0.0.1, whichever address a datagram was sent to.
    WrongDestination = "wrong-destination",
    /// The source address that a sendmsg names is ignored.
    SourceIgnored = "source-ignored",
    /// Of two sockets with one port, on 127.0.0.1 and 127.0.0.2, each receives what is sent to the other.
    BothAddresses = "both-addresses",
    /// A socket that is bound to 127.0.0.2 sends from 127.0.0.1.
    FirstAddress = "first-address",
    /// A socket on 0.0.0.0 that has sent or received says that its address is 127.0.0.1.
    NamesAnAddress = "names-an-address",
    /// Nobody can send to 0.0.0.0.
    NotToAll = "not-to-all",

    // Peers.
    /// A connect discards what the socket has queued.
    ConnectDiscards = "connect-discards",
    /// A connect chooses no local address.
    NoAddressChosen = "no-address-chosen",
    /// A socket that has a peer cannot be connected to another.
    ConnectOnce = "connect-once",
    /// A socket that has a peer can send to nobody else.
    PeerOnly = "peer-only",
    /// A sendto to another address makes that the peer.
    SendtoConnects = "sendto-connects",
    /// A connect to AF_UNSPEC fails, and the peer stays.
    UndoFails = "undo-fails",
    /// A connect to AF_UNSPEC succeeds and does nothing.
    UndoIgnored = "undo-ignored",
    /// A connect to AF_UNSPEC ends the receives of other threads, with an error.
    UndoWakes = "undo-wakes",
    /// getpeername tells a peer that has port 0, as any other.
    PortZeroIsPeer = "port-0-is-peer",
    /// A connect to AF_UNSPEC leaves the socket the port that the system has chosen.
    UndoKeepsPort = "undo-keeps-port",

    // Sockets that share a port.
    /// Of the sockets that share a port, the one that was bound first gets everything.
    SharedToFirst = "shared-to-first",
    /// Of the sockets that share a port, each gets a copy of everything.
    SharedCopies = "shared-copies",
    /// The sockets that share a port get the datagrams in turn.
    SharedInTurn = "shared-in-turn",
    /// Sockets of several users share a port with SO_REUSEPORT.
    UsersShare = "users-share",
    /// What is in the queue of a socket that is closed goes to another one of its port.
    QueueInherited = "queue-inherited",

    // Waiting.
    /// Every UDP socket has a receive limit of half an hour from the start.
    LimitFromTheStart = "limit-from-the-start",
    /// A receive without a limit does not wait.
    NeverWaits = "never-waits",
    /// A receive whose limit was set to 0 does not wait.
    ZeroAtOnce = "zero-at-once",
    /// By the clock a receive limit takes no time.
    LimitTakesNoTime = "limit-takes-no-time",
    /// A receive whose limit has passed says ETIMEDOUT.
    LimitNamed = "limit-named",
    /// A receive that must not wait returns 0 bytes where nothing is queued.
    NothingIsEmpty = "nothing-is-empty",
    /// A shutdown of a UDP socket succeeds and does nothing.
    ShutdownIgnored = "shutdown-ignored",
    /// A socket that is shut down loses what is queued, and what still comes.
    ShutdownDiscards = "shutdown-discards",
    /// No signal ends a receive: each is made again.
    SignalsRestart = "signals-restart",
    /// A close ends the receives of other threads, with an error.
    CloseWakes = "close-wakes",
    /// Poll says of every UDP socket that it can be read.
    AlwaysReadable = "always-readable",
    /// Poll says of no UDP socket that it can be written.
    NeverWritable = "never-writable",
    /// Poll says that a UDP socket can be read when as much as SO_RCVLOWAT is queued.
    LowWaterCounts = "low-water-counts",
    /// A send on a UDP socket that is shut down sends SIGPIPE.
    DatagramsSignal = "datagrams-signal",
    /// Poll says of no UDP socket that it can be read.
    NeverReadable = "never-readable",
    /// Edge-triggered epoll reports a UDP socket as long as it can be read.
    EdgeRepeats = "edge-repeats",
    /// Level-triggered epoll reports what has come once.
    LevelOnce = "level-once",
    /// Epoll reports no UDP socket to whoever does not wait.
    EpollSilent = "epoll-silent",
    /// FIONREAD counts the header of 8 bytes, too.
    BytesWithHeader = "bytes-with-header",
    // Sizes.
    /// A datagram that is too long is taken, and lost.
    OversizeTaken = "oversize-taken",
    /// A datagram that is too long is refused, and sent as far as it fits.
    OversizeCut = "oversize-cut",
    /// A datagram over IPv6 may be no longer than one over IPv4.
    Ipv6LikeIpv4 = "ipv6-like-ipv4",
    /// A datagram may be no longer than SO_SNDBUF.
    SendBufferLimits = "send-buffer-limits",
    /// A socket knows an MTU before it has a peer.
    MtuUnconnected = "mtu-unconnected",
    /// Setting the MTU of an interface succeeds and does nothing.
    MtuIgnored = "mtu-ignored",
    /// Whatever MTU is set, an interface has one of 576 bytes.
    SmallMtu = "small-mtu",
    /// A datagram that must not be fragmented is refused, and sent in fragments all the same.
    RefusedAndSent = "refused-and-sent",

    // The receive buffer.
    /// The receive buffer has no limit.
    NoLimit = "no-limit",
    /// A send to a full receive buffer fails.
    FullFails = "full-fails",
    /// A send to a full receive buffer waits until somebody reads.
    SendWaits = "send-waits",
    /// The receive after a send to a full receive buffer fails.
    FullTells = "full-tells",
    /// A socket whose receive buffer was full once receives nothing more after what it holds.
    FullStaysDeaf = "full-stays-deaf",
    /// The kernel does not count what it drops.
    DropsUncounted = "drops-uncounted",
    /// The receive buffer is granted as asked for, not doubled.
    BufferAsAsked = "buffer-as-asked",
    /// Setting the size of the receive buffer discards what is queued.
    ResizeDiscards = "resize-discards",
    /// SO_RXQ_OVFL tells what was dropped until the receive, not until the datagram was queued.
    DropsOfNow = "drops-of-now",

    // Time and machine.
    /// Writing a setting of the kernel succeeds and does nothing.
    SettingsIgnored = "settings-ignored",
    /// A thread works on all requests at once: once it has slept, neither a sleep nor anything else takes time for it.
    Overlapping = "overlapping",
    /// `net.core.rmem_default` and `rmem_max` are 2304 bytes, the least that Linux takes.
    SmallBuffers = "small-buffers",
    /// `net.core.rmem_default` is as large as the system grants a receive buffer.
    LargeBuffers = "large-buffers",
    /// There is one loopback address only, no list of descriptors and no count of drops.
    Bare = "bare",

    // TCP.
    /// A read of a stream returns one byte at most.
    TcpOneByte = "tcp-one-byte",
    /// A read of a stream leaves the bytes there.
    TcpNeverConsumes = "tcp-never-consumes",
    /// What a read of a stream leaves is thrown away.
    TcpRestLost = "tcp-rest-lost",
    /// The first two bytes of a read of a stream change places.
    TcpSwaps = "tcp-swaps",
    /// Every read of a stream loses a byte.
    TcpLosesByte = "tcp-loses-byte",
    /// A peek at a stream that has room for more takes what it shows.
    TcpPeekTakes = "tcp-peek-takes",
    /// The end of a stream is an error.
    TcpEndFails = "tcp-end-fails",
    /// Nobody is told of the end of a stream.
    TcpEndSilent = "tcp-end-silent",
    /// A write to a full stream succeeds, and its bytes are lost.
    TcpNeverFull = "tcp-never-full",
    /// A TCP connect to a port where nobody listens succeeds.
    TcpConnectsToNobody = "tcp-connects-to-nobody",
    /// A TCP connect to a port where nobody listens is not answered.
    TcpNoRefusal = "tcp-no-refusal",
    /// The fourth listen says that it failed.
    TcpListenFails = "tcp-listen-fails",
    /// Every fifth accept fails.
    TcpAcceptFails = "tcp-accept-fails",
    /// An accept opens two descriptors.
    TcpAcceptLeaks = "tcp-accept-leaks",
    /// A TCP port can be bound again at once.
    TcpRebinds = "tcp-rebinds",
    /// No TCP socket can be opened: EACCES, as in a sandbox.
    NoTcpSockets = "no-tcp-sockets",
}
