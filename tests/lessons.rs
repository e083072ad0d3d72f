//! Every lesson through the binary: its verdicts, its parameters, its limits.

use crate::support::{self, report, run};

#[test]
fn every_lesson_is_as_expected_here() {
    for lesson in udp_lab::lessons::LESSONS.iter().map(|lesson| lesson.name) {
        let report = report(&[lesson], 0);
        assert_eq!(report.with_verdict("differs"), [""; 0], "{lesson}");
        assert!(!report.with_verdict("match").is_empty(), "{lesson}");
    }
}

#[test]
fn boundaries_needs_one_receive_for_each_send() {
    let report = report(&["boundaries"], 0);
    assert_eq!(report.observed("receives-needed"), "3");
    assert_eq!(report.observed("receive-1"), r#""hello""#);
    assert_eq!(report.observed("receive-3"), r#""sudada""#);
    assert_eq!(report.observed("tcp-one-read"), r#""helloworldsudada""#);
}

#[test]
fn boundaries_sends_everything_before_it_receives() {
    let report = report(&["boundaries", "a", "b"], 0);
    let sends_and_receives = [("client", "send_to"), ("client", "send_to"), ("fence", "send_to")];
    let receives = [("server", "recv_from"); 3];
    assert_eq!(report.calls(1)[1..], [&sends_and_receives[..], &receives[..]].concat());
    let read = report.0["events"].as_array().unwrap().iter().find(|event| event["call"] == "read").unwrap();
    assert_eq!(read["buffer"], 3, "room for one byte more than was written");
}

#[test]
fn boundaries_follows_the_messages() {
    let messages = ["1", "22", "", "4444", "fünf", "六", "7", "8", "9", "10", "11"];
    let report = report(&[&["boundaries"], &messages[..]].concat(), 0);
    assert_eq!(report.observed("receives-needed"), "11");
    assert_eq!(report.observed("receive-3"), r#""""#);
    assert_eq!(report.observed("receive-6"), r#""六""#);
    assert_eq!(report.observed("tcp-one-read"), r#""1224444fünf六7891011""#);
}

#[test]
fn boundaries_of_nothing_but_an_empty_message() {
    let report = report(&["boundaries", ""], 0);
    assert_eq!(report.observed("receives-needed"), "1");
    assert_eq!(report.observed("tcp-one-read"), "end of file");
}

#[test]
#[cfg(target_os = "linux")]
fn boundaries_cannot_tell_messages_apart_by_nothing() {
    let report = report(&["boundaries", "--buffer", "0"], 0);
    assert_eq!(report.with_verdict("skipped"), ["mixed-receives"]);
    assert_eq!(report.row("mixed-receives")["reason"], "0 bytes of a message do not tell which it is");
}

// Windows takes command lines of at most 32767 characters.
#[test]
#[cfg(not(windows))]
fn boundaries_takes_the_longest_datagrams() {
    let longest = "x".repeat(65_507);
    let report = report(&["boundaries", "--buffer", "65535", &longest, &longest], 0);
    // One read of TCP is not sure to return so much: skipped, with the reason.
    assert_eq!(report.with_verdict("skipped"), ["tcp-one-read", "tcp-next-read"]);
    assert!(report.row("tcp-one-read")["reason"].as_str().unwrap().contains("131014 bytes"));
    assert!(report.observed("receive-1").contains("(65507 bytes)") || report.observed("receive-1") == "-");
}

#[test]
#[cfg(not(windows))]
fn a_small_buffer_cuts_and_the_rest_is_gone() {
    let cut = report(&["truncation"], 0);
    assert_eq!((cut.observed("receive-1"), cut.observed("receive-2")), (r#""h""#, r#""w""#));
    assert_eq!(cut.observed("flag"), "truncated");
    assert_eq!(cut.observed("tcp-second-read"), r#""ello""#);

    let boundaries = report(&["boundaries", "--buffer", "2"], 0);
    assert_eq!(boundaries.observed("receive-2"), r#""wo""#);
    assert_eq!(boundaries.observed("receives-needed"), "3");
}

#[test]
#[cfg(windows)]
fn a_small_buffer_is_an_error_and_the_rest_is_gone() {
    let cut = report(&["truncation"], 0);
    assert_eq!(cut.observed("receive-1"), "WSAEMSGSIZE 10040");
    assert_eq!(cut.observed("buffer-1"), r#""h""#);
    assert_eq!(cut.row("receive-1")["observed_value"]["number"], 10040);
}

#[test]
fn truncation_follows_its_parameters() {
    let whole = report(&["truncation", "--buffer", "100", "hello", "", "你好"], 0);
    assert_eq!((whole.observed("receive-1"), whole.observed("flag")), (r#""hello""#, "complete"));
    assert_eq!(whole.observed("receive-3"), r#""你好""#);
    let none = report(&["truncation", "--buffer", "0"], 0);
    assert_eq!(none.observed("buffer-1"), r#""""#);
    let exact = report(&["truncation", "--buffer", "5"], 0);
    assert_eq!(exact.observed("flag"), "complete");
    // What looks like the name of a row in a message is none.
    let screen = run(["truncation", "{flag} {", "--scene", "flag"]);
    assert!(screen.out.contains("of recvmsg says of \"{flag} {\": truncated."), "{}", screen.out);
}

#[test]
#[cfg(target_os = "linux")]
fn only_a_connected_socket_is_told_that_nobody_listens() {
    let report = report(&["connectionless"], 0);
    assert_eq!(report.observed("unconnected-hears"), "nothing");
    assert_eq!(report.observed("connected-hears"), "ECONNREFUSED 111");
    assert_eq!(report.row("connected-hears")["observed_value"]["name"], "ECONNREFUSED");
    assert_eq!(report.observed("told-once"), "nothing");
}

#[test]
fn one_socket_serves_as_many_clients_as_there_are() {
    let report = report(&["connectionless", "--clients", "30"], 0);
    assert_eq!(report.observed("answered"), "30");
    if cfg!(unix) {
        assert_eq!(report.observed("descriptors"), "0");
        assert_eq!(report.observed("tcp-descriptors"), "30");
    }
}

#[test]
fn a_loop_has_one_request_in_hand_and_threads_have_several() {
    let report = report(&["concurrency", "--clients", "6", "--work", "5ms", "--threads", "4"], 0);
    assert_eq!(report.observed("in-hand"), "1");
    assert_eq!(report.observed("waiting"), "6");
    assert_eq!(report.observed("in-hand-of-threads"), "4");
    assert_eq!(report.observed("answered-by-threads"), "6");
    let seconds = report.row("last-answer-with-work")["observed_value"]["seconds"].as_f64().unwrap();
    assert!(seconds >= 0.03, "six times 5 ms of work took {seconds} s");
}

#[test]
fn waiting_lasts_as_long_as_the_limit() {
    let report = report(&["waiting", "--timeout", "120ms"], 0);
    let seconds = report.row("waited")["observed_value"]["seconds"].as_f64().unwrap();
    assert!(seconds >= 0.12, "a limit of 120 ms was over after {seconds} s");
    assert_eq!(report.row("timed-out")["property"], "limit 120ms: returns");
    for none in ["0ms", "4s", "soon"] {
        assert_eq!(run(["waiting", "--timeout", none]).status, 2, "{none}");
    }
}

#[test]
fn concurrency_serves_a_thousand_clients_or_says_why_not() {
    let report = report(&["concurrency", "--clients", "1000", "--work", "0ms", "--threads", "8"], 0);
    for id in ["answered", "waiting", "answered-by-threads"] {
        let row = report.row(id);
        if row["verdict"] == "skipped" {
            assert!(row["reason"].as_str().unwrap().contains("receive buffer"), "{row}");
        } else {
            assert_eq!(row["observed"], "1000");
        }
    }
}

#[test]
fn more_threads_than_clients_are_as_many_as_clients() {
    let report = report(&["concurrency", "--clients", "1", "--work", "0ms", "--threads", "5"], 0);
    assert_eq!(report.observed("in-hand-of-threads"), "1");
    assert_eq!(report.row("handled-again")["verdict"], "skipped", "one thread shares with nobody");
}

#[test]
fn what_cannot_make_sense_is_refused_with_the_limit_and_the_reason() {
    let too_many: Vec<&str> = [&["boundaries"][..], &["m"; 101]].concat();
    let cases: &[(&[&str], &str)] = &[
        (&too_many, "101 messages; at most 100: each has a row of its own"),
        (&["boundaries", "--buffer", "65536"], "at most 65535 bytes: no datagram is longer"),
        (&["boundaries", "--buffer", "-1"], "unexpected argument '-1' found: no number, time or share may be negative"),
        (&["client", "--timeout", "-1s"], "no number, time or share may be negative"),
        (&["client", "--count", "18446744073709551616"], "18446744073709551616 is not in 1..=10000"),
        (&["relay", "--seed", "18446744073709551616"], "18446744073709551616 is not in 0..=18446744073709551615"),
        (&["relay", "--seed", "1.5"], "a whole number in 0..=18446744073709551615 is needed"),
        (&["truncation", "--buffer", "many"], "a number of bytes from 0 to 65535 is needed"),
        (&["connectionless", "--clients", "101"], "1 to 100 sockets: each takes descriptors, and systems grant few"),
        (&["concurrency", "--clients", "0"], "1 to 1000 clients: each is a socket"),
        (&["concurrency", "--clients", "2000"], "1 to 1000 clients: each is a socket"),
        (&["concurrency", "--threads", "65"], "1 to 64 threads: more show nothing new"),
        (&["concurrency", "--work", "20"], "a time with its unit is needed, such as 20ms or 1s"),
        (&["concurrency", "--work", "8s"], "8 clients with 8s of work each take longer than 60s"),
        (&["concurrency", "--work", "500000y"], "take longer than 60s"),
        (&["delivery", "--messages", "0"], "1 to 100000 datagrams: more fill no buffer better"),
        (&["delivery", "--messages", "100001"], "1 to 100000 datagrams"),
        (&["delivery", "--size", "65508"], "0 to 65507 bytes: no datagram over IPv4 carries more"),
        (&["delivery", "--receive-buffer", "0"], "1 to 16777216 bytes: systems grant less"),
        (&["delivery", "--messages", "100000", "--size", "65507"], "are more than 1000000000: give less of one"),
        (&["compare", "now"], "unexpected argument 'now'"),
        (&["expect", "truncation", "--os", "plan9"], "possible values: linux, macos, windows"),
        (&["expect", "lesson"], "there is no lesson and no command 'lesson'"),
        (&["expect"], "without opening a socket"),
        (&["list", "--width", "19"], "19 is not in 20..=500"),
        (&["list", "--format", "xml"], "possible values: table, plain, markdown, json, csv"),
        (&["lesson"], "there is no lesson and no command 'lesson'"),
    ];
    for (args, sentence) in cases {
        assert_refused(args, sentence);
    }
}

#[test]
#[cfg(not(windows))]
fn a_message_that_no_datagram_can_carry_is_refused() {
    let too_long = "x".repeat(65_508);
    assert_refused(&["boundaries", &too_long], "65508 bytes; a datagram over IPv4 carries at most 65507");
    let said = run(["server", "--reply", &too_long]).err;
    assert!(said.contains("xxx…' for '--reply <TEXT>': 65508 bytes") && said.len() < 500, "{said}");
}

fn assert_refused(args: &[&str], sentence: &str) {
    let run = run(args);
    assert_eq!(run.status, 2, "{:?}: {}", args[0], run.err);
    let err = run.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(err.contains(sentence), "{:?} said: {}", args[0], run.err);
    assert_eq!(run.out, "", "{:?}", args[0]);
}

#[test]
fn what_is_expected_can_be_asked_for_every_system_and_follows_the_parameters() {
    let windows = run(["expect", "truncation", "--os", "windows", "--width", "100"]);
    assert!(windows.out.contains("WSAEMSGSIZE 10040"), "{}", windows.out);
    assert!(windows.out.contains("- POSIX recvfrom(): the entire message"), "{}", windows.out);
    let wide_enough = run(["expect", "truncation", "--os", "windows", "--buffer", "5", "--width", "100"]);
    let line = wide_enough.out.lines().find(|line| line.contains("receive 1: ")).unwrap();
    assert!(line.contains(r#"┆ "hello""#), "{line}");
    let all = run(["expect", "connectionless", "--width", "120"]);
    for value in ["ECONNREFUSED 111", "ECONNREFUSED 61", "WSAECONNRESET 10054", "EOPNOTSUPP 102 "] {
        assert!(all.out.contains(value), "{value}:\n{}", all.out);
    }
    let macos = run(["expect", "truncation", "--os", "macos", "--width", "100"]);
    assert!(macos.out.contains("nothing ?"), "nobody has confirmed it: {}", macos.out);
    assert!(macos.out.contains("- Apple xnu-11417, bsd/kern/uipc_socket.c, soreceive(): "), "{}", macos.out);
    let narrow = run(["expect", "connectionless", "--width", "60"]);
    assert!(narrow.out.contains("Windows: WSAECONNRESET 10054"), "{}", narrow.out);
}

#[test]
fn a_blank_sheet_names_the_rows_and_gives_nothing_away() {
    let blank = run(["expect", "truncation", "--blank", "--width", "100"]).out;
    assert!(blank.contains("after receive 1 the buffer holds"), "{blank}");
    for value in ["WSAEMSGSIZE", "discarded", "nothing"] {
        assert!(!blank.contains(value), "{value}:\n{blank}");
    }
}

#[test]
fn what_is_expected_is_what_the_lesson_then_compares() {
    let here = if cfg!(windows) {
        "windows"
    } else if cfg!(target_os = "linux") {
        "linux"
    } else {
        "macos"
    };
    for lesson in udp_lab::lessons::LESSONS.iter().map(|lesson| lesson.name) {
        let run = run(["expect", lesson, "--os", here, "--format", "json"]);
        let expected: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        let compared = report(&[lesson], 0);
        for claim in expected["claims"].as_array().unwrap() {
            let row = compared.row(claim["id"].as_str().unwrap());
            if claim["expected"][here]["judged"] == true {
                assert_eq!(claim["expected"][here]["text"], row["expected"], "{lesson}: {row}");
            }
        }
    }
}

#[test]
fn delivery_keeps_a_prefix_and_counts_the_rest() {
    let report = report(&["delivery", "--messages", "3000", "--size", "10", "--receive-buffer", "5000"], 0);
    let kept: usize = report.observed("kept").parse().unwrap();
    assert!((1..3000).contains(&kept), "{kept}");
    assert_eq!(report.observed("failed-sends"), "0");
    if cfg!(target_os = "linux") {
        assert_eq!(report.observed("kept-and-dropped"), "3000");
        assert_eq!(report.observed("prefix"), "yes");
    }
}

#[test]
fn delivery_of_what_fits_drops_nothing() {
    let delivery = |args: &[&str]| report(&[&["delivery"], args].concat(), 0);
    let longest = delivery(&["--messages", "1", "--size", "65507", "--receive-buffer", "200000"]);
    assert_eq!(longest.observed("kept"), "1");
    let empty = delivery(&["--messages", "2", "--size", "0"]);
    assert_eq!(empty.observed("kept"), "2");
    assert_eq!(empty.row("prefix")["verdict"], "skipped", "empty datagrams look alike");
    let distinct = delivery(&["--messages", "10", "--size", "1"]);
    assert_ne!(distinct.row("prefix")["verdict"], "skipped");
    assert_eq!(distinct.row("sender-told")["verdict"], "skipped", "there is nothing to tell of");
    let alike = delivery(&["--messages", "11", "--size", "1"]);
    assert_eq!(alike.row("prefix")["verdict"], "skipped");
    // Elsewhere the system does not count what it drops, which skips another row.
    if cfg!(target_os = "linux") {
        let skipped = [&empty, &distinct, &alike].map(|report| report.with_verdict("skipped"));
        assert_eq!(skipped, [vec!["prefix", "sender-told"], vec!["sender-told"], vec!["prefix", "sender-told"]]);
    }
}

/// `expect` makes the scenes and runs none.
#[test]
fn limits_are_allowed_and_what_lies_beyond_is_wrong_use() {
    let status = |args: &[&str]| support::run([&["expect"], args].concat()).status;
    let messages = |count| [vec!["boundaries"], vec!["m"; count]].concat();
    assert_eq!((status(&messages(100)), status(&messages(101))), (0, 2));
    assert_eq!(status(&["concurrency", "--clients", "60", "--work", "1s"]), 0);
    assert_eq!(status(&["concurrency", "--clients", "61", "--work", "1s"]), 2);
    assert_eq!(status(&["delivery", "--messages", "100000", "--size", "10000"]), 0);
    assert_eq!(status(&["delivery", "--messages", "100000", "--size", "10001"]), 2);
}

/// A read of TCP may return less than has come once that is more than the smallest buffers. Windows takes no command
/// line that is so long.
#[test]
#[cfg(not(windows))]
fn a_stream_longer_than_one_read_is_skipped_by_boundaries() {
    let half = "m".repeat(16 * 1024);
    let fits = support::report(&["boundaries", &half, &half, "--buffer", "20000"], 0);
    assert_eq!(fits.with_verdict("skipped"), [""; 0]);
    let longer = support::report(&["boundaries", &half, &half, "m", "--buffer", "20000"], 0);
    assert_eq!(longer.with_verdict("skipped"), ["tcp-one-read", "tcp-next-read"]);
}

#[test]
fn compare_shows_both_protocols_in_pairs() {
    let report = report(&["compare", "--clients", "7"], 0);
    for (tcp, udp) in [("tcp-rest", "udp-rest"), ("tcp-listen", "udp-listen"), ("tcp-close", "udp-close")] {
        let place = |id| report.rows().iter().position(|row| row["id"] == id).unwrap();
        assert_eq!(place(tcp) + 1, place(udp));
        assert!(report.row(tcp)["property"].as_str().unwrap().starts_with("TCP: "));
        assert!(report.row(udp)["property"].as_str().unwrap().starts_with("UDP: "));
    }
    if cfg!(unix) {
        assert_eq!((report.observed("tcp-descriptors"), report.observed("udp-descriptors")), ("7", "0"));
        assert_eq!(&report.observed("tcp-rebind")[..10], "EADDRINUSE");
    }
}

/// A report made under Wine cannot be taken for one of Windows, and one of Windows does not speak of Wine.
#[test]
fn a_report_made_under_wine_says_so() {
    let out = run(["truncation"]).out;
    let json = report(&["truncation"], 0);
    let release = json.0["host"]["release"].as_str().map(str::to_owned);
    let host = udp_lab::kernel::host();
    assert_eq!(release.unwrap_or(host.release.clone()), host.release);
    assert_eq!(host.release.contains("(Wine "), udp_lab::kernel::under_wine(), "{}", host.release);
    assert_eq!(out.contains("(Wine "), udp_lab::kernel::under_wine(), "{out}");
}
