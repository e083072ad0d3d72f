//! Why systems answer otherwise than expected: whose freedom it is, or whose defect.

/// Why rows of one system differ from the expectation, or cannot be shown there.
pub struct Note {
    /// The name of the system's record.
    pub system: &'static str,
    /// The rows, each `lesson/id`.
    pub rows: &'static [&'static str],
    /// Why, and whose freedom or defect it is.
    pub why: &'static str,
    /// Where that can be read.
    pub source: &'static str,
}

/// The note on the row `id` of `lesson` on the system whose record has this name.
pub fn note_on(system: &str, lesson: &str, id: &str) -> Option<&'static Note> {
    let is_asked_for = |row: &&str| row.split_once('/') == Some((lesson, id));
    NOTES.iter().find(|note| note.system == system && note.rows.iter().any(is_asked_for))
}

/// All of them. The tests demand one for each row that differs, and none for a row that does not.
pub static NOTES: &[Note] = &[
    Note {
        system: "gvisor",
        rows: &["delivery/fewer-than-bytes"],
        why: "gVisor's freedom: no standard says what a datagram takes of the receive buffer. gVisor counts the payload only, \
              Linux its own bookkeeping as well",
        source: "gVisor pkg/tcpip/transport/udp/endpoint.go, HandlePacket(): rcvBufSize += pkt.Data().Size(); Linux socket(7)",
    },
    Note {
        system: "gvisor",
        rows: &["delivery/after-one-read"],
        why: "gVisor's freedom: no standard says when a read makes room again. gVisor gives the room back with each read, Linux \
              a quarter of the buffer at a time",
        source: "gVisor pkg/tcpip/transport/udp/endpoint.go, Read(); Linux net/ipv4/udp.c, udp_rmem_release()",
    },
    Note {
        system: "gvisor",
        rows: &[
            "connectionless/not-kept",
            "connectionless/before-restart",
            "connectionless/after-restart",
            "connectionless/client-notices",
            "compare/udp-answers-from",
            "compare/udp-unconnected-hears",
            "compare/udp-connected-hears",
        ],
        why: "gVisor's freedom, and a limit of this program: the lab lets a port be shared only for the moment in which it needs \
              that, after the port was bound. Linux allows it then; gVisor goes by what was set before the bind",
        source: "gVisor pkg/tcpip/transport/udp/endpoint.go, registerWithStack(), boundPortFlags; POSIX does not say when \
                 SO_REUSEADDR must be set",
    },
    Note {
        system: "gvisor",
        rows: &["addresses/specific"],
        why: "gVisor's freedom, and a limit of this program: the lesson sets SO_REUSEADDR on the first socket after its bind. \
              Linux allows the second bind then. gVisor goes by what was set before the first bind, and allows it if the option was \
              set by then",
        source: "gVisor pkg/tcpip/transport/udp/endpoint.go, registerWithStack(), boundPortFlags; POSIX does not say when \
                 SO_REUSEADDR must be set",
    },
    Note {
        system: "gvisor",
        rows: &["buffers/factor", "buffers/ceiling", "buffers/minus-one"],
        why: "gVisor's defect: rmem_max does not tell its limit. The file always says 212992 bytes, while the limit is 4 MiB. \
              gVisor doubles what is set, as Linux does: it grants 4 MiB where 2 MiB are asked for, and 8 MiB at most",
        source: "gVisor pkg/sentry/fsimpl/proc/tasks_sys.go, rmem_max; pkg/tcpip/stack/stack_options.go, DefaultMaxBufferSize; \
                 pkg/sentry/socket/netstack/netstack.go, clampBufSize(); Linux socket(7), rmem_max",
    },
    Note {
        system: "gvisor",
        rows: &["buffers/untold"],
        why: "gVisor's defect: it has no SO_RXQ_OVFL, but setsockopt returns success. No datagram that is received brings \
              the number of those that were dropped",
        source: "gVisor pkg/sentry/socket/netstack/netstack.go, setSockOptSocket(): an unknown option is no error; \
                 Linux socket(7), SO_RXQ_OVFL",
    },
    Note {
        system: "gvisor",
        rows: &["connect/refused"],
        why: "gVisor's defect: it looks at SO_BROADCAST when the socket sends, and not when it connects. The send then returns \
              EACCES, which Linux returns from connect",
        source: "gVisor pkg/tcpip/transport/internal/network/endpoint.go, ConnectAndThen() and AcquireContextForWrite(); \
                 Linux connect(2), EACCES",
    },
    Note {
        system: "gvisor",
        rows: &["connect/allowed"],
        why: "gVisor's defect: a second connect to the same peer returns EADDRINUSE, also where the peer is at 127.0.0.1. gVisor \
              registers the socket anew before it removes the old registration, and the two collide. Here the first connect is \
              the one that Linux refuses. A new socket with SO_BROADCAST connects without an error",
        source: "gVisor pkg/tcpip/transport/udp/endpoint.go, Connect(); pkg/tcpip/stack/transport_demuxer.go, \
                 singleRegisterEndpoint(); Linux connect(2): datagram sockets may connect several times",
    },
    Note {
        system: "gvisor",
        rows: &["ports/privileged"],
        why: "gVisor's defect: no port is privileged there. Its bind does not look at the user, and nothing in it asks for \
              CAP_NET_BIND_SERVICE",
        source: "gVisor pkg/sentry/socket/netstack/netstack.go, Bind(); Linux ip(7): only a privileged process may bind a port \
                 below 1024",
    },
    Note {
        system: "gvisor",
        rows: &["sharing/user-port"],
        why: "gVisor's defect: whether a port may be shared goes by the options of the sockets alone. gVisor does not keep whose \
              they are, so another user can take part of the datagrams",
        source: "gVisor pkg/tcpip/ports/ports.go, Reservation and isAvailable(); Linux socket(7), SO_REUSEPORT: the same \
                 effective user, to prevent port hijacking",
    },
    Note {
        system: "gvisor",
        rows: &["sharing/chosen-second"],
        why: "gVisor's defect: it has no SO_ATTACH_REUSEPORT_CBPF, but setsockopt returns success. The datagrams go by the hash",
        source: "gVisor pkg/sentry/socket/netstack/netstack.go, setSockOptSocket(): an unknown option is no error; Linux \
                 socket(7), SO_ATTACH_REUSEPORT_CBPF",
    },
    Note {
        system: "gvisor",
        rows: &["sizes/above-mtu", "sizes/mtu-unconnected"],
        why: "gVisor's defect: it has neither IPV6_MTU nor IPV6_DONTFRAG, but setsockopt returns success for both and does \
              nothing. getsockopt of IPV6_MTU returns ENOPROTOOPT, also when the socket is connected",
        source: "gVisor pkg/sentry/socket/netstack/netstack.go, setSockOptIPv6() and getSockOptIPv6(): what they do with an \
                 unknown option; Linux ipv6(7), IPV6_MTU",
    },
    Note {
        system: "gvisor",
        rows: &[
            "unreachable/other-receives",
            "unreachable/other-send",
            "unreachable/queue-destination",
            "unreachable/queue-icmp",
            "unreachable/queue-payload",
            "unreachable/queue-receive",
        ],
        why: "gVisor's defect: it takes IP_RECVERR from every socket, but passes ICMP errors to connected sockets only. An \
              unconnected one is told nothing, so its next send is not held up either",
        source: "gVisor pkg/tcpip/transport/udp/endpoint.go, HandleError(); Linux ip(7), IP_RECVERR: \
                 useful on unconnected sockets",
    },
    Note {
        system: "gvisor",
        rows: &["waiting/no-peer"],
        why: "gVisor's defect in this release (2022): shutdown of a socket that is bound and not connected returns success, \
              and ENOTCONN for an unbound socket only. Later ones return ENOTCONN for both",
        source: "gVisor pkg/tcpip/transport/udp/endpoint.go, Shutdown(); POSIX shutdown(), ENOTCONN",
    },
    Note {
        system: "gvisor",
        rows: &["waiting/shut-late"],
        why: "gVisor's freedom: Linux's manual says that further receptions are disallowed, and not what becomes of a \
              datagram that comes later. gVisor drops it, Linux queues it",
        source: "gVisor pkg/tcpip/transport/udp/endpoint.go, HandlePacket(): rcvClosed; Linux shutdown(2)",
    },
];
