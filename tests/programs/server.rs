//! What the server does and writes, and how it ends.

use super::*;

#[test]
fn a_line_for_each_datagram_appears_at_once() {
    let server = Server::start(&[]);
    let (here, there) = (peer(), peer());
    assert_eq!(ask(&here, &server, b"hello"), b"Thanks");
    assert_eq!(server.line(), format!("1  {}  5 bytes  \"hello\"", address_of(&here)));
    assert_eq!(ask(&there, &server, "你".as_bytes()), b"Thanks");
    assert_eq!(server.line(), format!("2  {}  3 bytes  \"你\"", address_of(&there)));
}

#[test]
fn the_server_says_where_it_listens_and_what_to_paste_in_the_other_terminal() {
    let server = Server::start(&[]);
    let address = server.address;
    assert_eq!(
        server.greeting,
        format!(
            "Listening on {address}; Ctrl-C ends it.\n\
             Receives from this machine only; for other hosts, listen on 0.0.0.0:{}.\n\
             In another terminal: udp-lab client {address}\n",
            address.port()
        )
    );
}

#[test]
#[cfg(unix)]
fn what_to_paste_calls_the_program_as_it_was_called() {
    use std::os::unix::process::CommandExt;
    for called in ["./x/udp-lab", "lab"] {
        for arguments in [["server", LOOPBACK, "--quiet"], ["relay", LOOPBACK, "9"]] {
            let mut command = udp_lab(&arguments);
            command.arg0(called).env("PATH", "").env_remove("CARGO_PKG_NAME");
            let program = Program::start(&mut command);
            let mut lines = std::iter::repeat_with(|| program.line());
            let line = lines.find(|line| line.starts_with("In another terminal: ")).unwrap();
            assert!(line.contains(&format!(": {called} client 127.0.0.1:")), "{line}");
        }
    }
}

#[test]
fn a_server_that_is_open_to_the_network_says_so() {
    let server = Server::start_at("0.0.0.0:0", &["--count", "1"]);
    assert!(server.greeting.starts_with("Listening on 0.0.0.0:"), "{}", server.greeting);
    assert!(
        server.greeting.contains("\nReceives from every host that can reach this machine.\n"),
        "{}",
        server.greeting
    );
    assert!(server.address.ip().is_loopback());
    assert_eq!(ask(&peer(), &server, b"hello"), b"Thanks");
}

