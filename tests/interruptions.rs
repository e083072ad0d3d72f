//! What people and machines do to a running program: signals, suspension, a terminal that changes, streams that are
//! shut.

use std::fs;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::{self, Run, on_terminal, udp_lab};
use serde_json::json;

/// A run of some seconds.
const LONG: [&str; 5] = ["concurrency", "--work", "200ms", "--clients", "4"];

/// A run that still goes on when a busy machine comes to what is done after the line "is running".
const LONGER: [&str; 5] = ["concurrency", "--work", "500ms", "--clients", "4"];

/// A run that nobody waits for: a signal ends it.
const ENDED: [&str; 5] = ["concurrency", "--work", "5s", "--clients", "4"];

/// An empty folder of the test's own.
fn folder(name: &str) -> PathBuf {
    support::folder(&format!("interruptions-{name}"))
}

#[test]
fn a_signal_ends_a_run_as_signals_do_and_leaves_no_file() {
    for (signal, status) in [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)] {
        let folder = folder(signal);
        let file = folder.join("r.json");
        let args = [&ENDED[..], &["--export", file.to_str().unwrap()]].concat();
        let Some(terminal) = on_terminal(80, &args, &json!([["see", "is running"], ["signal", signal]])) else {
            return;
        };
        assert_eq!(terminal.status, status, "{signal}: {}", terminal.screen);
        assert!(terminal.unchanged && !terminal.screen.contains("panicked"), "{signal}: {}", terminal.screen);
        assert!(!terminal.screen.contains("\x1b[?25l"), "the cursor is hidden: {}", terminal.screen);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{signal}");
    }
}

/// The first file is there in part when the signal comes: it is finished, or removed.
#[test]
fn a_signal_while_a_file_is_written_leaves_nothing_in_part() {
    let folder = folder("writing");
    let file = folder.join("r.pcapng");
    let mut writing = udp_lab();
    writing.args(["delivery", "--messages", "5000", "--size", "4000", "--export"]).arg(&file);
    let mut writing = writing.stdout(Stdio::null()).spawn().unwrap();
    let names = || fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    // The one that is tried before the run is empty.
    let is_begun =
        || fs::read_dir(&folder).unwrap().any(|entry| entry.unwrap().metadata().is_ok_and(|file| file.len() > 0));
    while !is_begun() && writing.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let _ = Command::new("kill").args(["-TERM", &writing.id().to_string()]).status();
    writing.wait().unwrap();
    assert_eq!(names(), ["r.pcapng"]);
    let count = fs::read(&file).unwrap().windows(4).filter(|bytes| *bytes == [6, 0, 0, 0]).count();
    assert!(count > 5000, "a block for each datagram: {count}");
}

#[test]
fn ctrl_c_ends_a_question() {
    let steps = json!([["see", "What do you expect?"], ["type", "\u{3}"]]);
    let Some(terminal) = on_terminal(80, &["boundaries", "--predict"], &steps) else { return };
    assert_eq!((terminal.status, terminal.unchanged), (130, true), "{}", terminal.screen);
    assert!(!terminal.screen.contains("Verdict"), "{}", terminal.screen);
}

#[test]
fn ctrl_c_ends_the_server_and_the_relay_with_their_tables() {
    for (command, seen, row) in [
        (&["server", "127.0.0.1:0"][..], "Listening", "datagrams"),
        (&["relay", "127.0.0.1:0", "127.0.0.1:9"], "Relaying", "forwarded"),
    ] {
        let steps = json!([["see", seen], ["type", "\u{3}"]]);
        let Some(terminal) = on_terminal(80, command, &steps) else { return };
        assert_eq!((terminal.status, terminal.unchanged), (0, true), "{}", terminal.screen);
        assert!(terminal.screen.contains(row), "{}", terminal.screen);
    }
}

/// Longer than the lab waits for anything, as a class may be: no datagram is missed and no verdict turns.
#[test]
fn a_run_that_was_suspended_goes_on_as_if_nothing_had_been() {
    let steps = json!([["see", "is running"], ["stop"], ["pass", 2.5], ["signal", "SIGCONT"]]);
    let Some(terminal) = on_terminal(80, &[&LONGER[..], &["--color", "never"]].concat(), &steps) else { return };
    assert_eq!((terminal.status, terminal.unchanged), (0, true), "{}", terminal.screen);
    assert!(terminal.screen.contains("11 of 11 rows as expected"), "{}", terminal.screen);
}

#[test]
fn a_terminal_that_was_made_narrower_is_not_overrun() {
    let steps = json!([["see", "is running"], ["resize", 60, 24]]);
    let Some(terminal) = on_terminal(120, &[&LONGER[..], &["--color", "never"]].concat(), &steps) else { return };
    assert_eq!(terminal.status, 0, "{}", terminal.screen);
    let (_, results) = terminal.screen.split_once("concurrency:").expect("the title");
    assert!(results.contains("11 of 11 rows as expected"), "{results}");
    assert!(results.lines().all(|line| line.chars().count() <= 60), "{results}");
}

