//! What the server does not answer, because anybody can forge a sender.

use super::*;

#[test]
fn the_reply_text_is_answered_unless_it_comes_again_and_again() {
    let server = Server::start(&["--count", "13"]);
    let (here, there) = (peer(), peer());
    for _ in 0..10 {
        assert_eq!(ask(&here, &server, b"Thanks"), b"Thanks");
        assert!(server.line().ends_with(r#""Thanks""#));
    }
    here.send_to(b"Thanks", server.address).unwrap();
    let line = server.line();
    let rule =
        "not answered: rule against loops: more than 10 times in a row the reply text, as from a server that echoes";
    assert!(line.ends_with(rule), "{line}");
    assert_eq!(ask(&there, &server, b"Thanks"), b"Thanks");
    assert_eq!(ask(&here, &server, b"hello"), b"Thanks");
    assert_eq!(server.ending().totals(["datagrams", "answered", "unanswered"]), ["13", "12", "1"]);
    assert!(nothing_more_for(&here));
}

/// It sends back whatever it is sent.
#[test]
fn a_loop_with_a_server_that_echoes_ends() {
    let server = Server::start(&[]);
    let echo = peer();
    echo.send_to(b"go", server.address).unwrap();
    for _ in 0..11 {
        let (answer, from) = receive(&echo);
        server.line();
        echo.send_to(&answer, from).unwrap();
    }
    assert!(server.line().contains("  not answered: rule against loops"));
    // Behind it, nothing is under way.
    assert_eq!(ask(&peer(), &server, b"fence"), b"Thanks");
    assert!(nothing_more_for(&echo));
}

/// "Test" begins as "Thanks" does, and is not as long.
#[cfg(target_os = "linux")]
#[test]
fn what_a_short_buffer_leaves_is_not_taken_for_the_reply_text() {
    let server = Server::start(&["--buffer", "1", "--count", "20"]);
    let here = peer();
    for _ in 0..20 {
        assert_eq!(ask(&here, &server, b"Test"), b"Thanks");
    }
    assert_eq!(server.ending().totals(["datagrams", "truncated", "answered"]), ["20", "20", "20"]);
}

/// On loopback there is no third party whom a forged sender could name.
#[test]
fn on_loopback_every_reply_is_sent() {
    let reply = "x".repeat(1000);
    let server = Server::start(&["--reply", &reply, "--count", "1"]);
    assert!(!server.greeting.contains("is not answered"), "{}", server.greeting);
    assert_eq!(ask(&peer(), &server, b""), reply.as_bytes());
}

#[cfg(target_os = "linux")]
#[test]
fn over_a_network_no_answer_has_more_than_three_times_the_bytes_of_its_request() {
    support::in_a_namespace(module_path!(), "over_a_network");
}

/// An address that is not of loopback, in a namespace: 192.0.2.0/24 is nobody's (RFC 5737).
#[cfg(target_os = "linux")]
#[test]
#[ignore = "adds an address: only in a namespace of its own"]
fn over_a_network() {
    assert!(Command::new("ip").args(["address", "add", "192.0.2.1/32", "dev", "lo"]).status().unwrap().success());
    let here = UdpSocket::bind("192.0.2.1:0").unwrap();
    here.set_read_timeout(Some(LIMIT)).unwrap();

    let reply = "x".repeat(56);
    let server = Server::start_at("192.0.2.1:0", &["--reply", &reply, "--count", "1"]);
    assert!(!server.greeting.contains("is not answered"), "{}", server.greeting);
    assert_eq!(ask(&here, &server, b""), reply.as_bytes());

    let reply = "x".repeat(100);
    let server = Server::start_at("192.0.2.1:0", &["--reply", &reply, "--count", "2"]);
    let said = "\nThe reply has 100 bytes: over a network, what is shorter than 15 is not answered.\n";
    assert!(server.greeting.contains(said), "{}", server.greeting);
    here.send_to(&[b'a'; 14], server.address).unwrap();
    let line = server.line();
    let rule = "not answered: rule against amplification: a reply of 100 bytes, and 98 at most for a request of 14 \
                (3 times as much, headers counted)";
    assert!(line.ends_with(rule), "{line}");
    assert_eq!(ask(&here, &server, &[b'a'; 15]), reply.as_bytes());
    assert_eq!(server.ending().totals(["datagrams", "answered", "unanswered"]), ["2", "1", "1"]);
}

#[cfg(unix)]
#[test]
fn what_comes_with_an_answers_time_to_live_is_not_answered() {
    let server = Server::start(&[]);
    let here = peer();
    for hops in [20, 32] {
        here.set_ttl(hops).unwrap();
        here.send_to(b"Hello", server.address).unwrap();
        let line = server.line();
        let rule =
            format!("rule against loops: arrived with a time to live of {hops}; answers of servers have 32 or less");
        assert!(line.ends_with(&format!(r#""Hello"  not answered: {rule}"#)), "{line}");
    }
    here.set_ttl(33).unwrap();
    assert_eq!(ask(&here, &server, b"Hello"), b"Thanks");

    // Where there is IPv6.
    if let Ok(here) = UdpSocket::bind("[::1]:0") {
        let server = Server::start_at("[::1]:0", &["--count", "2"]);
        here.set_read_timeout(Some(LIMIT)).unwrap();
        let socket = socket2::SockRef::from(&here);
        socket.set_unicast_hops_v6(32).unwrap();
        here.send_to(b"Hello", server.address).unwrap();
        assert!(server.line().ends_with(
            "  not answered: rule against loops: arrived with a time to live of 32; answers of servers have 32 or less"
        ));
        socket.set_unicast_hops_v6(33).unwrap();
        assert_eq!(ask(&here, &server, b"Hello"), b"Thanks");
        assert!(nothing_more_for(&here));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_forged_sender_cannot_set_two_servers_against_each_other() {
    support::in_a_namespace(module_path!(), "a_forged_sender");
}

/// A raw socket may forge a sender where this user is allowed everything: in a namespace.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs a raw socket: only in a namespace of its own"]
fn a_forged_sender() {
    let count = ["--count", "2"];
    let a = Server::start(&[&["--reply", "Hello"], &count[..]].concat());
    let b = Server::start(&[&["--reply", "Hi"], &count[..]].concat());
    forge(b.address, a.address, b"go");
    assert_eq!(a.line(), format!("1  {}  2 bytes  \"go\"", b.address));
    let line = format!(
        "1  {}  5 bytes  \"Hello\"  not answered: rule against loops: arrived with a time to live of 32; answers of servers have 32 or less",
        a.address
    );
    assert_eq!(b.line(), line);
    // Behind this, on either side, nothing of theirs is under way.
    assert_eq!(ask(&peer(), &b, b"fence"), b"Hi");
    assert_eq!(ask(&peer(), &a, b"fence"), b"Hello");
    let names = ["datagrams", "peers", "answered", "unanswered"];
    assert_eq!(a.ending().totals(names), ["2", "2", "2", "0"]);
    assert_eq!(b.ending().totals(names), ["2", "2", "1", "1"]);
}

/// Sends a datagram to `to` that says it comes from `from`.
#[cfg(target_os = "linux")]
fn forge(from: SocketAddr, to: SocketAddr, payload: &[u8]) {
    use socket2::{Domain, Protocol, Socket, Type};

    let (SocketAddr::V4(source), SocketAddr::V4(target)) = (from, to) else { panic!("{from} {to}") };
    let length = u16::try_from(8 + payload.len()).unwrap();
    // The kernel fills length and checksum of the header in; a checksum of 0 for UDP is none (RFC 768).
    let header = [0x45, 0, 0, 0, 0, 0, 0, 0, 255, 17, 0, 0];
    let ports = [source.port(), target.port(), length, 0].map(u16::to_be_bytes);
    let packet = [&header, &source.ip().octets()[..], &target.ip().octets(), ports.as_flattened(), payload].concat();
    let raw = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(libc::IPPROTO_RAW))).unwrap();
    assert_eq!(raw.send_to(&packet, &to.into()).unwrap(), packet.len());
}

/// What no program should be sent, over and over, each time by somebody else.
#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_hostile_datagrams_leave_a_server_as_it_was() {
    const COUNT: usize = 100_000;
    let server = Server::start(&["--color", "always"]);
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.program.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
    };
    let control = peer();
    let (mut datagrams, mut bytes, mut cut, mut unanswered) = (0, 0, 0, 0);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut kilobytes = vec![memory()];
    let short = hostile_payloads();
    for number in 0..COUNT {
        let payload = match number % 8 {
            0 | 1 => (0..number % 300)
                .map(|_| {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    random as u8
                })
                .collect(),
            2 => Vec::new(),
            3 => b"\xe4\xbd\xff\xfe\xc0\x80\xf4\x90\x80\x80".to_vec(),
            4 => "\x1b]52;c;eA==\x07\u{2066}\u{202e}\u{200f}\n1  127.0.0.1:1  5 bytes".as_bytes().to_vec(),
            5 if number % 400 == 5 => vec![0xff; 65_507],
            5 => b"Thanks".to_vec(),
            _ => short[number % short.len()].clone(),
        };
        let [_, b, c, d] = u32::try_from(number).unwrap().to_be_bytes();
        let stranger = UdpSocket::bind(SocketAddr::from(([127, 1 + b, c, d], 0))).unwrap();
        assert_eq!(stranger.send_to(&payload, server.address).unwrap(), payload.len());
        datagrams += 1;
        bytes += payload.len().min(1024);
        cut += usize::from(payload.len() > 1024);
        // The control is one of those who are told apart.
        unanswered += usize::from(payload == b"Thanks" && number >= 65_535);
        // So that nothing is lost: what was sent before is no longer in the queue.
        if number % 50 == 49 || payload.len() > 1024 {
            assert_eq!(ask(&control, &server, b"fence"), b"Thanks");
            datagrams += 1;
            bytes += 5;
        }
        if [70_000 - 1, COUNT - 1].contains(&number) {
            kilobytes.push(memory());
        }
    }
    let [before, full, after] = kilobytes[..] else { panic!("{kilobytes:?}") };
    assert!(full - before < 8 * 1024 && after.saturating_sub(full) < 1024, "{kilobytes:?} KB");

    server.interrupt();
    let ending = server.ending();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    let expected = [datagrams, bytes, cut, datagrams - unanswered, unanswered].map(|number| number.to_string());
    assert_eq!(
        ending.totals(["datagrams", "bytes", "truncated", "answered", "unanswered"]),
        expected.each_ref().map(String::as_str)
    );
    assert_eq!(ending.total("peers"), "65536 or more");
    let (lines, _) = ending.output.split_once("\n\n").unwrap();
    assert_eq!(lines.lines().count(), datagrams);
    for (line, number) in lines.split('\n').zip(1..) {
        assert!(line.starts_with(&format!("{number}  127.")) && is_harmless(line), "{line:?}");
    }
}

/// Two of them that a forged sender has set against each other: each answers with 32 hops, which the other does not
/// answer.
#[test]
fn what_a_server_sends_back_is_not_sent_back_again() {
    let server = Server::start(&["--echo", "--count", "2"]);
    let other = peer();
    assert_eq!(ask(&other, &server, b"ping"), b"ping");
    server.line();
    other.set_ttl(32).unwrap();
    other.send_to(b"ping", server.address).unwrap();
    let line = server.line();
    assert!(
        !cfg!(unix) || line.contains("not answered: rule against loops: arrived with a time to live of 32"),
        "{line}"
    );
}
