//! The socket options that lessons speak of, and the two calls.

use std::io;
use std::time::Duration;

#[cfg(unix)]
use libc::{c_int as Number, getsockopt, setsockopt, socklen_t};
use socket2::Socket;
#[cfg(windows)]
use windows_sys::Win32::Networking::WinSock::{SOCKET as Number, getsockopt, setsockopt, socklen_t};

use super::{HERE, done, filter};
use crate::vocabulary::{Form, Level, Opt, OptionName, OptionValue, Os, Returns, numbers};

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $level:ident $text:literal $numbers:tt;)*) => {
        $($(#[$doc])* pub static $name: Opt<$kind> = Opt::new(Level::$level, $text, numbers!($numbers));)*

        /// Every option.
        pub static ALL: &[&OptionName] = &[$(&$name.name),*];
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
    /// Which of the sockets that share an address with [`REUSE_PORT`] receives a datagram: the one whose number the
    /// program returns, counted from 0 in the order of their binds. Linux `socket(7)`.
    REUSE_PORT_PROGRAM: Returns = Socket "SO_ATTACH_REUSEPORT_CBPF" (51 - -);
    /// Whether datagrams may be sent to a broadcast address.
    BROADCAST: bool = Socket "SO_BROADCAST" (6 0x20 0x20);
    /// How long a receive waits for something to come; 0, the default, is no limit.
    RECEIVE_TIMEOUT: Duration = Socket "SO_RCVTIMEO" (20 0x1006 0x1006);
    /// How many hops a datagram may make: each router takes one away and discards what has none left (`ip(7)`).
    TIME_TO_LIVE: usize = Ip "IP_TTL" (2 4 4);
    /// Whether `recvmsg` tells the address to which a datagram was sent (`ip(7)`).
    PACKET_INFO: bool = Ip "IP_PKTINFO" (8 26 19);
    /// Whether the system keeps what ICMP tells about this socket's datagrams in an error queue, and reports it
    /// although the socket is not connected. Linux `ip(7)`.
    KEEP_ERRORS: bool = Ip "IP_RECVERR" (11 - -);
    /// Whether the system finds out the MTU of the path, and then fragments or refuses what is longer: [`PMTUDISC_DO`]
    /// refuses.
    PATH_MTU_DISCOVERY: usize = Ip "IP_MTU_DISCOVER" (10 - 71);
    /// The MTU of the path to the peer, in bytes.
    PATH_MTU: usize = Ip "IP_MTU" (14 - 73);
    /// As [`KEEP_ERRORS`], for a socket of IPv6. Linux `ipv6(7)`.
    KEEP_ERRORS_V6: bool = Ipv6 "IPV6_RECVERR" (25 - -);
    /// The MTU of the path to the peer, in bytes. On Linux it can be set, too: the socket then fragments as if its path
    /// had that one, where it is smaller (`ipv6(7)`).
    PATH_MTU_V6: usize = Ipv6 "IPV6_MTU" (24 - 72);
    /// Whether a datagram that is longer than the MTU is refused and not fragmented. RFC 3542 section 11.2.
    DONT_FRAGMENT_V6: bool = Ipv6 "IPV6_DONTFRAG" (62 62 14);
}

/// Whether `recvmsg` tells the time to live with which a datagram arrived. It is of the programs, not of lessons, and
/// so not in [`ALL`]. Windows tells it by a call only that neither library has.
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
/// `Unsupported` where this system has no such option.
pub fn set(socket: &Socket, option: &OptionName, value: i32) -> io::Result<()> {
    let (level, name) = place(option)?;
    match option.form {
        Form::Int => set_number(socket, level, name, value),
        Form::Time => socket.set_read_timeout(Some(limit(value))),
        Form::Program => filter::choose_by_number(socket, value.unsigned_abs()),
    }
}

/// Calls `getsockopt`.
///
/// # Errors
/// `Unsupported` where this system has no such option.
pub fn get(socket: &Socket, option: &OptionName) -> io::Result<i32> {
    let (level, name) = place(option)?;
    match option.form {
        Form::Int => {
            let mut value = [0];
            get_numbers(socket, level, name, &mut value).map(|_| value[0])
        }
        Form::Time => Ok(socket.read_timeout()?.unwrap_or_default().to_int()),
        // No system returns the program.
        Form::Program => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn place(option: &OptionName) -> io::Result<(i32, i32)> {
    let name = option.number(HERE).ok_or(io::ErrorKind::Unsupported)?;
    Ok((option.level.number(HERE), name))
}

/// A time as the system takes it: Windows counts milliseconds, and 0 of them would be no limit.
fn limit(microseconds: i32) -> Duration {
    let limit = Duration::from_int(microseconds);
    match HERE {
        Os::Windows => Duration::from_millis(limit.as_micros().div_ceil(1000) as u64),
        Os::Linux | Os::Macos => limit,
    }
}

fn set_number(socket: &Socket, level: i32, name: i32, value: i32) -> io::Result<()> {
    let length = size_of_val(&value) as socklen_t;
    // SAFETY: the option is read from `value`, which has the length given.
    done(unsafe { setsockopt(super::descriptor(socket) as Number, level, name, (&raw const value).cast(), length) })
}

/// Reads an option into `values`: how many bytes of them were written.
pub(super) fn get_numbers(socket: &Socket, level: i32, name: i32, values: &mut [i32]) -> io::Result<usize> {
    let mut length = size_of_val(values) as socklen_t;
    let start = values.as_mut_ptr().cast();
    // SAFETY: at most `length` bytes are written into `values`, which have that size, and any bytes are numbers.
    done(unsafe { getsockopt(super::descriptor(socket) as Number, level, name, start, &raw mut length) })?;
    Ok(length as usize)
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

    /// Those of the others are held against it where the broken worlds are.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_numbers_are_those_of_the_c_library() {
        let others = [
            (PENDING_ERROR.name, libc::SO_ERROR),
            (RECEIVE_TIMEOUT.name, libc::SO_RCVTIMEO),
            (PATH_MTU.name, libc::IP_MTU),
            (RECEIVE_TIME_TO_LIVE.name, libc::IP_RECVTTL),
            (RECEIVE_HOP_LIMIT.name, libc::IPV6_RECVHOPLIMIT),
            (PACKET_INFO_V6.name, libc::IPV6_RECVPKTINFO),
        ];
        for (option, number) in others {
            assert_eq!(option.number(HERE), Some(number), "{}", option.name);
        }
        let levels = [Level::Socket, Level::Ip, Level::Ipv6].map(|level| level.number(HERE));
        assert_eq!(levels, [libc::SOL_SOCKET, libc::IPPROTO_IP, libc::IPPROTO_IPV6]);
    }
}
