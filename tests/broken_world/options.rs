//! The socket options that lessons set: in one world each is ignored, in another it is refused.

use libc::c_int;

/// A socket option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOption {
    /// As the manual page has it.
    pub name: &'static str,
    pub level: c_int,
    pub number: c_int,
    /// Whether it is on or off.
    pub is_switch: bool,
}

impl SocketOption {
    /// Whether two sockets that have it may have one port.
    #[allow(dead_code, reason = "the tests only list the options")]
    pub fn lets_share(self) -> bool {
        self.level == libc::SOL_SOCKET && [libc::SO_REUSEADDR, libc::SO_REUSEPORT].contains(&self.number)
    }
}

pub const OPTIONS: &[SocketOption] = &[
    SocketOption { name: "SO_RCVBUF", level: libc::SOL_SOCKET, number: libc::SO_RCVBUF, is_switch: false },
    SocketOption { name: "SO_RCVBUFFORCE", level: libc::SOL_SOCKET, number: libc::SO_RCVBUFFORCE, is_switch: false },
    SocketOption { name: "SO_RCVLOWAT", level: libc::SOL_SOCKET, number: libc::SO_RCVLOWAT, is_switch: false },
    SocketOption { name: "SO_RXQ_OVFL", level: libc::SOL_SOCKET, number: libc::SO_RXQ_OVFL, is_switch: true },
    SocketOption { name: "SO_SNDBUF", level: libc::SOL_SOCKET, number: libc::SO_SNDBUF, is_switch: false },
    SocketOption { name: "SO_REUSEADDR", level: libc::SOL_SOCKET, number: libc::SO_REUSEADDR, is_switch: true },
    SocketOption { name: "SO_REUSEPORT", level: libc::SOL_SOCKET, number: libc::SO_REUSEPORT, is_switch: true },
    SocketOption {
        name: "SO_ATTACH_REUSEPORT_CBPF",
        level: libc::SOL_SOCKET,
        number: libc::SO_ATTACH_REUSEPORT_CBPF,
        is_switch: false,
    },
    SocketOption { name: "SO_BROADCAST", level: libc::SOL_SOCKET, number: libc::SO_BROADCAST, is_switch: true },
    SocketOption { name: "IP_TTL", level: libc::IPPROTO_IP, number: libc::IP_TTL, is_switch: false },
    SocketOption { name: "IP_PKTINFO", level: libc::IPPROTO_IP, number: libc::IP_PKTINFO, is_switch: true },
    SocketOption { name: "IP_RECVERR", level: libc::IPPROTO_IP, number: libc::IP_RECVERR, is_switch: true },
    SocketOption { name: "IP_MTU_DISCOVER", level: libc::IPPROTO_IP, number: libc::IP_MTU_DISCOVER, is_switch: false },
    SocketOption { name: "IPV6_RECVERR", level: libc::IPPROTO_IPV6, number: libc::IPV6_RECVERR, is_switch: true },
    SocketOption { name: "IPV6_MTU", level: libc::IPPROTO_IPV6, number: libc::IPV6_MTU, is_switch: false },
    SocketOption { name: "IPV6_DONTFRAG", level: libc::IPPROTO_IPV6, number: libc::IPV6_DONTFRAG, is_switch: true },
];
