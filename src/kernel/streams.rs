//! The standard streams as they come: without blocking, shut, or of a kind that cannot be read.

use std::io::{self, BufRead, ErrorKind, StdinLock, StdoutLock, Write};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Standard output. Where it is full for a moment and does not wait by itself, it is waited for. Whoever shares the
/// stream may have told it not to wait: node and ssh do.
pub struct Stdout(StdoutLock<'static>);

impl Stdout {
    /// Takes the stream for as long as this lives.
    pub fn lock() -> Stdout {
        Stdout(io::stdout().lock())
    }

    fn when_there_is_room<T>(
        &mut self,
        mut write: impl FnMut(&mut StdoutLock<'static>) -> io::Result<T>,
    ) -> io::Result<T> {
        if stdout_takes_nothing() {
            return Err(io::Error::from_raw_os_error(BAD_DESCRIPTOR));
        }
        loop {
            match write(&mut self.0) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => wait_for_room(&self.0)?,
                result => return result,
            }
        }
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.when_there_is_room(|out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.when_there_is_room(Write::flush)
    }
}

/// The next line of the input, with its end where it has one; nothing at the end of the input. Of a longer line
/// `longest` bytes are kept. Input that is not there yet is waited for.
///
/// # Errors
/// When the input cannot be read.
pub fn next_line(input: &mut StdinLock<'_>, longest: usize) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut begun = false;
    loop {
        let there = match input.fill_buf() {
            Ok(there) => there,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                wait_for_input(input)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        if there.is_empty() {
            // Rust takes an input that nothing can be read from for one that has ended.
            if stdin_cannot_be_read() {
                return Err(io::Error::from_raw_os_error(BAD_DESCRIPTOR));
            }
            return Ok(begun.then_some(line));
        }
        begun = true;
        let end = there.iter().position(|byte| *byte == b'\n').map(|place| place + 1);
        let taken = end.unwrap_or(there.len());
        let kept = taken.min(longest - line.len());
        line.extend_from_slice(&there[..kept]);
        input.consume(taken);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

/// Whether something is typed before a signal sets `stop`. A read would go on waiting after the signal.
#[cfg(unix)]
pub fn input_comes_before(input: &StdinLock<'_>, stop: &AtomicBool) -> bool {
    /// The signal may come between the look and the call that it would end.
    const SHORT: u16 = 200;
    while !stop.load(Ordering::Relaxed) {
        match poll(&mut [PollFd::new(input.as_fd(), PollFlags::POLLIN)], SHORT) {
            Ok(0) | Err(nix::Error::EINTR) => {}
            // Of what fails here, the read says more.
            Ok(_) | Err(_) => return true,
        }
    }
    false
}

/// Windows ends the read itself.
#[cfg(windows)]
pub fn input_comes_before(_: &StdinLock<'_>, stop: &std::sync::atomic::AtomicBool) -> bool {
    !stop.load(std::sync::atomic::Ordering::Relaxed)
}

#[cfg(unix)]
fn wait_for_room(out: &StdoutLock<'_>) -> io::Result<()> {
    wait_until(out.as_fd(), PollFlags::POLLOUT)
}

#[cfg(unix)]
fn wait_for_input(input: &StdinLock<'_>) -> io::Result<()> {
    wait_until(input.as_fd(), PollFlags::POLLIN)
}

/// A stream that is shut meanwhile is ready as well: the next call says so.
#[cfg(unix)]
fn wait_until(stream: BorrowedFd<'_>, ready: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(stream, ready)], PollTimeout::NONE) {
        Ok(_) | Err(nix::Error::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The streams of Windows wait by themselves.
#[cfg(windows)]
fn wait_for_room(_: &StdoutLock<'_>) -> io::Result<()> {
    Err(ErrorKind::WouldBlock.into())
}

/// The streams of Windows wait by themselves.
#[cfg(windows)]
fn wait_for_input(_: &StdinLock<'_>) -> io::Result<()> {
    Err(ErrorKind::WouldBlock.into())
}

#[cfg(unix)]
const BAD_DESCRIPTOR: i32 = libc::EBADF;
/// ERROR_INVALID_HANDLE.
#[cfg(windows)]
const BAD_DESCRIPTOR: i32 = 6;

/// Whether the program was started without a standard output, as by `>&-`, or with one that is open for reading only,
/// as by `1</dev/null`. In place of the former Rust opens `/dev/null` before `main`, and what is written to either is
/// lost without a word.
#[cfg(unix)]
fn stdout_takes_nothing() -> bool {
    STDOUT_TAKES_NOTHING.load(Ordering::Relaxed)
}

/// Whether the input is open for writing only, as by `0>FILE`. Where there is none, as by `<&-`, nothing is to be read.
#[cfg(unix)]
fn stdin_cannot_be_read() -> bool {
    STDIN_CANNOT_BE_READ.load(Ordering::Relaxed)
}

#[cfg(unix)]
static STDOUT_TAKES_NOTHING: AtomicBool = AtomicBool::new(false);
#[cfg(unix)]
static STDIN_CANNOT_BE_READ: AtomicBool = AtomicBool::new(false);

#[cfg(unix)]
extern "C" fn note_what_the_streams_are_open_for() {
    let access = |stream| {
        // SAFETY: it takes numbers, and fails where no descriptor is open. nix and rustix are given one that is.
        let flags = unsafe { libc::fcntl(stream, libc::F_GETFL) };
        (flags >= 0).then_some(flags & libc::O_ACCMODE)
    };
    let stdout = access(libc::STDOUT_FILENO);
    STDOUT_TAKES_NOTHING.store(stdout.is_none_or(|access| access == libc::O_RDONLY), Ordering::Relaxed);
    STDIN_CANNOT_BE_READ.store(access(libc::STDIN_FILENO) == Some(libc::O_WRONLY), Ordering::Relaxed);
}

// SAFETY: what the section holds is called once, before `main`; the function needs nothing of the Rust runtime.
#[cfg(unix)]
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
static BEFORE_MAIN: extern "C" fn() = note_what_the_streams_are_open_for;

/// A console program of Windows has a standard output; where it has none, Rust discards what is written
/// (`std::io::Stdout`).
#[cfg(windows)]
fn stdout_takes_nothing() -> bool {
    false
}

/// On Windows the read itself says so.
#[cfg(windows)]
fn stdin_cannot_be_read() -> bool {
    false
}
