//! Says on the terminal that a run takes its time.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// What is over sooner needs no sign of life.
const PATIENCE: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(250);

/// Runs `work`. Where standard error is a terminal and half a second has passed, a line there says that `name` is
/// running and for how long; it is gone when the work is done.
pub fn shown<T>(name: &str, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    thread::scope(|scope| {
        let (done, finished) = mpsc::channel::<()>();
        let tell = move || {
            let started = Instant::now();
            let (mut patience, mut written) = (PATIENCE, 0);
            while finished.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                let line = format!("{name} is running: {:.1} s", started.elapsed().as_secs_f64());
                written = line.len();
                say(&format!("\r{line}"));
                patience = TICK;
            }
            if written > 0 {
                // Blanks and no escape sequence: every terminal knows them.
                say(&format!("\r{:written$}\r", ""));
            }
        };
        // Where there is no thread for it there is no line.
        let _ = thread::Builder::new().spawn_scoped(scope, tell);
        let result = work();
        drop(done);
        result
    })
}

/// Who cannot be told misses nothing but this.
fn say(text: &str) {
    let mut terminal = io::stderr().lock();
    let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
}