#[test]
fn the_server_goes_on_whatever_arrives() {
    let longest = vec![b'x'; if cfg!(target_os = "macos") { 9216 } else { 65_507 }];
    let payloads: [(&[u8], &str); 6] = [
        (b"", r#"0 bytes  """#),
        (b"\0", r#"1 byte  "\0""#),
        (b"\xff\xfe", r#"2 bytes  "\xff\xfe""#),
        (b"\x1b[2J", r#"4 bytes  "\u{1b}[2J""#),
        (&[b'a'; 61], r#"61 bytes  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…""#),
        (
            &longest,
            r#"1024 bytes  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"  truncated by the buffer"#,
        ),
    ];
    let server = Server::start(&["--count", "6"]);
    let here = peer();
    for (number, (payload, shown)) in payloads.into_iter().enumerate() {
        assert_eq!(ask(&here, &server, payload), b"Thanks");
        assert_eq!(server.line(), format!("{}  {}  {shown}", number + 1, address_of(&here)));
    }
    let ending = server.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.totals(["datagrams", "answered"]), ["6", "6"]);
}

/// Colours are forced: a pipe would have terminal sequences taken away, and the test could not fail.
#[test]
fn nothing_that_a_stranger_sends_reaches_the_terminal_of_the_server_raw() {
    for start in [Server::start, Server::start_with_json] {
        let server = start(&["--color", "always"]);
        let here = peer();
        for payload in hostile_payloads() {
            assert_eq!(ask(&here, &server, &payload), b"Thanks");
            let line = server.line();
            assert!(is_harmless(&line), "{payload:?} is shown as {line:?}");
        }
    }
}

#[test]
fn a_datagram_is_cut_only_by_a_buffer_that_is_shorter() {
    let server = Server::start(&["--buffer", "3", "--count", "2"]);
    let here = peer();
    for (payload, shown) in [("dog", r#"3 bytes  "dog""#), ("doge", r#"3 bytes  "dog"  truncated by the buffer"#)] {
        assert_eq!(ask(&here, &server, payload.as_bytes()), b"Thanks");
        assert!(server.line().ends_with(&format!("  {shown}")));
    }
    assert_eq!(server.ending().totals(["datagrams", "bytes", "truncated", "answered"]), ["2", "6", "1", "2"]);
}

#[test]
fn the_reply_can_be_chosen() {
    let server = Server::start(&["--reply", "Danke 谢谢", "--count", "2"]);
    let here = peer();
    assert_eq!(ask(&here, &server, b"hello"), "Danke 谢谢".as_bytes());
    assert_eq!(ask(&here, &server, b"Thanks"), "Danke 谢谢".as_bytes());
}

#[test]
fn a_quiet_server_writes_only_the_table() {
    let server = Server::start(&["--quiet", "--count", "3"]);
    let (here, there) = (peer(), peer());
    for (socket, message) in [(&here, "one"), (&there, "two"), (&here, "three")] {
        ask(socket, &server, message.as_bytes());
    }
    let ending = server.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(
        ending.output,
        "
╭────────────┬────╮
│ Server     ┆    │
╞════════════╪════╡
│ datagrams  ┆ 3  │
│ peers      ┆ 2  │
│ bytes      ┆ 11 │
│ truncated  ┆ 0  │
│ answered   ┆ 3  │
│ unanswered ┆ 0  │
╰────────────┴────╯
"
    );
}

#[test]
fn the_server_writes_json_lines() {
    let server = Server::start_with_json(&["--count", "1"]);
    let here = peer();
    ask(&here, &server, b"hello");
    let peer = address_of(&here);
    assert_eq!(
        server.ending().output,
        format!(
            r#"{{"answered":true,"bytes":5,"cut":false,"datagram":1,"payload":"hello","peer":"{peer}"}}
{{"totals":{{"answered":1,"bytes":5,"cut":0,"datagrams":1,"peers":1,"unanswered":0}}}}
"#
        )
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_waiting_server_with_the_table() {
    let server = Server::start(&[]);
    ask(&peer(), &server, b"hello");
    server.line();
    server.interrupt();
    let ending = server.ending();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.totals(["datagrams", "answered"]), ["1", "1"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_busy_server_with_the_table() {
    let server = Server::start(&[]);
    let address = server.address;
    let flood = thread::spawn(move || {
        let here = peer();
        here.connect(address).unwrap();
        // Refused once the server has gone.
        while here.send(b"hello").is_ok() {}
    });
    assert!(server.line().starts_with("1  "));
    server.interrupt();
    let ending = server.ending();
    flood.join().unwrap();
    assert_eq!(ending.status, Some(0));
    assert_eq!(ending.total("datagrams"), ending.total("answered"));
}

/// A server that has answered a datagram, and now waits in the write of its line: its output is a full pipe. What is
/// read from there in the end follows.
#[cfg(target_os = "linux")]
fn server_that_waits_for_its_reader() -> (Program, impl Read) {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;

    let (reader, writer) = io::pipe().unwrap();
    // Opened again, so that only these writes do not wait.
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let mut filling = std::fs::File::options().write(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap();
    let program = Program::start_with_output(udp_lab(&["server", LOOPBACK]).stdout(writer));
    let mut reader = BufReader::new(reader);
    let address = greeted(&mut reader);
    // A write of some bytes is refused where not all of them have room: the last ones go one by one.
    for piece in [&[b'.'; 4096][..], b"."] {
        while let Ok(written) = filling.write(piece) {
            assert_eq!(written, piece.len());
        }
    }
    let here = peer();
    here.send_to(b"hello", address).unwrap();
    assert_eq!(receive(&here).0, b"Thanks");
    (program, reader)
}

#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_a_server_whose_output_nobody_reads() {
    // Two of a kind that come at once may be delivered as one.
    for [first, second] in [["INT", "TERM"], ["TERM", "HUP"], ["HUP", "INT"]] {
        let (program, _reader) = server_that_waits_for_its_reader();
        program.signal(first);
        program.signal(second);
        let ending = program.ending();
        // As a shell has it: 128 and the number of HUP, INT or TERM.
        assert!(matches!(ending.status, Some(129 | 130 | 143)), "{first}, {second}: {:?}", ending.status);
        assert_eq!(ending.errors, "");
    }
}

/// As `timeout` has it, and a terminal that goes away.
#[cfg(target_os = "linux")]
#[test]
fn one_signal_ends_a_server_whose_output_nobody_reads_within_seconds() {
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (program, _reader) = server_that_waits_for_its_reader();
        program.signal(signal);
        let ending = program.ending();
        assert_eq!((ending.status, ending.errors.as_str()), (Some(status), ""), "{signal}");
    }
}

/// An alarm that was set before the program began is not the program's own.
#[cfg(target_os = "linux")]
#[test]
fn an_alarm_of_somebody_else_ends_a_server_as_it_would_any_program() {
    use std::os::unix::process::ExitStatusExt;

    let mut command = Command::new("perl");
    command.args(["-e", "alarm 1; exec @ARGV", env!("CARGO_BIN_EXE_udp-lab"), "server", LOOPBACK]);
    let Ok(mut child) = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn() else {
        return support::missing("perl");
    };
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGALRM));
}

#[cfg(target_os = "linux")]
#[test]
fn after_one_signal_a_server_waits_for_its_reader_and_writes_the_table() {
    let (program, mut reader) = server_that_waits_for_its_reader();
    program.signal("INT");
    let mut output = String::new();
    reader.read_to_string(&mut output).unwrap();
    let ending = Ending { output, ..program.ending() };
    assert_eq!((ending.status, ending.errors.as_str()), (Some(0), ""));
    assert!(ending.output.contains("  5 bytes  \"hello\"\n"), "{}", ending.output);
    assert_eq!(ending.totals(["datagrams", "answered"]), ["1", "1"]);
}

#[test]
fn an_echo_is_what_came_as_far_as_the_buffer_has_it() {
    let server = Server::start(&["--echo", "--buffer", "300", "--count", "260"]);
    let here = peer();
    for payload in hostile_payloads().into_iter().filter(|payload| payload.len() == 1) {
        assert_eq!(ask(&here, &server, &payload), payload);
        server.line();
    }
    assert_eq!(ask(&here, &server, b""), b"");
    let long = [b'x'; 400];
    assert_eq!(ask(&here, &server, &long), long[..300]);
    for _ in 0..2 {
        assert_eq!(ask(&here, &server, b"again"), b"again");
    }
    assert_eq!(server.ending().totals(["datagrams", "truncated", "answered"]), ["260", "1", "260"]);
}

#[test]
fn an_echo_has_no_text_of_its_own() {
    Program::start(&mut udp_lab(&["server", LOOPBACK, "--echo", "--reply", "x"]))
        .ending()
        .is_refused_with(2, "--reply");
}
