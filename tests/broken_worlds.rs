//! Every lesson has been seen to fail: the world is broken, not the expectation.
//!
//! `tests/broken_world` makes the C library's socket calls misbehave under the real binary. Each test names the rows
//! that notice; all others stand.

#![cfg(target_os = "linux")]

mod support;

use std::path::PathBuf;

use support::{Report, Run, udp_lab};

/// Runs `lesson` in a world with `fault`.
fn in_broken_world(fault: &str, lesson: &[&str]) -> (i32, Report) {
    let library = PathBuf::from(env!("CARGO_BIN_EXE_udp-lab")).with_file_name("examples/libbroken_world.so");
    assert!(library.exists(), "{library:?} is missing: `cargo build --examples` makes it");
    let mut command = udp_lab();
    command.env("LD_PRELOAD", library).env("UDP_LAB_FAULT", fault).args(lesson).args(["--format", "json"]);
    let run = Run::from(command.output().expect("the binary starts"));
    (run.status, Report::from(run))
}

fn assert_noticed(fault: &str, lesson: &[&str], rows: &[&str]) {
    let (status, report) = in_broken_world(fault, lesson);
    assert_eq!(report.with_verdict("differs"), rows, "{lesson:?} in a world with `{fault}`");
    assert_eq!(status, 1);
}

#[test]
fn boundaries_notices_datagrams_that_are_joined() {
    let rows = ["receives-needed", "receive-1", "receive-2", "receive-3", "mixed-receives"];
    assert_noticed("merge", &["boundaries"], &rows);
}

#[test]
fn boundaries_notices_datagrams_that_come_twice() {
    let rows = ["receives-needed", "receive-2", "receive-3", "one-more-receive", "after-both", "after-wait-for-all"];
    assert_noticed("twice", &["boundaries"], &rows);
}

#[test]
fn truncation_notices_a_rest_that_is_kept() {
    let rows = ["receive-2", "one-more-receive", "ten-into-eleven", "eleven-into-eleven"];
    assert_noticed("keep-rest", &["truncation"], &rows);
}

#[test]
fn delivery_notices_datagrams_that_are_lost_on_the_way() {
    let (status, report) = in_broken_world("lose", &["delivery"]);
    let noticed = report.with_verdict("differs");
    for row in ["prefix", "kept-and-dropped", "interleaved", "both-arrived", "distinct"] {
        assert!(noticed.contains(&row), "{row} is not among {noticed:?}");
    }
    assert_eq!(status, 1);
}

#[test]
fn delivery_notices_datagrams_that_come_twice() {
    let rows = ["prefix", "kept-and-dropped", "interleaved", "both-arrived", "distinct", "duplicates"];
    assert_noticed("twice", &["delivery"], &rows);
}

#[test]
fn compare_notices_datagrams_that_are_joined() {
    let rows = ["udp-three", "udp-joined", "udp-missing", "udp-empty", "udp-after-empty"];
    assert_noticed("merge", &["compare"], &rows);
}

#[test]
fn compare_notices_datagrams_that_come_twice() {
    let (status, report) = in_broken_world("twice", &["compare"]);
    let noticed = report.with_verdict("differs");
    for row in ["udp-rest", "udp-three", "udp-missing"] {
        assert!(noticed.contains(&row), "{row} is not among {noticed:?}");
    }
    assert_eq!(status, 1);
}

#[test]
fn compare_notices_a_rest_that_is_kept() {
    assert_noticed("keep-rest", &["compare"], &["udp-rest"]);
}

#[test]
fn connectionless_notices_an_error_that_is_swallowed() {
    assert_noticed("swallow-refused", &["connectionless"], &["connected-hears"]);
}

#[test]
fn connectionless_notices_a_connect_that_sends() {
    let rows = ["connected-send", "connected-hears", "connect-sends"];
    assert_noticed("connect-sends", &["connectionless"], &rows);
}

#[test]
fn concurrency_notices_requests_that_come_twice() {
    let (status, report) = in_broken_world("twice", &["concurrency", "--work", "1ms"]);
    let noticed = report.with_verdict("differs");
    for row in ["waiting", "out-of-turn", "requests-of-threads", "handled-again"] {
        assert!(noticed.contains(&row), "{row} is not among {noticed:?}");
    }
    assert_eq!(status, 1);
}

#[test]
fn concurrency_notices_requests_that_are_lost() {
    let (status, report) = in_broken_world("lose", &["concurrency", "--work", "1ms"]);
    let noticed = report.with_verdict("differs");
    for row in ["answered", "waiting", "answered-with-work", "requests-of-threads", "answered-by-threads"] {
        assert!(noticed.contains(&row), "{row} is not among {noticed:?}");
    }
    assert_eq!(status, 1);
}

#[test]
fn a_usual_row_that_differs_says_that_nobody_promised_it() {
    let (_, report) = in_broken_world("twice", &["boundaries"]);
    assert_eq!(report.row("receives-needed")["reason"], "nobody promised it");
}

#[test]
fn the_library_alone_breaks_nothing() {
    let library = PathBuf::from(env!("CARGO_BIN_EXE_udp-lab")).with_file_name("examples/libbroken_world.so");
    let run = Run::from(udp_lab().env("LD_PRELOAD", library).arg("all").output().expect("the binary starts"));
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
}
