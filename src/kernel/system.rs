//! Which system this is, and which network interfaces it has.

use socket2::Socket;

use crate::vocabulary::{Machine, Os};

/// The system this program was built for.
pub const HERE: Os = if cfg!(windows) {
    Os::Windows
} else if cfg!(target_os = "linux") {
    Os::Linux
} else {
    Os::Macos
};

/// The machine this program runs on.
pub fn host() -> Machine {
    let release = match wine_version() {
        Some(version) => format!("{} (Wine {version})", release()),
        None => release(),
    };
    Machine { os: HERE, release, arch: std::env::consts::ARCH }
}

/// The number of a socket's descriptor, or of its handle on Windows.
pub fn descriptor(socket: &Socket) -> u64 {
    #[cfg(unix)]
    let number = std::os::fd::AsRawFd::as_raw_fd(socket) as u64;
    #[cfg(windows)]
    let number = std::os::windows::io::AsRawSocket::as_raw_socket(socket);
    number
}

/// Whether this machine has a network interface of this number.
#[cfg(unix)]
pub fn is_interface(number: u32) -> bool {
    // Of a number that no interface has, nix 0.32 gives an empty name and no error.
    nix::net::if_::if_indextoname(number).is_ok_and(|name| !name.is_empty())
}

/// Windows says so of a bind and a connect, in words of its own.
#[cfg(windows)]
pub fn is_interface(_: u32) -> bool {
    true
}

#[cfg(unix)]
fn release() -> String {
    let release = nix::sys::utsname::uname().map(|system| system.release().to_string_lossy().into_owned());
    release.unwrap_or_default()
}

#[cfg(windows)]
fn release() -> String {
    use windows_sys::Wdk::System::SystemServices::RtlGetVersion;
    use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;

    let size = size_of::<OSVERSIONINFOW>() as u32;
    let mut version = OSVERSIONINFOW { dwOSVersionInfoSize: size, ..OSVERSIONINFOW::default() };
    // SAFETY: the call writes into `version`, as much as it says itself that it has room for.
    if unsafe { RtlGetVersion(&raw mut version) } != 0 {
        return String::new();
    }
    format!("{}.{}.{}", version.dwMajorVersion, version.dwMinorVersion, version.dwBuildNumber)
}

/// Whether this is Wine and not Windows.
pub fn under_wine() -> bool {
    wine_version().is_some()
}

/// The version of Wine, where this is not Windows: Wine's `ntdll` tells it.
#[cfg(windows)]
fn wine_version() -> Option<String> {
    use std::ffi::{CStr, c_char};

    use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleA, GetProcAddress};

    let (library, function) = (c"ntdll.dll".as_ptr().cast(), c"wine_get_version".as_ptr().cast());
    // SAFETY: both names are C strings, and `ntdll` is loaded in every process.
    let found = unsafe { GetProcAddress(GetModuleHandleA(library), function) }?;
    // SAFETY: in Wine, where alone the function is found, it has this type and returns a C string that is never freed.
    let version = unsafe {
        let wine_get_version: extern "C" fn() -> *const c_char = std::mem::transmute(found);
        CStr::from_ptr(wine_get_version())
    };
    Some(version.to_string_lossy().into_owned())
}

#[cfg(not(windows))]
fn wine_version() -> Option<String> {
    None
}
