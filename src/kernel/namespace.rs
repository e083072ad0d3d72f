//! Network namespaces: other hosts on this machine. Linux `network_namespaces(7)`.

#[cfg(not(target_os = "linux"))]
use std::io;

/// A network namespace: a host with interfaces, addresses and ports of its own. It ends when the value is dropped and
/// nothing uses it any more.
#[derive(Debug)]
pub struct Namespace {
    #[cfg(target_os = "linux")]
    file: std::fs::File,
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsFd, AsRawFd};
    use std::thread;

    use nix::sched::{CloneFlags, setns, unshare};

    use super::Namespace;

    impl Namespace {
        /// Makes a namespace that has nothing but a loopback interface, which is down.
        ///
        /// # Errors
        /// EPERM where this process may not: only root of its user namespace may.
        pub fn new() -> io::Result<Self> {
            // In a thread of its own: this one stays where it is.
            let made = thread::scope(|scope| {
                let made = thread::Builder::new().spawn_scoped(scope, || {
                    unshare(CloneFlags::CLONE_NEWNET)?;
                    File::open("/proc/thread-self/ns/net")
                });
                made.and_then(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            });
            Ok(Namespace { file: made? })
        }

        /// The file by which other programs find the namespace, as long as this value lives.
        pub fn path(&self) -> String {
            format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
        }

        /// Does `work` in this namespace, in a thread of its own: sockets opened there stay there.
        ///
        /// # Errors
        /// What the system says of entering it.
        pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
            thread::scope(|scope| {
                let inside = thread::Builder::new().spawn_scoped(scope, || {
                    setns(self.file.as_fd(), CloneFlags::CLONE_NEWNET)?;
                    Ok(work())
                });
                inside.and_then(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Namespace {
    /// Only Linux has them.
    ///
    /// # Errors
    /// Always.
    pub fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Only Linux has them.
    pub fn path(&self) -> String {
        String::new()
    }

    /// Only Linux has them.
    ///
    /// # Errors
    /// Always.
    pub fn enter<T: Send>(&self, _: impl FnOnce() -> T + Send) -> io::Result<T> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
