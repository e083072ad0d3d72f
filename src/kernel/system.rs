//! Which system this is.

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

#[cfg(unix)]
fn release() -> String {
    let release = nix::sys::utsname::uname().map(|system| system.release().to_string_lossy().into_owned());
    release.unwrap_or_default()
}

#[cfg(windows)]
fn release() -> String {
    #[repr(C)]
    struct VersionInformation {
        size: u32,
        major: u32,
        minor: u32,
        build: u32,
        platform: u32,
        service_pack: [u16; 128],
    }

    #[link(name = "ntdll")]
    unsafe extern "system" {
        fn RtlGetVersion(information: *mut VersionInformation) -> i32;
    }

    let mut version = VersionInformation { size: 0, major: 0, minor: 0, build: 0, platform: 0, service_pack: [0; 128] };
    version.size = size_of::<VersionInformation>() as u32;
    // SAFETY: the structure has the layout of RTL_OSVERSIONINFOW and carries its own size.
    if unsafe { RtlGetVersion(&raw mut version) } != 0 {
        return String::new();
    }
    format!("{}.{}.{}", version.major, version.minor, version.build)
}

/// Whether this is Wine and not Windows.
pub fn under_wine() -> bool {
    wine_version().is_some()
}

/// The version of Wine, where this is not Windows: Wine's `ntdll` tells it.
#[cfg(windows)]
fn wine_version() -> Option<String> {
    use std::ffi::{CStr, c_char, c_void};
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetModuleHandleA(name: *const c_char) -> *mut c_void;
        fn GetProcAddress(module: *mut c_void, name: *const c_char) -> Option<unsafe extern "system" fn()>;
    }

    // SAFETY: both names are C strings, and `ntdll` is loaded in every process.
    let found = unsafe { GetProcAddress(GetModuleHandleA(c"ntdll.dll".as_ptr()), c"wine_get_version".as_ptr()) }?;
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
