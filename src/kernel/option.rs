//! The socket options that lessons speak of, and the two calls.

use std::io;
use std::time::Duration;

use socket2::Socket;

use super::{HERE, filter};
use crate::vocabulary::{Form, Level, Opt, OptionName, Returns};

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $level:ident $text:literal $numbers:tt;)*) => {
        $($(#[$doc])* pub static $name: Opt<$kind> = Opt::new(Level::$level, $text, numbers!($numbers));)*

        /// Every option.
        pub static ALL: &[&OptionName] = &[$(&$name.name),*];
    };
}

/// The numbers on Linux, macOS and Windows; `-` where there is no such option.
macro_rules! numbers {
    (($linux:tt $macos:tt $windows:tt)) => {
        [number!($linux), number!($macos), number!($windows)]
    };
}

macro_rules! number {
    (-) => {
        None
    };
    ($number:literal) => {
        Some($number)
    };
}

options! {
    /// The size of the receive buffer, in bytes. Linux grants twice what is asked for, between a floor and a ceiling
    /// (`socket(7)`).
    RECEIVE_BUFFER: usize = Socket "SO_RCVBUF" (8 0x1002 0x1002);
    /// The size of the receive buffer, whatever the limit. Linux `socket(7)`.
    RECEIVE_BUFFER_FORCE: usize = Socket "SO_RCVBUFFORCE" (33 - -);
    /// How many bytes must be queued before a receive returns, on streams. POSIX `setsockopt()`.
    RECEIVE_LOW_WATER: usize = Socket "SO_RCVLOWAT" (18 0x1004 -);
    /// Whether `recvmsg` tells with a datagram how many the socket had dropped when it was queued. Linux `socket(7)`.
    REPORT_DROPS: bool = Socket "SO_RXQ_OVFL" (40 - -);
    /// The size of the send buffer, in bytes. Linux doubles it (`socket(7)`); on macOS it is the limit of one datagram.
    SEND_BUFFER: usize = Socket "SO_SNDBUF" (7 0x1001 0x1001);
    /// The error that the system has to tell of this socket, by its number; 0 for none. Reading it clears it.
    PENDING_ERROR: usize = Socket "SO_ERROR" (4 0x1007 0x1007);
    /// Whether the address may be bound while another socket has it. What that means differs by system.
    REUSE_ADDRESS: bool = Socket "SO_REUSEADDR" (2 0x4 0x4);
    /// Whether several sockets may have the same address and share what arrives there.
    REUSE_PORT: bool = Socket "SO_REUSEPORT" (15 0x200 -);
    /// Which of the sockets that share an address with [`REUSE_PORT`] receives a datagram: the one whose number the program
    /// returns, counted from 0 in the order of their binds. Linux `socket(7)`.
    REUSE_PORT_PROGRAM: Returns = Socket "SO_ATTACH_REUSEPORT_CBPF" (51 - -);
    /// Whether datagrams may be sent to a broadcast address.
    BROADCAST: bool = Socket "SO_BROADCAST" (6 0x20 0x20);
    /// How long a receive waits for something to come; 0, the default, is no limit.
    RECEIVE_TIMEOUT: Duration = Socket "SO_RCVTIMEO" (20 0x1006 0x1006);
    /// How many hops a datagram may make: each router takes one away and discards what has none left (`ip(7)`).
    TIME_TO_LIVE: usize = Ip "IP_TTL" (2 4 4);
    /// Whether `recvmsg` tells the address to which a datagram was sent (`ip(7)`).
    PACKET_INFO: bool = Ip "IP_PKTINFO" (8 26 19);
    /// Whether the system keeps what ICMP tells about this socket's datagrams in an error queue, and reports it although the
    /// socket is not connected. Linux `ip(7)`.
    KEEP_ERRORS: bool = Ip "IP_RECVERR" (11 - -);
    /// Whether the system finds out the MTU of the path, and then fragments or refuses what is longer: [`PMTUDISC_DO`] refuses.
    PATH_MTU_DISCOVERY: usize = Ip "IP_MTU_DISCOVER" (10 - 71);
    /// The MTU of the path to the peer, in bytes.
    PATH_MTU: usize = Ip "IP_MTU" (14 - 73);
    /// As [`KEEP_ERRORS`], for a socket of IPv6. Linux `ipv6(7)`.
    KEEP_ERRORS_V6: bool = Ipv6 "IPV6_RECVERR" (25 - -);
    /// The MTU of the path to the peer, in bytes. On Linux it can be set, too: the socket then fragments as if its path had
    /// that one, where it is smaller (`ipv6(7)`).
    PATH_MTU_V6: usize = Ipv6 "IPV6_MTU" (24 - 72);
    /// Whether a datagram that is longer than the MTU is refused and not fragmented. RFC 3542 section 11.2.
    DONT_FRAGMENT_V6: bool = Ipv6 "IPV6_DONTFRAG" (62 62 14);
}

/// Whether `recvmsg` tells the time to live with which a datagram arrived. It is of the programs, not of lessons, and so not in [`ALL`].
/// Windows tells it by a call only that neither library has.
pub(super) static RECEIVE_TIME_TO_LIVE: Opt<bool> = Opt::new(Level::Ip, "IP_RECVTTL", numbers!((12 24 -)));

/// As [`RECEIVE_TIME_TO_LIVE`], for IPv6 (RFC 3542 section 6.3).
pub(super) static RECEIVE_HOP_LIMIT: Opt<bool> = Opt::new(Level::Ipv6, "IPV6_RECVHOPLIMIT", numbers!((51 37 -)));

/// As [`PACKET_INFO`], for IPv6 (RFC 3542 section 6.1). Only on Linux does the program read what it brings.
pub(super) static PACKET_INFO_V6: Opt<bool> = Opt::new(Level::Ipv6, "IPV6_RECVPKTINFO", numbers!((49 - -)));

/// The value of [`PATH_MTU_DISCOVERY`] with which a datagram that is longer than the MTU is refused. Linux `ip(7)`.
pub const PMTUDISC_DO: usize = 2;

/// Whether the option asks `recvmsg` for ancillary data.
pub fn brings_ancillary_data(option: &OptionName) -> bool {
    [PACKET_INFO.name, KEEP_ERRORS.name, KEEP_ERRORS_V6.name, REPORT_DROPS.name].contains(option)
}

/// Calls `setsockopt`.
///
/// # Errors
/// What the system says; that it has no such option.
pub fn set(socket: &Socket, option: &OptionName, value: i32) -> io::Result<()> {
    let (level, name) = place(option)?;
    match option.form {
        Form::Int => raw::set(socket, level, name, &value),
        Form::Time => raw::set(socket, level, name, &raw::time(value)),
        Form::Program => filter::choose_by_number(socket, value.unsigned_abs()),
    }
}

/// Calls `getsockopt`.
///
/// # Errors
/// What the system says; that it has no such option.
pub fn get(socket: &Socket, option: &OptionName) -> io::Result<i32> {
    let (level, name) = place(option)?;
    match option.form {
        Form::Int => raw::get(socket, level, name, 0),
        Form::Time => raw::get(socket, level, name, raw::time(0)).map(raw::microseconds),
        // No system returns the program.
        Form::Program => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn place(option: &OptionName) -> io::Result<(i32, i32)> {
    let name = option.number(HERE).ok_or(io::ErrorKind::Unsupported)?;
    Ok((option.level.number(HERE), name))
}

#[cfg(unix)]
mod raw {
    use std::io;
    use std::os::fd::AsRawFd;

    use socket2::Socket;

    pub fn set<T>(socket: &Socket, level: i32, name: i32, value: &T) -> io::Result<()> {
        let length = size_of_val(value) as libc::socklen_t;
        // SAFETY: the option is read from `value`, which has the length given.
        let status =
            unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, std::ptr::from_ref(value).cast(), length) };
        if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Reads an option into `value`, of whose type any bytes are a value.
    pub fn get<T>(socket: &Socket, level: i32, name: i32, mut value: T) -> io::Result<T> {
        let mut length = size_of_val(&value) as libc::socklen_t;
        // SAFETY: at most `length` bytes are written into `value`, which has that size and is a number or two.
        let status =
            unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut length) };
        if status < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
    }

    #[allow(clippy::useless_conversion, reason = "its numbers are longer on some systems")]
    pub fn time(microseconds: i32) -> libc::timeval {
        const SECOND: i32 = 1_000_000;
        libc::timeval { tv_sec: (microseconds / SECOND).into(), tv_usec: (microseconds % SECOND).into() }
    }

    #[allow(clippy::useless_conversion, reason = "its numbers are longer on some systems")]
    pub fn microseconds(time: libc::timeval) -> i32 {
        let seconds = i32::try_from(time.tv_sec).unwrap_or(i32::MAX);
        seconds.saturating_mul(1_000_000).saturating_add(i32::try_from(time.tv_usec).unwrap_or(0))
    }
}

