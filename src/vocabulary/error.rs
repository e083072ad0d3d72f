//! Errors of socket calls: one name for each, with the number it has on each system.

use std::io;

use serde::{Deserialize, Serialize};

/// The operating systems whose answers are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

impl Os {
    /// All systems, in the order in which they are shown.
    pub const ALL: [Os; 3] = [Os::Linux, Os::Macos, Os::Windows];

    /// The name as its makers write it.
    pub fn name(self) -> &'static str {
        match self {
            Os::Linux => "Linux",
            Os::Macos => "macOS",
            Os::Windows => "Windows",
        }
    }
}

/// A socket error that a lesson speaks of, whatever its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names in NUMBERS say what each is")]
pub enum SocketError {
    AccessDenied,
    AddressInUse,
    AddressNotAvailable,
    AlreadyConnected,
    BadDescriptor,
    BrokenPipe,
    ConnectionAborted,
    ConnectionRefused,
    ConnectionReset,
    DestinationRequired,
    FamilyNotSupported,
    HostUnreachable,
    Interrupted,
    InvalidArgument,
    MessageTooLong,
    NetworkDown,
    NetworkReset,
    NetworkUnreachable,
    NoBufferSpace,
    NoMemory,
    NoProtocolOption,
    NotConnected,
    NotPermitted,
    NotSupported,
    ShutDown,
    TimedOut,
    TooManyFiles,
    TooManyFilesInSystem,
    WouldBlock,
}

/// What `error` is, in the words of the GNU C library, which strace shows; the same on every system and in every language.
fn words(error: SocketError) -> &'static str {
    match error {
        SocketError::AccessDenied => "permission denied",
        SocketError::AddressInUse => "address already in use",
        SocketError::AddressNotAvailable => "cannot assign requested address",
        SocketError::AlreadyConnected => "transport endpoint is already connected",
        SocketError::BadDescriptor => "bad file descriptor",
        SocketError::BrokenPipe => "broken pipe",
        SocketError::ConnectionAborted => "software caused connection abort",
        SocketError::ConnectionRefused => "connection refused",
        SocketError::ConnectionReset => "connection reset by peer",
        SocketError::DestinationRequired => "destination address required",
        SocketError::FamilyNotSupported => "address family not supported by protocol",
        SocketError::HostUnreachable => "no route to host",
        SocketError::Interrupted => "interrupted system call",
        SocketError::InvalidArgument => "invalid argument",
        SocketError::MessageTooLong => "message too long",
        SocketError::NetworkDown => "network is down",
        SocketError::NetworkReset => "network dropped connection on reset",
        SocketError::NetworkUnreachable => "network is unreachable",
        SocketError::NoBufferSpace => "no buffer space available",
        SocketError::NoMemory => "cannot allocate memory",
        SocketError::NoProtocolOption => "protocol not available",
        SocketError::NotConnected => "transport endpoint is not connected",
        SocketError::NotPermitted => "operation not permitted",
        SocketError::NotSupported => "operation not supported",
        SocketError::ShutDown => "cannot send after transport endpoint shutdown",
        SocketError::TimedOut => "connection timed out",
        SocketError::TooManyFiles => "too many open files",
        SocketError::TooManyFilesInSystem => "too many open files in system",
        SocketError::WouldBlock => "resource temporarily unavailable",
    }
}

