//! What the system counts and limits. What it does not tell is the error `Unsupported`; any other error is that of
//! reading it.

use std::io;

use socket2::Socket;

use super::HERE;
use crate::vocabulary::Os;

/// How many descriptors this process has open.
pub fn open_descriptors() -> io::Result<usize> {
    let folder = match HERE {
        Os::Linux => "/proc/self/fd",
        Os::Macos => "/dev/fd",
        Os::Windows => return Err(io::ErrorKind::Unsupported.into()),
    };
    // What cannot be listed to its end is not counted.
    std::fs::read_dir(folder)?.try_fold(0, |count, entry| entry.map(|_| count + 1))
}

/// Elements of the array that the socket option SO_MEMINFO fills. `linux/sock_diag.h`.
#[cfg(target_os = "linux")]
mod meminfo {
    /// `SK_MEMINFO_RMEM_ALLOC`: the memory of what is queued, in bytes.
    pub const QUEUED: usize = 0;
    /// `SK_MEMINFO_DROPS`: datagrams dropped at the socket.
    pub const DROPS: usize = 8;
}

/// What the socket option SO_MEMINFO tells (Linux 4.12).
#[cfg(target_os = "linux")]
fn memory(socket: &Socket, element: usize) -> Option<usize> {
    let mut counts = [0; meminfo::DROPS + 1];
    let length = super::option::get_numbers(socket, libc::SOL_SOCKET, libc::SO_MEMINFO, &mut counts).ok()?;
    (length == size_of_val(&counts)).then(|| counts[element].cast_unsigned() as usize)
}

/// How many datagrams the kernel has dropped at this socket, mostly because its receive buffer was full. `None` where
/// the system has no such count. `/proc/net/udp` shows the same number, and now and then misses a socket while others
/// come and go.
#[cfg(target_os = "linux")]
pub fn drops(socket: &Socket) -> Option<usize> {
    memory(socket, meminfo::DROPS)
}

/// The memory that the datagrams in this socket's queue take, in bytes. `None` where the system does not tell.
#[cfg(target_os = "linux")]
pub fn queue_memory(socket: &Socket) -> Option<usize> {
    memory(socket, meminfo::QUEUED)
}

/// No other system counts drops by socket where a program can read it.
#[cfg(not(target_os = "linux"))]
pub fn drops(_: &Socket) -> Option<usize> {
    None
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
pub fn queue_memory(_: &Socket) -> Option<usize> {
    None
}

/// The tables of UDP sockets, for IPv4 and IPv6. Linux `proc_net(5)`.
const UDP_TABLES: [&str; 2] = ["/proc/self/net/udp", "/proc/self/net/udp6"];

/// Whether any UDP socket of this network namespace, of IPv4 or IPv6, is bound to `port`.
pub fn udp_port_in_use(port: u16) -> io::Result<bool> {
    Ok(!sockets_at(UDP_TABLES, port)?.is_empty())
}

/// Whether a UDP socket of another process is: one whose inode none of this process's descriptors has.
pub fn udp_port_in_use_by_others(port: u16) -> io::Result<bool> {
    let sockets = sockets_at(UDP_TABLES, port)?;
    let own = |entry: io::Result<std::fs::DirEntry>| std::fs::read_link(entry?.path());
    // A descriptor that is closed meanwhile is none.
    let own: Vec<_> = std::fs::read_dir("/proc/self/fd")?.filter_map(|entry| own(entry).ok()).collect();
    let is_own = |inode: &str| own.iter().any(|link| link.as_os_str() == format!("socket:[{inode}]").as_str());
    Ok(sockets.iter().filter_map(|line| line.split_whitespace().nth(INODE)).any(|inode| !is_own(inode)))
}

/// The column of a socket's inode in these tables.
const INODE: usize = 9;

/// Whether a TCP socket is bound to `port`, or a connection in TIME-WAIT has it.
pub fn tcp_port_in_use(port: u16) -> io::Result<bool> {
    Ok(!sockets_at(["/proc/self/net/tcp", "/proc/self/net/tcp6"], port)?.is_empty())
}

/// The lines of the sockets that are bound to `port`.
fn sockets_at([table, table_v6]: [&str; 2], port: u16) -> io::Result<Vec<String>> {
    if HERE != Os::Linux {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let port = format!(":{port:04X}");
    let is_bound = |line: &&str| line.split_whitespace().nth(1).is_some_and(|local| local.ends_with(&port));
    let mut tables = std::fs::read_to_string(table)?;
    match std::fs::read_to_string(table_v6) {
        // Without IPv6 there is no second table.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        table => tables += &table?,
    }
    // The heads of the tables have no port.
    Ok(tables.lines().filter(is_bound).map(str::to_owned).collect())
}

/// The setting that limits the size of a receive buffer, where there is one: `socket(7)`, rmem_max; on macOS
/// kern.ipc.maxsockbuf.
pub const RECEIVE_BUFFER_LIMIT: Option<&str> = match HERE {
    Os::Linux => Some("net.core.rmem_max"),
    Os::Macos => Some("kern.ipc.maxsockbuf"),
    Os::Windows => None,
};

/// A setting of the kernel by the name that `sysctl` knows it by.
#[cfg(target_os = "linux")]
pub fn kernel_setting(name: &str) -> io::Result<String> {
    let text = std::fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/")))?;
    Ok(text.trim().to_owned())
}

/// A setting of the kernel by the name that `sysctl` knows it by, where it is a number.
#[cfg(target_os = "macos")]
pub fn kernel_setting(name: &str) -> io::Result<String> {
    let name = std::ffi::CString::new(name)?;
    let mut value: libc::c_int = 0;
    let mut length = size_of_val(&value);
    // SAFETY: at most `length` bytes are written into `value`, which has that size; nothing is set.
    let status =
        unsafe { libc::sysctlbyname(name.as_ptr(), (&raw mut value).cast(), &raw mut length, std::ptr::null_mut(), 0) };
    match status {
        0 if length == size_of_val(&value) => Ok(value.to_string()),
        0 => Err(io::ErrorKind::Unsupported.into()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Other systems have no such settings, or none that this program asks for.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub fn kernel_setting(_: &str) -> io::Result<String> {
    Err(io::ErrorKind::Unsupported.into())
}

/// How many TCP connections the system is to remember after they were closed, in TIME-WAIT, and how many it remembers
/// at most; `None` where it does not tell. Linux `proc_net(5)`, sockstat, and `tcp(7)`, tcp_max_tw_buckets.
pub fn remembered_connections() -> Option<(usize, usize)> {
    let most = kernel_setting("net.ipv4.tcp_max_tw_buckets").ok()?.parse().ok()?;
    let table = std::fs::read_to_string("/proc/self/net/sockstat").ok()?;
    let words = table.lines().find_map(|line| line.strip_prefix("TCP: "))?;
    let now = words.split(' ').skip_while(|word| *word != "tw").nth(1)?.parse().ok()?;
    Some((now, most))
}

/// How many descriptors this process may have open: `ulimit -n`.
#[cfg(unix)]
pub fn descriptor_limit() -> Option<u64> {
    use nix::sys::resource::{Resource, getrlimit};

    getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(limit, _)| limit)
}

/// Windows sets no such limit.
#[cfg(windows)]
pub fn descriptor_limit() -> Option<u64> {
    None
}

/// Has all threads share one heap. The C library of GNU reserves 64 MiB of addresses for each thread otherwise, which a
/// process with a limit on them does not get. mallopt(3).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn share_one_heap() {
    // SAFETY: it sets a number, before there is any other thread.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

#[allow(missing_docs)]
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share_one_heap() {}