#[test]
fn a_terminal_that_is_too_narrow_for_a_table_gets_lines_and_sentences_that_fit() {
    let message = ["client", "127.0.0.1:9", "--timeout", "50ms", "hello"];
    for (args, line) in [(&["truncation", "--color", "never"][..], "Verdict: match"), (&message, "No answer")] {
        let Some(terminal) = on_terminal(45, args, &json!([])) else { return };
        assert!(terminal.screen.contains(line), "{}", terminal.screen);
        assert!(terminal.screen.lines().all(|line| line.chars().count() <= 45), "{}", terminal.screen);
    }
}

#[test]
fn what_takes_half_a_second_says_on_the_terminal_that_it_is_running_and_leaves_no_trace() {
    let Some(long) = on_terminal(80, &[&LONG[..], &["--color", "never"]].concat(), &json!([])) else { return };
    assert!(long.screen.matches("concurrency is running: ").count() > 1, "{}", long.screen);
    let [rows, columns] = [100, 80].map(|size| NonZeroU16::new(size).unwrap());
    let mut screen = vt100::Parser::new(rows, columns, 0);
    screen.process(long.screen.replace('\n', "\r\n").as_bytes());
    let left = screen.screen().contents();
    assert!(left.starts_with("concurrency: ") && !left.contains("is running"), "{left}");
    let Some(short) = on_terminal(80, &["boundaries"], &json!([])) else { return };
    assert!(!short.screen.contains("is running"), "{}", short.screen);
    let piped = udp_lab().args(LONG).output().map(Run::from).unwrap();
    assert_eq!((piped.status, piped.err.as_str()), (0, ""));
}

/// Some programs ignore SIGCHLD, and so do those that they start.
#[cfg(target_os = "linux")]
#[test]
fn whoever_ignores_the_end_of_children_gets_the_same_rows() {
    let skipped = |ignoring: &[&str]| {
        let mut command = Command::new("env");
        command.args(ignoring).args([env!("CARGO_BIN_EXE_udp-lab"), "addresses", "--format", "csv"]);
        let run = Run::from(command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output().unwrap());
        assert_eq!(run.status, 0, "{ignoring:?}: {}", run.err);
        run.out.lines().filter(|row| row.contains(",skipped,")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(skipped(&["--ignore-signal=CHLD"]), skipped(&[]));
}

/// `sh` shuts the streams, as `2>&-` does.
#[test]
fn shut_streams_end_nothing_and_break_nothing() {
    for (shut, args) in [
        ("<&-", "boundaries --predict"),
        ("<&-", "client 127.0.0.1:9"),
        ("2>&-", "boundaries --nothing"),
        ("<&- 2>&-", "all"),
    ] {
        let line = format!("exec \"$0\" {args} {shut}");
        let mut command = Command::new("sh");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_udp-lab")]).env("LC_ALL", "C.UTF-8");
        let run = Run::from(command.stdin(Stdio::null()).output().unwrap());
        let status = if args.contains("--nothing") { 2 } else { 0 };
        assert_eq!((run.status, run.err.as_str()), (status, ""), "{args} {shut}: {}", run.out);
    }
}

/// Whoever reads stops reading at some line.
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for args in [&["all"][..], &["list"], &["--help"], &["explain", "delivery"], &["all", "--format", "json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = Run::from(udp_lab().args(args).stdout(writer).stderr(Stdio::piped()).output().unwrap());
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{args:?}");
    }
}

/// In a container the program is process 1, for which the kernel has no default ending.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_process_1_too() {
    let isolated = |script: &str, args: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--net", "--pid", "--fork", "--mount-proc", "sh", "-c"]);
        unshare.args([script, env!("CARGO_BIN_EXE_udp-lab")]).args(args).env("LC_ALL", "C.UTF-8");
        unshare
    };
    if !isolated("ip link set lo up", &[]).output().is_ok_and(|output| output.status.success()) {
        return support::missing("a process namespace");
    }
    // The shell itself, which is process 1 before, ignores the signals.
    let until_it_ends =
        "ip link set lo up; signal=$1; shift; (while kill -s $signal 1; do :; done) & exec \"$0\" \"$@\"";
    let file = folder("process-1").join("server");
    let once_it_listens = "ip link set lo up; signal=$1; file=$2; \
                           (until grep -qs client \"$file\"; do :; done; kill -s $signal 1) & \
                           exec \"$0\" server 127.0.0.1:0 > \"$file\"";
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129), ("QUIT", 131)] {
        // What waits for input, too.
        let (input, _writer) = std::io::pipe().unwrap();
        for args in [&LONG[..], &["client", "127.0.0.1:9"]] {
            let mut command = isolated(until_it_ends, &[&[signal][..], args].concat());
            let run = Run::from(command.stdin(input.try_clone().unwrap()).output().unwrap());
            assert_eq!(run.status, status, "{signal} {args:?}: {}{}", run.out, run.err);
        }
        let _ = fs::remove_file(&file);
        let run = Run::from(isolated(once_it_listens, &[signal, file.to_str().unwrap()]).output().unwrap());
        let written = fs::read_to_string(&file).unwrap();
        // SIGQUIT ends it at once, as it does elsewhere.
        let (status, summed_up) = if signal == "QUIT" { (status, false) } else { (0, true) };
        assert_eq!(run.status, status, "{signal}: {written}{}", run.err);
        assert_eq!(written.contains("datagrams"), summed_up, "{written}");
    }
}
