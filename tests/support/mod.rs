//! What the tests share: running the binary and reading what it said.

#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "many tests are for Linux only"))]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use udp_lab::lessons::{LESSONS, Lesson};
use udp_lab::vocabulary::Guess;

/// The binary in a known environment: found by its name, UTF-8, 80 columns, no colour, no input.
pub fn udp_lab() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_udp-lab"));
    command.env("PATH", path_with_the_binary());
    command.env("LC_ALL", "C.UTF-8").env("COLUMNS", "80").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// The search path, with the folder of the binary before all others.
pub fn path_with_the_binary() -> OsString {
    let own = Path::new(env!("CARGO_BIN_EXE_udp-lab")).parent().expect("the folder of the profile").to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths([own].into_iter().chain(std::env::split_paths(&others)))
        .expect("no folder has a separator in it")
}

/// The binary in the world of `tests/broken_world` with this fault.
pub fn in_world(fault: &str) -> Command {
    let mut command = udp_lab();
    command.env("LD_PRELOAD", world()).env("UDP_LAB_FAULT", fault);
    command
}

/// The library that makes the worlds: there are any on Linux only.
pub fn world() -> &'static Path {
    static LIBRARY: LazyLock<Result<PathBuf, String>> = LazyLock::new(built_world);
    LIBRARY.as_deref().unwrap_or_else(|error| panic!("{error}"))
}

/// Has cargo build the library where it is missing or older than its source, as `cargo test --test main` alone does
/// not.
fn built_world() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_BIN_EXE_udp-lab")).parent().expect("the folder of the profile");
    let target = folder.parent().expect("the target directory");
    let profile = folder.file_name().and_then(|name| name.to_str()).expect("the profile's name");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(&cargo);
    build.args(["build", "--quiet", "--locked", "--example", "broken_world"]);
    build.args(["--profile", if profile == "debug" { "dev" } else { profile }, "--target-dir"]).arg(target);
    build.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    let output = build.output();
    let failed = |what: String| format!("the library of the broken worlds cannot be built with {build:?}: {what}");
    let output = output.map_err(|error| failed(error.to_string()))?;
    let library = folder.join("examples/libbroken_world.so");
    match output.status.success() && library.exists() {
        true => Ok(library),
        false => Err(failed(format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))),
    }
}

/// For a test that keeps every processor busy: no other one like it runs while the guard lives.
#[cfg(target_os = "linux")]
pub fn whole_machine() -> std::sync::MutexGuard<'static, ()> {
    static MACHINE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    MACHINE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Does `work` with each of `items`, several at a time: for runs of the binary that wait most of the time.
pub fn concurrently<T: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) + Sync) {
    const AT_ONCE: usize = 8;
    let items = std::sync::Mutex::new(items.into_iter().collect::<Vec<_>>().into_iter());
    let take_turns = || {
        while let Some(item) = { items.lock().unwrap().next() } {
            work(item);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(take_turns)).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

/// The lesson with this name.
pub fn lesson(name: &str) -> &'static Lesson {
    LESSONS.iter().find(|lesson| lesson.name == name).unwrap_or_else(|| panic!("no lesson {name}"))
}

/// An empty folder for one test: `name` is its own among all tests.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// What a finished run left.
pub struct Run {
    /// The exit status.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let err = String::from_utf8(output.stderr).expect("messages are UTF-8");
        Run {
            status: output.status.code().unwrap_or_else(|| panic!("a signal ended it: {err}")),
            out: String::from_utf8(output.stdout).expect("output is UTF-8"),
            err,
        }
    }
}

/// Runs the binary with `args` to its end.
pub fn run<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    udp_lab().args(args).output().expect("the binary starts").into()
}

/// Runs a lesson and reads its JSON; the run must have the status given.
pub fn report(args: &[&str], status: i32) -> Report {
    let run = run(args.iter().copied().chain(["--format", "json"]));
    assert_eq!(run.status, status, "{args:?}: {}{}", run.out, run.err);
    Report::from(run)
}

/// The first report of a JSON document.
pub struct Report(pub Value);

impl From<Run> for Report {
    fn from(run: Run) -> Self {
        let document: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}{}", run.out, run.err));
        Report(document["reports"][0].clone())
    }
}