#[cfg(windows)]
mod raw {
    use std::io;
    use std::os::windows::io::{AsRawSocket, RawSocket};

    use socket2::Socket;

    #[link(name = "ws2_32")]
    unsafe extern "system" {
        fn setsockopt(socket: RawSocket, level: i32, name: i32, value: *const i32, length: i32) -> i32;
        fn getsockopt(socket: RawSocket, level: i32, name: i32, value: *mut i32, length: *mut i32) -> i32;
        fn WSAGetLastError() -> i32;
    }

    const LENGTH: i32 = size_of::<i32>() as i32;

    const MILLISECOND: i32 = 1000;

    /// A limit of less than a millisecond is one of a millisecond: 0 would be none.
    pub fn time(microseconds: i32) -> i32 {
        microseconds / MILLISECOND + i32::from(microseconds % MILLISECOND > 0)
    }

    pub fn microseconds(milliseconds: i32) -> i32 {
        milliseconds.saturating_mul(MILLISECOND)
    }

    fn result(status: i32) -> io::Result<()> {
        // SAFETY: it has no arguments.
        if status == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(unsafe { WSAGetLastError() })) }
    }

    pub fn set(socket: &Socket, level: i32, name: i32, value: &i32) -> io::Result<()> {
        // SAFETY: the option is read from `value`, which has the length given.
        result(unsafe { setsockopt(socket.as_raw_socket(), level, name, value, LENGTH) })
    }

    pub fn get(socket: &Socket, level: i32, name: i32, mut value: i32) -> io::Result<i32> {
        let mut length = LENGTH;
        // SAFETY: at most `length` bytes are written into `value`, which has that size.
        result(unsafe { getsockopt(socket.as_raw_socket(), level, name, &raw mut value, &raw mut length) })?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets;

    #[test]
    fn an_option_that_is_set_can_be_read() {
        let udp = sockets::udp("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_eq!(get(&udp, &REUSE_ADDRESS.name).unwrap(), 0);
        set(&udp, &REUSE_ADDRESS.name, 1).unwrap();
        assert!(get(&udp, &REUSE_ADDRESS.name).unwrap() != 0 && udp.reuse_address().unwrap());
    }

    #[test]
    fn a_time_limit_is_read_as_it_was_set() {
        let udp = sockets::udp("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_eq!(get(&udp, &RECEIVE_TIMEOUT.name).unwrap(), 0);
        // Two seconds are a whole number of ticks of every clock.
        set(&udp, &RECEIVE_TIMEOUT.name, 2_000_000).unwrap();
        assert_eq!(get(&udp, &RECEIVE_TIMEOUT.name).unwrap(), 2_000_000);
        assert_eq!(udp.read_timeout().unwrap(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn what_a_system_does_not_have_is_an_error() {
        const NOWHERE: Opt<bool> = Opt::new(Level::Socket, "SO_NOWHERE", [None; 3]);
        let udp = sockets::udp("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_eq!(set(&udp, &NOWHERE.name, 1).unwrap_err().kind(), io::ErrorKind::Unsupported);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_numbers_are_those_of_the_c_library() {
        let numbers = [
            libc::SO_RCVBUF,
            libc::SO_RCVBUFFORCE,
            libc::SO_RCVLOWAT,
            libc::SO_RXQ_OVFL,
            libc::SO_SNDBUF,
            libc::SO_ERROR,
            libc::SO_REUSEADDR,
            libc::SO_REUSEPORT,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            libc::SO_BROADCAST,
            libc::SO_RCVTIMEO,
            libc::IP_TTL,
            libc::IP_PKTINFO,
            libc::IP_RECVERR,
            libc::IP_MTU_DISCOVER,
            libc::IP_MTU,
            libc::IPV6_RECVERR,
            libc::IPV6_MTU,
            libc::IPV6_DONTFRAG,
        ];
        let known: Vec<_> = ALL.iter().map(|option| option.number(HERE)).collect();
        assert_eq!(known, numbers.map(Some));
        let of_programs = [RECEIVE_TIME_TO_LIVE.name, RECEIVE_HOP_LIMIT.name, PACKET_INFO_V6.name];
        let numbers = [libc::IP_RECVTTL, libc::IPV6_RECVHOPLIMIT, libc::IPV6_RECVPKTINFO];
        assert_eq!(of_programs.map(|option| option.number(HERE)), numbers.map(Some));
        let levels = [Level::Socket, Level::Ip, Level::Ipv6].map(|level| level.number(HERE));
        assert_eq!(levels, [libc::SOL_SOCKET, libc::IPPROTO_IP, libc::IPPROTO_IPV6]);
    }
}
