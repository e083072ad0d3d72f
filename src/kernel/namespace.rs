//! Network namespaces: other hosts on this machine. Linux `network_namespaces(7)`.

#[cfg(not(target_os = "linux"))]
use std::io;
#[cfg(not(target_os = "linux"))]
use std::process::Stdio;

/// A network namespace: a host with interfaces, addresses and ports of its own. It ends when the value is dropped and
/// nothing uses it any more.
#[derive(Debug)]
pub struct Namespace {
    #[cfg(target_os = "linux")]
    network: std::fs::File,
    /// The user namespace that it belongs to, where this user may make network namespaces in one of his own only.
    #[cfg(target_os = "linux")]
    owner: Option<std::fs::File>,
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsFd, AsRawFd};
    use std::process::Stdio;
    use std::thread;

    use nix::sched::{CloneFlags, clone, setns, unshare};
    use nix::sys::wait::{WaitPidFlag, waitpid};
    use socket2::{Domain, Socket, Type};

    use super::Namespace;
    use crate::kernel::done;

    impl Namespace {
        /// Makes a namespace that has nothing but a loopback interface, which is down. Root gets it at once; for
        /// anybody else it is made in a user namespace, where the system allows those.
        ///
        /// # Errors
        /// EPERM where this user may not; ENOSPC where there are too many.
        pub fn new() -> io::Result<Self> {
            // In a thread of its own: this one stays where it is.
            let made = in_a_thread(|| {
                unshare(CloneFlags::CLONE_NEWNET)?;
                File::open("/proc/thread-self/ns/net")
            });
            match made {
                Ok(network) => Ok(Namespace { network, owner: None }),
                Err(error) if error.raw_os_error() == Some(libc::EPERM) => Namespace::of_a_plain_user(),
                Err(error) => Err(error),
            }
        }

        fn of_a_plain_user() -> io::Result<Self> {
            let user = nix::unistd::geteuid();
            in_a_process(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET, || {
                // Programs that are started there keep the rights of its root.
                std::fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
                let (network, owner) = (File::open("/proc/self/ns/net")?, File::open("/proc/self/ns/user")?);
                Ok(Namespace { network, owner: Some(owner) })
            })
        }

        /// Makes another one, which belongs to the same user namespace: who has rights in the one has them in both.
        ///
        /// # Errors
        /// As for [`new`](Self::new).
        pub fn beside(&self) -> io::Result<Self> {
            let Some(owner) = &self.owner else { return Namespace::new() };
            in_a_process(CloneFlags::empty(), || {
                setns(owner, CloneFlags::CLONE_NEWUSER)?;
                unshare(CloneFlags::CLONE_NEWNET)?;
                Ok(Namespace { network: File::open("/proc/self/ns/net")?, owner: Some(owner.try_clone()?) })
            })
        }

        /// The namespace as the standard input of another program, which finds it at `/proc/self/fd/0`. Of a process in
        /// another user namespace it may not look at the file descriptors.
        ///
        /// # Errors
        /// EMFILE where there are too many descriptors.
        pub fn as_input(&self) -> io::Result<Stdio> {
            self.network.try_clone().map(Stdio::from)
        }

        /// Does `work` in this namespace: sockets opened there stay there.
        pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
            let enter = |file: &File, kind| setns(file.as_fd(), kind).map_err(io::Error::from);
            match &self.owner {
                None => in_a_thread(|| enter(&self.network, CloneFlags::CLONE_NEWNET).map(|()| work())),
                Some(owner) => in_a_process(CloneFlags::empty(), || {
                    enter(owner, CloneFlags::CLONE_NEWUSER)?;
                    enter(&self.network, CloneFlags::CLONE_NEWNET).map(|()| work())
                }),
            }
        }
    }

    /// Does `work` in a thread of its own, which may go to another network namespace, or become another user.
    pub fn in_a_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        result_of(work, run_in_a_thread)
    }

    /// Does `work` in a process of its own, which may go to another user namespace: a thread of a program with several
    /// may not. It has this one's memory and file descriptors, and this thread waits until it has ended.
    fn in_a_process<T: Send>(flags: CloneFlags, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        result_of(work, |work| run_in_a_process(flags, work))
    }

    /// What `work` returns where `run` has run it.
    fn result_of<T: Send>(
        work: impl FnOnce() -> io::Result<T> + Send,
        run: impl FnOnce(&mut (dyn FnMut() + Send)) -> io::Result<()>,
    ) -> io::Result<T> {
        let (mut work, mut result) = (Some(work), None);
        run(&mut || result = work.take().map(|work| work()))?;
        // Nothing where a signal has ended the process.
        result.unwrap_or_else(|| Err(io::ErrorKind::Interrupted.into()))
    }

    fn run_in_a_thread(work: &mut (dyn FnMut() + Send)) -> io::Result<()> {
        thread::scope(|scope| {
            let inside = thread::Builder::new().spawn_scoped(scope, work)?;
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok(())
        })
    }

    fn run_in_a_process(flags: CloneFlags, work: &mut (dyn FnMut() + Send)) -> io::Result<()> {
        const STACK: usize = 256 * 1024;
        let mut stack = vec![0; STACK];
        let child = Box::new(|| {
            work();
            0
        });
        let flags = flags | CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK | CloneFlags::CLONE_FILES;
        // SAFETY: the child has a stack of its own, and all that it shares with this thread waits for it (CLONE_VFORK):
        // it is this thread on another stack. A panic ends the program before it could leave the child's frames.
        let child = unsafe { clone(child, &mut stack, flags, None) }?;
        waitpid(child, Some(WaitPidFlag::__WALL))?;
        Ok(())
    }

    /// Starts the loopback interface of the network namespace that this thread is in, with an MTU of so many bytes.
    /// Linux `netdevice(7)`.
    ///
    /// # Errors
    /// EPERM where the system grants namespaces and no rights in them.
    pub fn start_loopback(mtu: usize) -> io::Result<()> {
        let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
        let mut request = request_about_loopback();
        request.ifr_ifru.ifru_mtu = libc::c_int::try_from(mtu).unwrap_or(libc::c_int::MAX);
        // SAFETY: both calls read a structure of this type, which outlives them.
        unsafe {
            done(libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFMTU, &raw mut request))?;
            request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
            done(libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request))
        }
    }

    /// Whether the loopback interface of the network namespace that this thread is in has been started; `None` where
    /// the system does not tell. Linux `netdevice(7)`.
    pub fn loopback_is_up() -> Option<bool> {
        let socket = Socket::new(Domain::UNIX, Type::DGRAM, None).ok()?;
        let mut request = request_about_loopback();
        // SAFETY: the call reads and writes a structure of this type, which outlives it, and fills in the flags.
        let flags = unsafe {
            done(libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request)).ok()?;
            request.ifr_ifru.ifru_flags
        };
        Some(libc::c_int::from(flags) & libc::IFF_UP != 0)
    }

    fn request_about_loopback() -> libc::ifreq {
        // SAFETY: an `ifreq` is made of bytes, numbers and a pointer that may be null: all zeros are one.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        request.ifr_name[..2].copy_from_slice(&[b'l', b'o'].map(|letter| letter as libc::c_char));
        request
    }

    /// A counter of the network namespace that this thread is in, such as `FragCreates` of `Ip`. Linux
    /// `proc_pid_net(5)`, `/proc/pid/net/snmp`.
    ///
    /// # Errors
    /// `Unsupported` where there is no such counter; that of reading the file.
    pub fn counter(protocol: &str, name: &str) -> io::Result<u64> {
        let table = std::fs::read_to_string("/proc/thread-self/net/snmp")?;
        let mut lines = table.lines().filter_map(|line| line.strip_prefix(protocol)?.strip_prefix(": "));
        let mut find = || {
            let place = lines.next()?.split(' ').position(|known| known == name)?;
            lines.next()?.split(' ').nth(place)?.parse().ok()
        };
        find().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// The same for IPv6, such as `Icmp6InDestUnreachs`. Linux `/proc/pid/net/snmp6`.
    pub fn counter_v6(name: &str) -> io::Result<u64> {
        let table = std::fs::read_to_string("/proc/thread-self/net/snmp6")?;
        let found = table.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        found.ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    #[cfg(test)]
    mod tests {
        use std::net::UdpSocket;

        use super::*;

        fn here() -> std::path::PathBuf {
            std::fs::read_link("/proc/thread-self/ns/net").unwrap()
        }

        /// Root may make one in this way, too.
        #[test]
        fn a_plain_user_has_a_network_where_nobody_else_is() {
            let Ok(namespace) = Namespace::of_a_plain_user() else {
                let everything = std::env::var_os("UDP_LAB_TESTS").is_some_and(|wanted| wanted == "all");
                assert!(!everything, "not here: a user namespace");
                let _ = io::Write::write_all(&mut io::stderr(), b"NOT TESTED: this is not here: a user namespace\n");
                return;
            };
            let before = here();
            namespace.enter(|| start_loopback(1500)).unwrap().unwrap();
            let socket = namespace.enter(|| UdpSocket::bind("127.0.0.1:0")).unwrap().unwrap();
            // It stays there, whoever uses it.
            assert_eq!(socket.send_to(&[0; 2000], socket.local_addr().unwrap()).unwrap(), 2000);
            assert_eq!(socket.recv(&mut [0; 3000]).unwrap(), 2000);
            let counted = |protocol, name| namespace.enter(|| counter(protocol, name).ok()).unwrap();
            assert_eq!([counted("Udp", "OutDatagrams"), counted("Ip", "FragCreates")], [Some(1), Some(2)]);
            assert_eq!((counted("Udp", "Nonsense"), counted("Nonsense", "OutDatagrams")), (None, None));
            assert_eq!(here(), before);
            assert_ne!(namespace.enter(here).unwrap(), before);
        }

        #[test]
        fn one_beside_another_is_another_and_its_root_the_same() {
            let Ok(namespace) = Namespace::of_a_plain_user() else { return };
            let other = namespace.beside().unwrap();
            assert_ne!(namespace.enter(here).unwrap(), other.enter(here).unwrap());
            other.enter(|| start_loopback(1500)).unwrap().unwrap();
        }

        #[test]
        fn what_a_process_of_its_own_returns_is_passed_on() {
            let error = in_a_process(CloneFlags::empty(), || Err::<(), _>(io::Error::other("no")));
            assert_eq!(error.unwrap_err().to_string(), "no");
            let other = in_a_process(CloneFlags::empty(), || Ok(std::process::id())).unwrap();
            assert_ne!(other, std::process::id());
        }
    }
}

#[cfg(target_os = "linux")]
pub use self::linux::{counter, counter_v6, in_a_thread, loopback_is_up, start_loopback};

#[cfg(not(target_os = "linux"))]
impl Namespace {
    /// Only Linux has them.
    pub fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Only Linux has them.
    pub fn beside(&self) -> io::Result<Self> {
        Namespace::new()
    }

    /// Only Linux has them.
    pub fn as_input(&self) -> io::Result<Stdio> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Only Linux has them.
    pub fn enter<T: Send>(&self, _: impl FnOnce() -> T + Send) -> io::Result<T> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Only Linux has them.
#[cfg(not(target_os = "linux"))]
pub fn start_loopback(_: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
pub fn loopback_is_up() -> Option<bool> {
    None
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
pub fn counter(_: &str, _: &str) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
pub fn counter_v6(_: &str) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}
