//! Claims that several lessons make.

use crate::arguments::Message;
use crate::vocabulary::{Claim, Expected, Fact, Need, Os, Property, SocketError, sources, specified, typical};

/// One receive into `buffer` bytes returns as much of `message`; on Windows an error when it is longer.
pub fn receive_returns(
    id: impl Into<String>,
    property: impl Into<Property>,
    message: &Message,
    buffer: usize,
) -> Claim {
    let claim = specified(id, property, message.cut_to(buffer), &sources::POSIX_RECVFROM);
    if message.length() <= buffer {
        return claim;
    }
    claim.on(Os::Windows, SocketError::MessageTooLong, &sources::MS_RECVFROM).cites_on(Os::Macos, &sources::XNU_RECEIVE)
}

/// A receive on a connected socket returns that nobody listens: Windows has another name for it.
pub fn refused(id: &str, property: impl Into<Property>) -> Claim {
    typical(id, property, SocketError::ConnectionRefused, &sources::UDP_7)
        .cites_on(Os::Macos, &sources::XNU_ICMP)
        .on(Os::Windows, SocketError::ConnectionReset, &sources::MS_RECVFROM)
        .unlike_wine()
        .needs(Need::Icmp)
}

/// The receive after that returns nothing more of it.
pub fn refused_once(id: &str, property: &str) -> Claim {
    specified(id, property, Fact::Nothing, &sources::SOCKET_7_ERROR)
        .cites_on(Os::Macos, &sources::XNU_RECEIVE)
        .cites_on(Os::Windows, &sources::JDK_4431020)
        .unlike_wine()
        .needs(Need::Icmp)
}

/// An unconnected socket returns no error that nobody listens; on Windows it does.
pub fn unconnected_refused(id: &str, property: &str) -> Claim {
    typical(id, property, Fact::Nothing, &sources::UNP_ERRORS)
        .cites_on(Os::Macos, &sources::XNU_ICMP)
        .on(Os::Windows, SocketError::ConnectionReset, &sources::MS_RECVFROM)
        .unlike_wine()
        .needs(Need::Icmp)
}

/// The port of a socket that has none: Windows does not tell it.
pub fn no_port(id: &str, property: &str) -> Claim {
    typical(id, property, 0, &sources::POSIX_GETSOCKNAME).on(
        Os::Windows,
        SocketError::InvalidArgument,
        &sources::MS_GETSOCKNAME,
    )
}

/// The first sendto of an unbound socket gives it a port, and what follows from that.
pub fn bound_by_sendto(id: &str, property: &str, expected: impl Into<Expected>) -> Claim {
    specified(id, property, expected, &sources::UDP_7)
        .cites_on(Os::Macos, &sources::XNU_BIND)
        .cites_on(Os::Windows, &sources::MS_SENDTO)
}

/// A UDP socket cannot listen.
pub fn no_listen(id: &str, property: impl Into<Property>) -> Claim {
    specified(id, property, SocketError::NotSupported, &sources::POSIX_LISTEN)
        .cites_on(Os::Macos, &sources::XNU_LISTEN)
        .cites_on(Os::Windows, &sources::WINE_LISTEN)
}

/// A UDP socket accepts nobody.
pub fn no_accept(id: &str, property: impl Into<Property>) -> Claim {
    specified(id, property, SocketError::NotSupported, &sources::POSIX_ACCEPT)
        .cites_on(Os::Macos, &sources::XNU_ACCEPT)
        .cites_on(Os::Windows, &sources::MS_ACCEPT)
}

/// A TCP server that closes a connection first cannot bind its port again at once; on Windows it can.
pub fn time_wait(id: &str, property: impl Into<Property>) -> Claim {
    typical(id, property, SocketError::AddressInUse, &sources::RFC9293_TIME_WAIT)
        .cites_on(Os::Macos, &sources::COREFX_24562)
        .on(Os::Windows, "success", &sources::COREFX_24562)
}

/// What the system grants of a receive buffer where `asked` is asked for: Linux doubles it.
pub fn receive_buffer_granted(id: &str, property: impl Into<Property>, asked: usize) -> Claim {
    specified(id, property, 2 * asked, &sources::SOCKET_7).on(Os::Macos, asked, &sources::XNU_RECEIVE_BUFFER).on(
        Os::Windows,
        asked,
        &sources::WINE_RECEIVE_BUFFER,
    )
}

/// A row that takes a second address of loopback.
pub fn at_a_second_loopback(claim: Claim) -> Claim {
    claim.absent_on(Os::Macos, "macOS has one loopback address configured").needs(Need::SecondLoopback)
}
