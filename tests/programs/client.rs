//! What the client sends, waits for and writes.

use super::*;

#[test]
fn the_client_sends_its_messages_and_prints_the_answers_of_the_server() {
    let server = Server::start(&["--count", "3"]);
    let ending = Program::start(&mut client(&server.address.to_string(), &["hello", "", "it's\tme"])).ending();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    let lines: Vec<&str> = ending.output.lines().take(6).collect();
    for (exchange, message) in lines.chunks(2).zip([r#""hello""#, r#""""#, r#""it's\tme""#]) {
        assert_eq!(exchange[0], format!("Msg: {message}"));
        assert!(exchange[1].starts_with(r#"From server: "Thanks"  "#), "{}", exchange[1]);
    }
    assert_eq!(ending.totals(["sent", "answered", "unanswered"]), ["3", "3", "0"]);
    for name in ["round trip min", "round trip median", "round trip max"] {
        assert!(ending.total(name).ends_with(" ms"), "{}", ending.total(name));
    }
    let served = server.ending();
    assert_eq!(served.totals(["datagrams", "peers", "answered"]), ["3", "1", "3"]);
}

#[test]
fn the_client_sends_each_line_of_its_input() {
    let there = peer();
    let mut asking = Program::start(&mut client(&address_of(&there), &[]));
    for (line, payload) in [("hello", "hello"), ("two words ", "two words "), ("from Windows\r", "from Windows")] {
        asking.type_line(line);
        let (received, from) = receive(&there);
        assert_eq!(received, payload.as_bytes());
        there.send_to(b"yes", from).unwrap();
        assert_eq!(asking.line(), format!("Msg: {payload:?}"));
        assert!(asking.line().starts_with(r#"From server: "yes"  "#));
    }
    write!(asking.input.as_mut().unwrap(), "without an end").unwrap();
    drop(asking.input.take());
    let (received, from) = receive(&there);
    assert_eq!(received, b"without an end");
    there.send_to(b"yes", from).unwrap();
    let ending = asking.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.total("sent"), "4");
}

#[cfg(unix)]
#[test]
fn an_empty_line_ends_the_client_where_somebody_types() {
    let there = peer();
    let steps = serde_json::json!([["see", "Msg: "], ["type", "\n"]]);
    let Some(terminal) = support::on_terminal(80, &["client", &address_of(&there)], &steps) else { return };
    assert_eq!(terminal.status, 0, "{}", terminal.screen);
    assert!(terminal.screen.contains("│ sent              ┆ 0 │"), "{}", terminal.screen);
}

#[test]
fn without_an_answer_the_client_says_what_that_means_and_goes_on() {
    let there = peer();
    let mut asking = Program::start(&mut client_with_timeout("2s", &address_of(&there), &[]));
    asking.type_line("one");
    let (_, from) = receive(&there);
    assert_eq!(asking.line(), r#"Msg: "one""#);
    assert_eq!(
        asking.line(),
        "No answer within 2s. UDP does not report whether the request was lost, the server did not answer, or the answer was lost."
    );
    // What comes too late is set aside; it comes to the same port as the next answer.
    there.send_to(b"late", from).unwrap();
    asking.type_line("two");
    assert_eq!(receive(&there), (b"two".to_vec(), from));
    there.send_to(b"in time", from).unwrap();
    assert_eq!(asking.line(), r#"Msg: "two""#);
    let line = asking.line();
    assert!(line.starts_with(r#"From server: "in time"  "#) && line.ends_with(" ms"), "{line}");
    let ending = asking.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.totals(["sent", "answered", "unanswered", "late"]), ["2", "1", "1", "1"]);
}

#[test]
fn an_answer_that_could_be_a_late_one_is_said_to_be() {
    for (format, said) in
        [("table", "  (perhaps the late answer to an earlier message: 1 had none)"), ("json", r#""perhaps_late":true"#)]
    {
        let there = peer();
        let address = address_of(&there);
        let mut asking = Program::start(&mut client_with_timeout("3s", &address, &["--format", format]));
        let line = |asking: &Program| {
            if format == "table" {
                asking.line();
            }
            asking.line()
        };
        asking.type_line("one");
        let (_, from) = receive(&there);
        line(&asking);
        asking.type_line("two");
        assert_eq!(receive(&there).1, from, "the source port stays");
        there.send_to(b"whose?", from).unwrap();
        let two = line(&asking);
        assert!(two.contains("whose?") && two.contains(said), "{two}");
    }
}

/// It is stopped for longer than it would wait, and the answer is there when it goes on.
#[cfg(target_os = "linux")]
#[test]
fn the_time_of_a_message_is_one_deadline_whatever_interrupts_it() {
    let there = peer();
    let mut asking = Program::start(&mut client_with_timeout("2s", &address_of(&there), &[]));
    let started = Instant::now();
    asking.type_line("one");
    receive(&there);
    // Each continuation ends a receive that has a limit, which must not begin again.
    let mut interrupted = 0;
    while asking.output.try_iter().all(|line| line.starts_with("Msg: ")) {
        asking.signal("STOP");
        asking.signal("CONT");
        interrupted += 1;
        assert!(started.elapsed() < LIMIT, "interrupted {interrupted} times, it waits for ever");
    }
    assert!(interrupted > 1);
    assert_eq!(asking.ending().totals(["sent", "unanswered"]), ["1", "1"]);
}

/// Wine says nothing of a dead port.
#[cfg(unix)]
#[test]
fn the_client_says_that_the_port_is_refused() {
    let there = peer();
    let address = address_of(&there);
    let mut asking = Program::start(&mut client(&address, &[]));
    asking.type_line("hello");
    let (_, from) = receive(&there);
    there.send_to(b"bye", from).unwrap();
    asking.line();
    asking.line();
    // The port stays taken and hears only itself: another test that was given it would listen there.
    there.connect(&address).unwrap();
    asking.type_line("hello?");
    assert_eq!(asking.line(), r#"Msg: "hello?""#);
    let line = asking.line();
    assert!(
        line.starts_with(&format!("No answer: nobody listens at {address}, or a firewall refuses (ECONNREFUSED ")),
        "{line}"
    );
    assert!(line.contains("Across a network this error may never arrive."), "{line}");
    let ending = asking.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.totals(["sent", "answered", "unanswered"]), ["2", "1", "1"]);
}

#[test]
fn the_client_says_what_is_too_long_for_a_datagram_and_goes_on() {
    let there = peer();
    let mut asking = Program::start(&mut client(&address_of(&there), &[]));
    asking.type_line(&"x".repeat(200_000));
    asking.line();
    assert!(asking.line().starts_with("Not sent: a datagram over IPv4 carries at most 65507 bytes ("));
    asking.type_line("short");
    let (received, from) = receive(&there);
    assert_eq!(received, b"short");
    there.send_to(b"yes", from).unwrap();
    assert_eq!(asking.ending().totals(["sent", "answered", "unanswered"]), ["1", "1", "0"]);
}

#[test]
fn the_longest_datagram_depends_on_the_family() {
    // Where there is IPv6.
    let Ok(there) = UdpSocket::bind("[::1]:0") else { return };
    let mut asking = Program::start(&mut client(&address_of(&there), &[]));
    asking.type_line(&"x".repeat(65_528));
    asking.line();
    let line = asking.line();
    assert!(line.starts_with("Not sent: a datagram over IPv6 carries at most 65527 bytes ("), "{line}");
}

/// On Linux whoever sends to a connected socket from elsewhere is told at once that nobody is there.
#[cfg(target_os = "linux")]
#[test]
fn a_stranger_cannot_answer_the_client() {
    let (there, stranger) = (peer(), peer());
    let mut asking = Program::start(&mut client(&address_of(&there), &[]));
    asking.type_line("hello");
    let (_, from) = receive(&there);
    stranger.connect(from).unwrap();
    stranger.send(b"forged").unwrap();
    assert_eq!(stranger.recv(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    there.send_to(b"true", from).unwrap();
    assert_eq!(asking.line(), r#"Msg: "hello""#);
    assert!(asking.line().starts_with(r#"From server: "true"  "#));
    assert_eq!(asking.ending().totals(["sent", "answered"]), ["1", "1"]);
}

/// Colours are forced: a pipe would have terminal sequences taken away, and the test could not fail.
#[test]
fn nothing_that_a_stranger_answers_reaches_the_terminal_of_the_client_raw() {
    for format in ["table", "json"] {
        let there = peer();
        let mut asking = Program::start(&mut client(&address_of(&there), &["--color", "always", "--format", format]));
        for payload in hostile_payloads() {
            asking.type_line("hello");
            let (_, from) = receive(&there);
            there.send_to(&payload, from).unwrap();
            if format == "table" {
                assert_eq!(asking.line(), r#"Msg: "hello""#);
            }
            let line = asking.line();
            assert!(is_harmless(&line), "{payload:?} is shown as {line:?}");
        }
    }
}

#[test]
fn the_client_writes_json_lines() {
    let there = peer();
    let mut asking = Program::start(&mut client_with_timeout("1ms", &address_of(&there), &["--format", "json"]));
    asking.type_line("hello");
    receive(&there);
    let ending = asking.ending();
    assert_eq!(
        ending.output,
        concat!(
            r#"{"answer":null,"sent":"hello"}"#,
            "\n",
            r#"{"totals":{"answered":0,"late":0,"round_trip_max":null,"round_trip_median":null,"round_trip_min":null,"#,
            r#""sent":1,"unanswered":1}}"#,
            "\n"
        )
    );
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_a_conversation_with_its_totals() {
    let server = Server::start(&[]);
    let address = server.address.to_string();
    let steps = serde_json::json!([["see", "Msg: "], ["type", "hi\n"], ["see", "Thanks"], ["type", "\u{3}"]]);
    let Some(terminal) = support::on_terminal(80, &["client", &address, "--color", "never"], &steps) else { return };
    assert!(terminal.screen.contains("│ answered          ┆ 1"), "{}", terminal.screen);
    assert_eq!(terminal.status, 0);
}
