//! Another user of this machine, whom root can be for a moment.

use std::io;

/// Does `work` as a user without privileges: as this one, unless that is root.
///
/// # Errors
/// EINVAL where root may not be another user, as in a user namespace that has no other.
pub fn as_a_plain_user<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    match is_root() {
        true => as_another_user(work),
        false => Ok(work()),
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[cfg(windows)]
fn is_root() -> bool {
    false
}

/// Does `work` as another user, in a thread of its own. Linux `nptl(7)`: the system keeps a user for each thread, and
/// only the C library has all threads change with one.
///
/// # Errors
/// EPERM where this user is not root; EINVAL where there is no other one.
#[cfg(target_os = "linux")]
pub fn as_another_user<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    const UNCHANGED: libc::c_long = -1;
    const NOBODY: libc::c_long = 65_534;
    if !is_root() {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    super::namespace::in_a_thread(|| {
        // Only the effective one, and it ends with this thread.
        // SAFETY: it takes numbers, and changes nothing but the rights of this thread.
        match unsafe { libc::syscall(libc::SYS_setresuid, UNCHANGED, NOBODY, UNCHANGED) } {
            0 => Ok(work()),
            _ => Err(io::Error::last_os_error()),
        }
    })
}

/// Only Linux is asked.
#[cfg(not(target_os = "linux"))]
pub fn as_another_user<T: Send>(_: impl FnOnce() -> T + Send) -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn another_user_is_one_thread_only() {
        let user = || nix::unistd::geteuid().as_raw();
        let before = user();
        match as_another_user(user) {
            Ok(other) => assert!(before == 0 && other != 0),
            Err(error) => assert!(before != 0 || error.raw_os_error() == Some(libc::EINVAL), "{error}"),
        }
        assert!(as_a_plain_user(user).is_ok_and(|plain| plain != 0) || before == 0);
        assert_eq!(user(), before);
    }
}