/// Whether the rows are observed here that decide about the answer at `place`: Wine's answer to some calls is known to
/// be another than that of Windows, so these rows are skipped.
pub fn is_decided(lesson: &Lesson, place: usize) -> bool {
    let report = report(&[lesson.name], 0);
    let Guess { answers, .. } = lesson.guess;
    [place, lesson.guess.right()].iter().all(|place| report.row(answers[*place].row)["verdict"] != "skipped")
}

impl Report {
    /// All rows.
    pub fn rows(&self) -> &[Value] {
        self.0["rows"].as_array().expect("a report has rows")
    }

    /// The row with this id.
    pub fn row(&self, id: &str) -> &Value {
        let found = self.rows().iter().find(|row| row["id"] == id);
        let ids = || self.rows().iter().map(|row| row["id"].as_str().unwrap_or_default()).collect::<Vec<_>>();
        found.unwrap_or_else(|| panic!("{}: no row {id} among {}", self.0["lesson"], ids().join(", ")))
    }

    /// What was observed for the row with this id.
    pub fn observed(&self, id: &str) -> &str {
        self.row(id)["observed"].as_str().expect("observed is a text")
    }

    /// The ids of the rows with this verdict, in order.
    pub fn with_verdict(&self, verdict: &str) -> Vec<&str> {
        let rows = self.rows().iter().filter(|row| row["verdict"] == verdict);
        rows.map(|row| row["id"].as_str().expect("an id is a text")).collect()
    }

    /// Who made the calls of `scene`, and which.
    pub fn calls(&self, scene: u64) -> Vec<(&str, &str)> {
        let events = self.0["events"].as_array().expect("a report has events");
        let events = events.iter().filter(|event| event["scene"] == scene);
        events.map(|event| (event["who"].as_str().unwrap(), event["call"].as_str().unwrap())).collect()
    }
}

/// Writes a line that the test harness does not hold back: what could not be tested here is said.
pub fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What a command did on a terminal of its own.
pub struct Terminal {
    /// The exit status as a shell has it: 128 and the signal's number, where one ended it.
    pub status: i64,
    /// All that was written, escape sequences and all.
    pub screen: String,
    /// Whether the terminal's settings are what they were.
    pub unchanged: bool,
}

/// Runs the binary on a terminal of `columns`, where the `steps` of `tests/terminal/terminal.py` are done; says so
/// where no terminal can be made.
#[cfg(unix)]
pub fn on_terminal(columns: u16, args: &[&str], steps: &Value) -> Option<Terminal> {
    command_on_terminal(columns, &[&[env!("CARGO_BIN_EXE_udp-lab")], args].concat(), steps)
}

/// The same for any command.
#[cfg(unix)]
pub fn command_on_terminal(columns: u16, words: &[&str], steps: &Value) -> Option<Terminal> {
    use std::io::Write;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal/terminal.py");
    let mut command = Command::new("python3");
    command.arg(script).args([&columns.to_string(), "24"]).args(words);
    command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").env_remove("NO_COLOR");
    let Ok(mut child) = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        missing("python3, to make a terminal");
        return None;
    };
    child.stdin.take().unwrap().write_all(steps.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).expect("what became of it");
    Some(Terminal {
        status: told["status"].as_i64().unwrap(),
        screen: told["screen"].as_str().unwrap().to_owned(),
        unchanged: told["unchanged"].as_bool().unwrap(),
    })
}

/// Says what is not here, so that something could not be tested; where everything must be tested, that is a failure.
pub fn missing(what: &str) {
    assert!(std::env::var_os("UDP_LAB_TESTS").is_none_or(|wanted| wanted != "all"), "not here: {what}");
    say(&format!("NOT TESTED: this is not here: {what}"));
}

/// Runs the test `inner` of the module, which is ignored outside, in a network namespace of its own; says so where that
/// is not granted.
#[cfg(target_os = "linux")]
pub fn in_a_namespace(module: &str, inner: &str) {
    // The list of tests has the modules without the program's name.
    let inner = format!("{}::{inner}", module.split_once("::").expect("a module of this program").1);
    let isolated = |script: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--net", "sh", "-c", script]).arg(std::env::current_exe().unwrap());
        unshare.arg(&inner).stdin(Stdio::null()).output()
    };
    if !isolated("ip link set lo up").is_ok_and(|output| output.status.success()) {
        return missing(&format!("a network namespace, for {inner}"));
    }
    let output = isolated("ip link set lo up && exec \"$0\" --exact \"$1\" --ignored --nocapture").unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}{err}");
}