/// `(error, POSIX name, Linux number, macOS number, Windows number)`; the Windows name is `WSA` + the POSIX name.
///
/// Sources: Linux `errno(3)`, macOS `intro(2)`, "Windows Sockets Error Codes". Windows has no EPIPE: its sockets
/// answer WSAESHUTDOWN 10058 there; no ENFILE; no ENOMEM, which is WSAENOBUFS there; and no EPERM: a firewall's refusal is
/// WSAEACCES there. `-1` stands for "does not exist".
const NUMBERS: &[(SocketError, &str, i32, i32, i32)] = &[
    (SocketError::AccessDenied, "EACCES", 13, 13, 10013),
    (SocketError::AddressInUse, "EADDRINUSE", 98, 48, 10048),
    (SocketError::AddressNotAvailable, "EADDRNOTAVAIL", 99, 49, 10049),
    (SocketError::AlreadyConnected, "EISCONN", 106, 56, 10056),
    (SocketError::BadDescriptor, "EBADF", 9, 9, 10009),
    (SocketError::BrokenPipe, "EPIPE", 32, 32, -1),
    (SocketError::ConnectionAborted, "ECONNABORTED", 103, 53, 10053),
    (SocketError::ConnectionRefused, "ECONNREFUSED", 111, 61, 10061),
    (SocketError::ConnectionReset, "ECONNRESET", 104, 54, 10054),
    (SocketError::DestinationRequired, "EDESTADDRREQ", 89, 39, 10039),
    (SocketError::FamilyNotSupported, "EAFNOSUPPORT", 97, 47, 10047),
    (SocketError::HostUnreachable, "EHOSTUNREACH", 113, 65, 10065),
    (SocketError::Interrupted, "EINTR", 4, 4, 10004),
    (SocketError::InvalidArgument, "EINVAL", 22, 22, 10022),
    (SocketError::MessageTooLong, "EMSGSIZE", 90, 40, 10040),
    (SocketError::NetworkDown, "ENETDOWN", 100, 50, 10050),
    (SocketError::NetworkReset, "ENETRESET", 102, 52, 10052),
    (SocketError::NetworkUnreachable, "ENETUNREACH", 101, 51, 10051),
    (SocketError::NoBufferSpace, "ENOBUFS", 105, 55, 10055),
    (SocketError::NoMemory, "ENOMEM", 12, 12, -1),
    (SocketError::NoProtocolOption, "ENOPROTOOPT", 92, 42, 10042),
    (SocketError::NotConnected, "ENOTCONN", 107, 57, 10057),
    (SocketError::NotPermitted, "EPERM", 1, 1, -1),
    (SocketError::NotSupported, "EOPNOTSUPP", 95, 102, 10045),
    (SocketError::ShutDown, "ESHUTDOWN", 108, 58, 10058),
    (SocketError::TimedOut, "ETIMEDOUT", 110, 60, 10060),
    (SocketError::TooManyFiles, "EMFILE", 24, 24, 10024),
    (SocketError::TooManyFilesInSystem, "ENFILE", 23, 23, -1),
    (SocketError::WouldBlock, "EAGAIN", 11, 35, 10035),
];

impl SocketError {
    /// Every error that a lesson speaks of.
    pub fn all() -> impl Iterator<Item = SocketError> {
        NUMBERS.iter().map(|row| row.0)
    }

    /// The error called `name`, in capital letters or small ones, with the `WSA` of Windows or without.
    pub fn named(name: &str) -> Option<SocketError> {
        let name = name.to_ascii_uppercase();
        let posix = match name.strip_prefix("WSA").unwrap_or(&name) {
            "EWOULDBLOCK" => "EAGAIN",
            posix => posix,
        };
        NUMBERS.iter().find(|row| row.1 == posix).map(|row| row.0)
    }

    /// The errors that have this number on some system: Linux and macOS may count differently.
    pub fn numbered(number: i32) -> impl Iterator<Item = SocketError> {
        SocketError::all().filter(move |error| error.systems().any(|os| error.on(os).number == number))
    }

    /// The systems that have it.
    pub fn systems(self) -> impl Iterator<Item = Os> {
        Os::ALL.into_iter().filter(move |os| self.on(*os).number != -1)
    }

    /// What it is, in words.
    pub fn words(self) -> &'static str {
        words(self)
    }

    /// The error as `os` numbers it.
    pub fn on(self, os: Os) -> OsError {
        let number = NUMBERS.iter().find(|row| row.0 == self).map_or(-1, |row| number_on(row, os));
        OsError::from_number(number, os)
    }
}

fn number_on(row: &(SocketError, &str, i32, i32, i32), os: Os) -> i32 {
    match os {
        Os::Linux => row.2,
        Os::Macos => row.3,
        Os::Windows => row.4,
    }
}

/// An error that a socket call returned: the system's number and its name there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OsError {
    /// `errno`, or what `WSAGetLastError` returned.
    pub number: i32,
    /// The symbolic name, such as `ECONNREFUSED` or `WSAECONNRESET`.
    pub name: String,
}

