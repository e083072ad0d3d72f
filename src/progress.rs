//! Says on the terminal that a run takes its time.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// What is over sooner needs no sign of life.
const PATIENCE: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(100);

/// Runs `work`. Where standard error is a terminal and half a second has passed, a line there says that `name` is
/// running and for how long; it is gone when the work is done.
pub fn shown<T>(name: &str, ascii: bool, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    thread::scope(|scope| {
        let (done, finished) = mpsc::channel::<()>();
        scope.spawn(move || {
            if finished.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let line = ProgressBar::new_spinner().with_elapsed(PATIENCE).with_message(name.to_owned());
                line.set_style(style(ascii));
                while finished.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    line.tick();
                }
                line.finish_and_clear();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

fn style(ascii: bool) -> ProgressStyle {
    let style =
        ProgressStyle::default_spinner().tick_chars(if ascii { "|/-\\ " } else { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " });
    style.clone().template("{spinner} {msg} is running: {elapsed}").unwrap_or(style)
}
