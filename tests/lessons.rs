//! Every lesson through the binary: its verdicts, its parameters, its limits.

mod support;

use support::{report, run};

#[test]
fn every_lesson_is_as_expected_here() {
    for lesson in ["boundaries", "truncation", "connectionless", "concurrency"] {
        let report = report(&[lesson], 0);
        assert_eq!(report.with_verdict("differs"), [""; 0], "{lesson}");
        assert!(report.with_verdict("match").len() > 5, "{lesson}");
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
    assert_eq!(cut.observed("flag"), "cut");
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
    assert_eq!((whole.observed("receive-1"), whole.observed("flag")), (r#""hello""#, "whole"));
    assert_eq!(whole.observed("receive-3"), r#""你好""#);
    let none = report(&["truncation", "--buffer", "0"], 0);
    assert_eq!(none.observed("buffer-1"), r#""""#);
    let exact = report(&["truncation", "--buffer", "5"], 0);
    assert_eq!(exact.observed("flag"), "whole");
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
}

#[test]
fn what_cannot_make_sense_is_refused_with_the_limit_and_the_reason() {
    let too_long = "x".repeat(65_508);
    let too_many: Vec<&str> = [&["boundaries"][..], &["m"; 101]].concat();
    let cases: &[(&[&str], &str)] = &[
        (&["boundaries", &too_long], "65508 bytes; a datagram over IPv4 carries at most 65507"),
        (&too_many, "101 messages; at most 100: each has a row of its own"),
        (&["boundaries", "--buffer", "65536"], "at most 65535 bytes: no datagram is longer"),
        (&["boundaries", "--buffer", "-1"], "unexpected argument '-1'"),
        (&["truncation", "--buffer", "many"], "a number of bytes from 0 to 65535 is needed"),
        (&["connectionless", "--clients", "101"], "1 to 100 clients: TCP, beside it, takes two descriptors"),
        (&["concurrency", "--clients", "0"], "1 to 1000 clients: each is a socket"),
        (&["concurrency", "--clients", "2000"], "1 to 1000 clients: each is a socket"),
        (&["concurrency", "--threads", "65"], "1 to 64 threads: more show nothing new"),
        (&["concurrency", "--work", "20"], "a time with its unit is needed, such as 20ms or 1s"),
        (&["concurrency", "--work", "8s"], "8 clients with 8s of work each take longer than 60s"),
        (&["concurrency", "--work", "500000y"], "take longer than 60s"),
        (&["list", "--width", "59"], "59 is not in 60..=500"),
        (&["list", "--format", "xml"], "possible values: table, json"),
        (&["lesson"], "unrecognized subcommand 'lesson'"),
    ];
    for (args, sentence) in cases {
        let run = run(*args);
        let shown: Vec<&&str> = args.iter().take(3).collect();
        assert_eq!(run.status, 2, "{shown:.40?}: {}", run.err);
        let err = run.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(err.contains(sentence), "{shown:.40?} said: {}", run.err);
        assert_eq!(run.out, "", "{shown:.40?}");
    }
}
