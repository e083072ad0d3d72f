//! Errors of socket calls: one name for each, with the number it has on each system.

use std::io;

use serde::{Deserialize, Serialize};

use super::PerSystem;

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

/// A line for each error: its name in POSIX, its number on Linux, macOS and Windows, `-` where there is none, and what
/// it is in the words of the GNU C library, which strace shows; the same on every system and in every language.
macro_rules! errors {
    ($($error:ident $name:literal $numbers:tt $words:literal;)*) => {
        /// A socket error that a lesson speaks of, whatever its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum SocketError {
            $(#[doc = $words] $error,)*
        }

        /// What is known of each error, in the order of their kind.
        const ERRORS: &[Known] = &[$(Known {
            error: SocketError::$error,
            name: $name,
            numbers: PerSystem::new(numbers!($numbers)),
            words: $words,
        }),*];
    };
}

// Sources: Linux `errno(3)`, macOS `intro(2)`, "Windows Sockets Error Codes". The Windows name is `WSA` + the POSIX
// name. Windows has no EPIPE: its sockets answer WSAESHUTDOWN 10058 there; no ENFILE; no ENOMEM, which is WSAENOBUFS
// there; and no EPERM: a firewall's refusal is WSAEACCES there.
errors! {
    AccessDenied         "EACCES"        ( 13  13 10013) "permission denied";
    AddressInUse         "EADDRINUSE"    ( 98  48 10048) "address already in use";
    AddressNotAvailable  "EADDRNOTAVAIL" ( 99  49 10049) "cannot assign requested address";
    AlreadyConnected     "EISCONN"       (106  56 10056) "transport endpoint is already connected";
    BadDescriptor        "EBADF"         (  9   9 10009) "bad file descriptor";
    BrokenPipe           "EPIPE"         ( 32  32     -) "broken pipe";
    ConnectionAborted    "ECONNABORTED"  (103  53 10053) "software caused connection abort";
    ConnectionRefused    "ECONNREFUSED"  (111  61 10061) "connection refused";
    ConnectionReset      "ECONNRESET"    (104  54 10054) "connection reset by peer";
    DestinationRequired  "EDESTADDRREQ"  ( 89  39 10039) "destination address required";
    FamilyNotSupported   "EAFNOSUPPORT"  ( 97  47 10047) "address family not supported by protocol";
    HostUnreachable      "EHOSTUNREACH"  (113  65 10065) "no route to host";
    Interrupted          "EINTR"         (  4   4 10004) "interrupted system call";
    InvalidArgument      "EINVAL"        ( 22  22 10022) "invalid argument";
    MessageTooLong       "EMSGSIZE"      ( 90  40 10040) "message too long";
    NetworkDown          "ENETDOWN"      (100  50 10050) "network is down";
    NetworkReset         "ENETRESET"     (102  52 10052) "network dropped connection on reset";
    NetworkUnreachable   "ENETUNREACH"   (101  51 10051) "network is unreachable";
    NoBufferSpace        "ENOBUFS"       (105  55 10055) "no buffer space available";
    NoMemory             "ENOMEM"        ( 12  12     -) "cannot allocate memory";
    NoProtocolOption     "ENOPROTOOPT"   ( 92  42 10042) "protocol not available";
    NotConnected         "ENOTCONN"      (107  57 10057) "transport endpoint is not connected";
    NotPermitted         "EPERM"         (  1   1     -) "operation not permitted";
    NotSupported         "EOPNOTSUPP"    ( 95 102 10045) "operation not supported";
    ShutDown             "ESHUTDOWN"     (108  58 10058) "cannot send after transport endpoint shutdown";
    TimedOut             "ETIMEDOUT"     (110  60 10060) "connection timed out";
    TooManyFiles         "EMFILE"        ( 24  24 10024) "too many open files";
    TooManyFilesInSystem "ENFILE"        ( 23  23     -) "too many open files in system";
    WouldBlock           "EAGAIN"        ( 11  35 10035) "resource temporarily unavailable";
}

struct Known {
    error: SocketError,
    name: &'static str,
    numbers: PerSystem<Option<i32>>,
    words: &'static str,
}

impl Known {
    fn number(&self, os: Os) -> Option<i32> {
        *self.numbers.on(os)
    }
}

impl SocketError {
    /// Every error that a lesson speaks of.
    pub fn all() -> impl Iterator<Item = SocketError> {
        ERRORS.iter().map(|known| known.error)
    }

    /// The error called `name`, in capital letters or small ones, with the `WSA` of Windows or without.
    pub fn named(name: &str) -> Option<SocketError> {
        let name = name.to_ascii_uppercase();
        let posix = match name.strip_prefix("WSA").unwrap_or(&name) {
            "EWOULDBLOCK" => "EAGAIN",
            posix => posix,
        };
        ERRORS.iter().find(|known| known.name == posix).map(|known| known.error)
    }

    /// The errors that have this number on some system: Linux and macOS may count differently.
    pub fn numbered(number: i32) -> impl Iterator<Item = SocketError> {
        SocketError::all().filter(move |error| error.systems().any(|os| error.known().number(os) == Some(number)))
    }

    /// The systems that have it.
    pub fn systems(self) -> impl Iterator<Item = Os> {
        Os::ALL.into_iter().filter(move |os| self.known().number(*os).is_some())
    }

