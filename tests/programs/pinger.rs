//! The client as `ping`: the assignment of networking courses.

use super::*;

const SUMMARY: [&str; 5] = ["sent", "received", "lost", "duplicates", "out of order"];

#[test]
fn an_echo_answers_every_message_and_the_summary_counts_them() {
    let server = Server::start(&["--echo"]);
    let pinger = ["--count", "5", "--interval", "1ms", "--numbered", "--fail-unanswered"];
    let ending = Program::start(&mut client(&server.address.to_string(), &pinger)).ending();
    assert_eq!(ending.status, Some(0), "{}{}", ending.output, ending.errors);
    assert_eq!(ending.totals(SUMMARY), ["5", "5", "0 (0.0%)", "0", "0"]);
    assert_eq!(ending.totals(["late"]), ["0"]);
    for name in ["round trip min", "round trip avg", "round trip max", "round trip mdev"] {
        assert!(ending.total(name).ends_with(" ms"), "{}", ending.total(name));
    }
    assert!(ending.output.starts_with("1  \"Ping 1 "), "{}", ending.output);
}

/// Played here: what is asked third is answered first, the second twice, the first in capital letters, the fourth
/// never.
#[test]
fn what_is_lost_doubled_or_out_of_order_is_counted_by_its_number() {
    let there = peer();
    let pinger = ["--count", "4", "--interval", "1ms", "--numbered", "--fail-unanswered"];
    let asking = Program::start(&mut client_with_timeout("500ms", &address_of(&there), &pinger));
    let requests: Vec<_> = (0..4).map(|_| receive(&there)).collect();
    for index in [2, 1, 1] {
        there.send_to(&requests[index].0, requests[index].1).unwrap();
    }
    there.send_to(&requests[0].0.to_ascii_uppercase(), requests[0].1).unwrap();
    let ending = asking.ending();
    assert_eq!(ending.status, Some(1), "{}{}", ending.output, ending.errors);
    assert_eq!(ending.totals(SUMMARY), ["4", "3", "1 (25.0%)", "1", "2"], "{}", ending.output);
    assert!(ending.output.contains("4  no answer within 500ms"), "{}", ending.output);
}

#[test]
fn without_a_number_a_message_waits_for_the_answer_to_the_one_before() {
    let there = peer();
    let pinger = ["same", "--count", "2", "--interval", "1ms"];
    let asking = Program::start(&mut client(&address_of(&there), &pinger));
    let (first, from) = receive(&there);
    assert_eq!(first, b"same");
    there.send_to(b"yes", from).unwrap();
    assert!(asking.line().starts_with("1  \"yes\"  "));
    there.send_to(b"yes", receive(&there).1).unwrap();
    assert_eq!(asking.ending().totals(SUMMARY), ["2", "2", "0 (0.0%)", "0", "0"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_pinger_with_its_summary() {
    let there = peer();
    let pinger = ["--count", "10000", "--interval", "1h", "--numbered"];
    let asking = Program::start(&mut client(&address_of(&there), &pinger));
    let (request, from) = receive(&there);
    there.send_to(&request, from).unwrap();
    assert!(asking.line().starts_with("1  \"Ping 1 "));
    asking.signal("INT");
    let ending = asking.ending();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    assert_eq!(ending.totals(SUMMARY), ["1", "1", "0 (0.0%)", "0", "0"]);
}

#[test]
fn a_script_learns_that_a_message_had_no_answer() {
    let there = peer();
    let silent = |arguments: &[&str]| {
        Program::start(&mut client_with_timeout("20ms", &address_of(&there), arguments)).ending().status
    };
    assert_eq!(silent(&["hello"]), Some(0));
    assert_eq!(silent(&["hello", "--fail-unanswered"]), Some(1));
    assert_eq!(silent(&["--count", "2", "--interval", "1ms", "--fail-unanswered"]), Some(1));
}

#[test]
fn what_belongs_to_a_count_wants_one() {
    for arguments in [&["--numbered"][..], &["--interval", "1s"], &["a", "b", "--count", "2"]] {
        Program::start(&mut client("127.0.0.1:9", arguments)).ending().is_refused_with(2, "--count");
    }
}
