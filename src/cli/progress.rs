//! Says on the terminal that a run takes its time.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// What is over sooner needs no sign of life.
const PATIENCE: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(250);

/// Runs `work`. Where standard error is a terminal and half a second has passed, a line there says that `name` is
/// running and for how long; it is gone when the work is done.
pub fn shown<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    // A dumb terminal cannot take a line back.
    if !io::stderr().is_terminal() || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb") {
        return work();
    }
    thread::scope(|scope| {
        let (done, finished) = mpsc::channel::<()>();
        let still_running = move |time| finished.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
        let tell = move || {
            if still_running(PATIENCE) {
                let line = line(name);
                while still_running(TICK) {
                    line.tick();
                }
                line.finish_and_clear();
            }
        };
        // Where there is no thread for it there is no line.
        let _ = thread::Builder::new().spawn_scoped(scope, tell);
        let result = work();
        drop(done);
        result
    })
}

/// The line, drawn for the first time.
fn line(name: &'static str) -> ProgressBar {
    let seconds = |state: &ProgressState, text: &mut dyn Write| {
        let _ = write!(text, "{:.1} s", state.elapsed().as_secs_f64());
    };
    let style = ProgressStyle::default_spinner().with_key("seconds", seconds);
    let style = style.template("{prefix} is running: {seconds}").expect("the template is well-formed");
    let line = ProgressBar::new_spinner().with_style(style).with_prefix(name).with_elapsed(PATIENCE);
    line.tick();
    line
}