    /// What it is, in words.
    pub fn words(self) -> &'static str {
        self.known().words
    }

    /// The error as `os` numbers it; -1, which no call returns, where there is no such error.
    pub fn on(self, os: Os) -> OsError {
        OsError::from_number(self.known().number(os).unwrap_or(-1), os)
    }

    fn known(self) -> &'static Known {
        &ERRORS[self as usize]
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
        let name = match (known(number, os).map(|known| known.name), os) {
            (Some("EAGAIN"), Os::Windows) => "WSAEWOULDBLOCK".to_owned(),
            (Some(name), Os::Windows) => format!("WSA{name}"),
            (Some(name), _) => name.to_owned(),
            (None, _) => "error".to_owned(),
        };
        OsError { number, name }
    }

    /// Which error this is on `os`; nothing for one that no lesson speaks of.
    pub fn kind(&self, os: Os) -> Option<SocketError> {
        known(self.number, os).map(|known| known.error)
    }

    /// Whether this is `error` on `os`.
    pub fn is(&self, error: SocketError, os: Os) -> bool {
        self.kind(os) == Some(error)
    }

    /// What it means, on `os`: in words of our own where a lesson speaks of it.
    pub fn words(&self, os: Os) -> String {
        match self.kind(os) {
            Some(error) => error.words().to_owned(),
            None => os_message(&io::Error::from_raw_os_error(self.number), os).to_lowercase(),
        }
    }
}

/// The error that has this number on `os`.
fn known(number: i32, os: Os) -> Option<&'static Known> {
    ERRORS.iter().find(|known| known.number(os) == Some(number))
}

/// What an error of files and streams means, without its number. Windows's own words come in the language of the
/// machine and end in a full stop; there they are those of the Rust library, which tells fewer errors apart.
pub fn os_message(error: &io::Error, os: Os) -> String {
    let text = match os {
        Os::Windows => error.kind().to_string(),
        Os::Linux | Os::Macos => error.to_string(),
    };
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// What was to be done with a file or a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It was to be read.
    Read,
    /// It was to be written.
    Write,
}

/// What an error of a file or a stream means, and what somebody can do about it, where that is known.
pub fn file_message(error: &io::Error, access: Access, os: Os) -> String {
    let meaning = os_message(error, os);
    match file_advice(error.kind(), access) {
        Some(advice) => format!("{meaning}. {advice}"),
        None => meaning,
    }
}

fn file_advice(kind: io::ErrorKind, access: Access) -> Option<&'static str> {
    use Access::{Read, Write};
    use io::ErrorKind;
    Some(match (kind, access) {
        (ErrorKind::NotFound, Read) => "Is the name spelt right?",
        (ErrorKind::NotFound, Write) => "Its folder is not there: make it first.",
        (ErrorKind::IsADirectory, Read) => "Give a file of that folder.",
        (ErrorKind::NotADirectory, _) => "A part of the path is a file, and no folder.",
        (ErrorKind::InvalidFilename, _) => "Choose another name, or a shorter one.",
        (ErrorKind::PermissionDenied, Read) => "This user may not read it.",
        (ErrorKind::PermissionDenied, Write) => "This user may not write there: choose another folder.",
        (ErrorKind::ReadOnlyFilesystem, Write) => "Nothing can be written there: choose another folder.",
        (ErrorKind::StorageFull | ErrorKind::QuotaExceeded, Write) => "Make room there, or choose another folder.",
        (ErrorKind::FileTooLarge, Write) => "It is longer than a file may be here (`ulimit -f`).",
        _ => return None,
    })
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
        for error in SocketError::all() {
            let system = os_message(&io::Error::from_raw_os_error(error.on(Os::Linux).number), Os::Linux);
            assert_eq!(error.words(), system.to_lowercase());
        }
    }

    #[test]
    fn an_error_has_the_same_words_on_each_system_that_has_it() {
        for error in SocketError::all() {
            for os in error.systems() {
                assert_eq!(error.on(os).words(os), error.words(), "{error:?} on {}", os.name());
            }
        }
    }

    #[test]
    fn an_error_of_a_file_says_what_to_do() {
        use io::ErrorKind;
        for (kind, access, advice) in [
            (ErrorKind::NotFound, Access::Read, "spelt right?"),
            (ErrorKind::NotFound, Access::Write, "make it first."),
            (ErrorKind::IsADirectory, Access::Read, "a file of that folder."),
            (ErrorKind::NotADirectory, Access::Write, "a file, and no folder."),
            (ErrorKind::InvalidFilename, Access::Write, "a shorter one."),
            (ErrorKind::PermissionDenied, Access::Write, "choose another folder."),
            (ErrorKind::ReadOnlyFilesystem, Access::Write, "choose another folder."),
            (ErrorKind::StorageFull, Access::Write, "Make room there, or choose another folder."),
        ] {
            let message = file_message(&kind.into(), access, Os::Linux);
            assert!(
                message.starts_with(&os_message(&kind.into(), Os::Linux)) && message.ends_with(advice),
                "{message}"
            );
        }
        let interrupted = ErrorKind::Interrupted.into();
        assert_eq!(file_message(&interrupted, Access::Read, Os::Linux), os_message(&interrupted, Os::Linux));
    }

    #[test]
    fn no_text_of_windows_itself_is_shown() {
        let german = io::Error::new(io::ErrorKind::PermissionDenied, "Zugriff verweigert. (os error 5)");
        assert_eq!(os_message(&german, Os::Windows), "permission denied");
        assert_eq!(os_message(&german, Os::Macos), "Zugriff verweigert.");
        assert_eq!(OsError::from_number(1_000_000, Os::Windows).words(Os::Windows), "uncategorized error");
    }
}