impl OsError {
    /// Names `number` as `os` does; a number that no lesson speaks of is called `error`.
    pub fn from_number(number: i32, os: Os) -> Self {
        let name = NUMBERS.iter().find(|row| number_on(row, os) == number).map(|row| row.1);
        let name = match (name, os) {
            (Some("EAGAIN"), Os::Windows) => "WSAEWOULDBLOCK".to_owned(),
            (Some(name), Os::Windows) => format!("WSA{name}"),
            (Some(name), _) => name.to_owned(),
            (None, _) => "error".to_owned(),
        };
        OsError { number, name }
    }

    /// Which error this is on `os`; nothing for one that no lesson speaks of.
    pub fn kind(&self, os: Os) -> Option<SocketError> {
        NUMBERS.iter().find(|row| number_on(row, os) == self.number).map(|row| row.0)
    }

    /// Whether this is `error` on `os`.
    pub fn is(&self, error: SocketError, os: Os) -> bool {
        error.on(os).number == self.number
    }
}

impl OsError {
    /// What it means, on `os`: in words of our own where a lesson speaks of it.
    pub fn words(&self, os: Os) -> String {
        match self.kind(os) {
            Some(error) => words(error).to_owned(),
            None => os_message(&io::Error::from_raw_os_error(self.number), os).to_lowercase(),
        }
    }
}

/// What an error of files and streams means, without its number. Windows's own words come in the language of the machine
/// and end in a full stop; there they are those of the Rust library, which tells fewer errors apart.
pub fn os_message(error: &io::Error, os: Os) -> String {
    let text = match os {
        Os::Windows => error.kind().to_string(),
        Os::Linux | Os::Macos => error.to_string(),
    };
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

impl std::fmt::Display for OsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_system_does_not_have_has_no_number_there() {
        assert_eq!(SocketError::BrokenPipe.on(Os::Windows).number, -1);
        assert_eq!(SocketError::TooManyFilesInSystem.on(Os::Windows).number, -1);
        assert_eq!(OsError::from_number(1, Os::Windows).name, "error");
        assert_eq!(SocketError::NotPermitted.on(Os::Windows).number, -1);
    }

    #[test]
    fn what_a_firewall_or_a_missing_way_causes_has_a_name_on_each_system() {
        let names = |number, os| OsError::from_number(number, os).name;
        for (linux, macos, windows, name) in [
            (113, 65, 10065, "EHOSTUNREACH"),
            (13, 13, 10013, "EACCES"),
            (101, 51, 10051, "ENETUNREACH"),
            (105, 55, 10055, "ENOBUFS"),
        ] {
            assert_eq!((names(linux, Os::Linux), names(macos, Os::Macos)), (name.to_owned(), name.to_owned()));
            assert_eq!(names(windows, Os::Windows), format!("WSA{name}"));
        }
        assert_eq!((names(1, Os::Linux), names(1, Os::Macos)), ("EPERM".to_owned(), "EPERM".to_owned()));
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn the_words_are_those_that_strace_shows() {
        for row in NUMBERS {
            let system = os_message(&io::Error::from_raw_os_error(row.2), Os::Linux);
            assert_eq!(row.0.on(Os::Linux).words(Os::Linux), system.to_lowercase());
        }
    }

    #[test]
    fn an_error_has_the_same_words_on_each_system_that_has_it() {
        for row in NUMBERS {
            for os in Os::ALL.into_iter().filter(|os| number_on(row, *os) != -1) {
                assert_eq!(row.0.on(os).words(os), words(row.0), "{} on {}", row.1, os.name());
            }
        }
    }

    #[test]
    fn no_text_of_windows_itself_is_shown() {
        let german = io::Error::new(io::ErrorKind::PermissionDenied, "Zugriff verweigert. (os error 5)");
        assert_eq!(os_message(&german, Os::Windows), "permission denied");
        assert_eq!(os_message(&german, Os::Macos), "Zugriff verweigert.");
        assert_eq!(OsError::from_number(1_000_000, Os::Windows).words(Os::Windows), "uncategorized error");
    }
}
