//! The relay: what it does to datagrams on their way, as a process between others.

use super::*;

/// `udp-lab relay`, listening.
pub struct Relay {
    program: Program,
    greeting: String,
    pub address: SocketAddr,
}

impl Relay {
    pub fn start(to: SocketAddr, arguments: &[&str]) -> Self {
        Relay::start_at(LOOPBACK, to, arguments)
    }

    pub fn start_at(address: &str, to: SocketAddr, arguments: &[&str]) -> Self {
        let to = to.to_string();
        let (program, greeting, address) = greeted_program(&[&["relay", address, &to], arguments].concat());
        Relay { program, greeting, address }
    }

    /// The next line, without its time.
    pub fn line(&self) -> String {
        let line = self.program.line();
        let (time, text) = line.split_once(" s  ").unwrap_or_else(|| panic!("{line}"));
        assert!(time.parse::<f64>().is_ok(), "{line}");
        text.to_owned()
    }

    /// What is left of it after Ctrl-C.
    #[cfg(unix)]
    pub fn interrupted(self) -> Ending {
        self.program.signal("INT");
        self.program.ending()
    }
}

/// The values of rows of the table at the end, one for each direction.
#[cfg(unix)]
fn both_ways<const N: usize>(ending: &Ending, names: [&str; N]) -> [[String; 2]; N] {
    ending.totals(names).map(|row| {
        let (there, back) = row.split_once('┆').unwrap_or_else(|| panic!("{row}"));
        [there, back].map(|count| count.trim().to_owned())
    })
}

/// A client and a server, played by the test, with a relay between them.
struct Between {
    client: UdpSocket,
    server: UdpSocket,
    relay: Relay,
}

impl Between {
    fn start(arguments: &[&str]) -> Self {
        let (client, server) = (peer(), peer());
        let relay = Relay::start(server.local_addr().unwrap(), arguments);
        Between { client, server, relay }
    }

    fn send(&self, message: &[u8]) {
        self.client.send_to(message, self.relay.address).unwrap();
    }

    /// Sends a first message and answers it, so that both are known to the relay; the address at which it is answered.
    fn begin(&self) -> SocketAddr {
        self.send(b"first");
        assert_eq!(self.relay.line(), format!("client 1 is {}", address_of(&self.client)));
        self.relay.line();
        receive(&self.server).1
    }
}

#[test]
fn what_is_to_happen_is_said_at_the_start() {
    let server = peer();
    let to = server.local_addr().unwrap();
    let relay = Relay::start(to, &["--lose", "30%", "--delay", "20ms..80ms", "--reorder", "0.5%", "--seed", "42"]);
    let address = relay.address;
    assert_eq!(
        relay.greeting,
        format!(
            "Relaying {address} to {to}; Ctrl-C ends it.\n\
             Receives from this machine only; for other hosts, listen on 0.0.0.0:{}.\n\
             Each way: 30% lost, 0.5% held back, delayed by 20ms..80ms.\n\
             Each run with seed 42 makes the same decisions.\n\
             In another terminal: udp-lab client {address}\n",
            address.port()
        )
    );
    let open = Relay::start_at("0.0.0.0:0", to, &[]);
    let heard = format!("\nReceives from every host that can reach this machine, and sends it on to {to}.\n");
    assert!(open.greeting.contains(&heard), "{}", open.greeting);
    assert!(open.greeting.contains("\nEach way: everything is forwarded as it comes.\n"), "{}", open.greeting);
}

#[test]
fn a_relay_passes_on_what_comes_both_ways_and_keeps_clients_apart() {
    let Between { client, server, relay } = Between::start(&[]);
    let other = peer();
    for (number, socket, message) in [(1, &client, &b"hello"[..]), (2, &other, b""), (1, &client, &[b'x'; 9000])] {
        socket.send_to(message, relay.address).unwrap();
        let (received, from) = receive(&server);
        assert_eq!(received, message);
        server.send_to(&[b"re: ", message].concat(), from).unwrap();
        let (answer, from) = receive(socket);
        assert_eq!((answer, from), ([b"re: ", message].concat(), relay.address), "client {number}");
    }
    let [one, two] = [&client, &other].map(address_of);
    let lines: Vec<String> = (0..8).map(|_| relay.line()).collect();
    assert_eq!(
        lines,
        [
            &format!("client 1 is {one}"),
            "client 1 -> server #1, 5 bytes: forwarded",
            "server -> client 1 #1, 9 bytes: forwarded",
            &format!("client 2 is {two}"),
            "client 2 -> server #2, 0 bytes: forwarded",
            "server -> client 2 #2, 4 bytes: forwarded",
            "client 1 -> server #3, 9000 bytes: forwarded",
            "server -> client 1 #3, 9004 bytes: forwarded",
        ]
    );
}

/// What is lost of twenty, by another program's computation: see `src/vocabulary/impairment.rs`.
#[test]
fn the_same_seed_loses_the_same_datagrams_again_whenever_they_come() {
    const LOST: [u8; 8] = [3, 8, 9, 12, 13, 15, 16, 20];
    // What else is asked for changes nothing of it, nor do answers in between.
    for (arguments, answers) in [(&[][..], false), (&["--duplicate", "100%", "--corrupt", "0.5"], true)] {
        let between = Between::start(&[&["--lose", "50%", "--seed", "42"], arguments].concat());
        let mut lost = Vec::new();
        for number in 1..=20 {
            between.send(&[number]);
            let line = loop {
                let line = between.relay.line();
                if line.starts_with("client 1 -> server") {
                    break line;
                }
            };
            assert!(line.starts_with(&format!("client 1 -> server #{number}, 1 byte: ")), "{line}");
            match line.ends_with(": lost") {
                true => lost.push(number),
                false if answers => {
                    let (_, from) = receive(&between.server);
                    between.server.send_to(b"yes", from).unwrap();
                }
                false => assert_eq!(receive(&between.server).0, [number]),
            }
        }
        assert_eq!(lost, LOST);
    }
}

#[test]
fn without_a_seed_one_is_chosen_that_does_the_same_again() {
    let server = peer();
    let to = server.local_addr().unwrap();
    let decisions = |arguments: &[&str]| {
        let relay =
            Relay::start(to, &[&["--lose", "0.5", "--corrupt", "0.5", "--delay", "1ms..1s"], arguments].concat());
        let client = peer();
        let of = |number: u8| {
            client.send_to(&[number; 100], relay.address).unwrap();
            relay.line()
        };
        let first = of(0);
        assert!(first.starts_with("client 1 is "), "{first}");
        let decided: Vec<String> = (1..=30).map(of).collect();
        (relay.greeting.clone(), decided)
    };
    let (greeting, decided) = decisions(&[]);
    let (_, rest) = greeting.split_once("\nSeed ").unwrap();
    let (seed, rest) = rest.split_once(" was chosen: with --seed ").unwrap_or_else(|| panic!("{greeting}"));
    assert!(rest.starts_with(&format!("{seed} another run makes the same decisions.\n")), "{greeting}");
    assert_eq!(decisions(&["--seed", seed]).1, decided);
    assert_ne!(decisions(&["--seed", &format!("{seed}1")]).1, decided);
}

#[test]
fn what_is_duplicated_arrives_twice() {
    let between = Between::start(&["--duplicate", "100%"]);
    between.send(b"one");
    let (first, second) = (receive(&between.server), receive(&between.server));
    assert_eq!((&first.0[..], &first), (&b"one"[..], &second));
    between.send(b"two");
    assert_eq!(receive(&between.server).0, b"two", "twice, and no more");
}

/// Everything is held back: the limit lets them go, in their order.
#[test]
fn what_is_held_back_for_nothing_goes_on_by_itself() {
    let between = Between::start(&["--reorder", "100%"]);
    for message in [b"one", b"two"] {
        between.send(message);
    }
    assert_eq!([receive(&between.server).0, receive(&between.server).0], [b"one", b"two"]);
    between.relay.line();
    assert_eq!(between.relay.line(), "client 1 -> server #1, 3 bytes: held back until the next one has passed");
}

/// By this seed the second one is held back, and no other: it goes before the fourth one.
#[cfg(unix)]
#[test]
fn what_is_held_back_follows_the_next_one() {
    let between = Between::start(&["--reorder", "50%", "--seed", "21"]);
    for message in [b"1", b"2", b"3", b"4"] {
        between.send(message);
    }
    let received: Vec<_> = (0..4).map(|_| receive(&between.server).0).collect();
    assert_eq!(received, [b"1", b"3", b"2", b"4"]);
    let ending = between.relay.interrupted();
    assert_eq!(both_ways(&ending, ["forwarded", "reordered"]), [["4", "0"], ["1", "0"]]);
}

#[test]
fn one_byte_is_changed_and_the_line_says_which() {
    let between = Between::start(&["--corrupt", "100%"]);
    between.send(b"");
    assert_eq!(receive(&between.server).0, b"", "of nothing, nothing is changed");
    for _ in 0..2 {
        between.relay.line();
    }
    for _ in 0..50 {
        let sent = b"Ping 1 1764119999.123456";
        between.send(sent);
        let (received, _) = receive(&between.server);
        let changed: Vec<_> = (1..).zip(sent.iter().zip(&received)).filter(|(_, (was, is))| was != is).collect();
        let [(byte, (was, is))] = changed[..] else { panic!("{received:?}") };
        assert_eq!(received.len(), sent.len());
        let line = between.relay.line();
        let said = format!(", 24 bytes: corrupted (byte {byte}: 0x{was:02x} becomes 0x{is:02x}), forwarded");
        assert!(line.ends_with(&said), "{line}");
    }
}

#[test]
fn nothing_is_sent_on_before_its_time() {
    let between = Between::start(&["--delay", "300ms"]);
    let started = Instant::now();
    between.send(b"hello");
    let (_, from) = receive(&between.server);
    assert!(started.elapsed() >= Duration::from_millis(300));
    between.server.send_to(b"Thanks", from).unwrap();
    receive(&between.client);
    assert!(started.elapsed() >= Duration::from_millis(600));
    between.relay.line();
    assert_eq!(between.relay.line(), "client 1 -> server #1, 5 bytes: forwarded after 300.000 ms");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_relay_with_a_table_in_which_every_datagram_is_counted() {
    let between = Between::start(&["--lose", "50%", "--seed", "42"]);
    for number in 1..=20 {
        between.send(&[number]);
    }
    for _ in 0..12 {
        let (_, from) = receive(&between.server);
        between.server.send_to(b"yes", from).unwrap();
    }
    // One line for the client, one for each datagram.
    for _ in 0..33 {
        between.relay.line();
    }
    let ending = between.relay.interrupted();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    let [received, forwarded, lost, not_forwarded, waiting] =
        both_ways(&ending, ["received", "forwarded", "lost", "not forwarded", "waiting at the end"]);
    assert_eq!(
        (received, lost[0].as_str(), not_forwarded, waiting),
        (["20", "12"].map(str::to_owned), "8", ["0", "0"].map(str::to_owned), ["0", "0"].map(str::to_owned))
    );
    assert_eq!(forwarded[0], "12");
    assert_eq!(forwarded[1].parse::<u32>().unwrap() + lost[1].parse::<u32>().unwrap(), 12);
}

#[cfg(unix)]
#[test]
fn what_waits_at_the_end_is_counted() {
    let between = Between::start(&["--delay", "1m"]);
    between.send(b"never");
    for _ in 0..2 {
        between.relay.line();
    }
    let ending = between.relay.interrupted();
    assert_eq!(
        both_ways(&ending, ["received", "forwarded", "waiting at the end"]),
        [["1", "0"], ["0", "0"], ["1", "0"]]
    );
}

/// On Linux, a closed port is known to the socket that sent there.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_does_not_run_is_named() {
    let Between { client, server, relay } = Between::start(&[]);
    // The port stays taken and hears only itself: another test that was given it would listen there.
    server.connect(server.local_addr().unwrap()).unwrap();
    for number in 1..=2 {
        client.send_to(b"hello?", relay.address).unwrap();
        if number == 1 {
            relay.line();
        }
        assert_eq!(relay.line(), format!("client 1 -> server #{number}, 6 bytes: forwarded"));
        assert_eq!(
            relay.line(),
            "server -> client 1: the port is refused (ECONNREFUSED 111): nobody listens there, or a firewall refuses it; \
             nothing is sent to the client"
        );
    }
}

/// Both wait for the relay when it goes on. The refusal of the first one is told before the second is sent, not
/// instead.
#[cfg(target_os = "linux")]
#[test]
fn a_refused_datagram_does_not_cost_the_next_one() {
    let Between { client, server, relay } = Between::start(&[]);
    server.connect(server.local_addr().unwrap()).unwrap();
    relay.program.signal("STOP");
    for _ in 0..2 {
        client.send_to(b"hello?", relay.address).unwrap();
    }
    relay.program.signal("CONT");
    // Its begin, the two datagrams, and that the port is refused: once more where the system told of it before the
    // second send.
    let mut lines = Vec::new();
    while lines.len() < 4 || !lines.iter().any(|line: &String| line.contains("the port is refused")) {
        lines.push(relay.line());
    }
    let ending = relay.interrupted();
    assert_eq!(both_ways(&ending, ["forwarded", "not forwarded"]), [["2", "0"], ["0", "0"]]);
}

#[test]
fn only_the_server_answers_through_a_relay() {
    let between = Between::start(&[]);
    let upstream = between.begin();
    let stranger = peer();
    stranger.send_to(b"forged", upstream).unwrap();
    between.server.send_to(b"true", upstream).unwrap();
    assert_eq!(receive(&between.client).0, b"true");
    assert!(nothing_more_for(&between.client));
}

#[test]
fn a_relay_writes_json_lines() {
    let server = peer();
    let to = address_of(&server);
    let arguments =
        ["relay", LOOPBACK, &to, "--format", "json", "--corrupt", "100%", "--duplicate", "1.0", "--seed", "42"];
    let program = Program::start(&mut udp_lab(&arguments));
    let json = || serde_json::from_str::<serde_json::Value>(&program.line()).unwrap();
    let greeting = json();
    assert_eq!((&greeting["to"], &greeting["seed"]), (&to.as_str().into(), &42.into()));
    let client = peer();
    client.send_to(b"Ping 1", greeting["listening"].as_str().unwrap()).unwrap();
    assert_eq!(json()["address"], address_of(&client));
    let mut line = json();
    assert!(line["at"].is_f64(), "{line}");
    line["at"] = serde_json::Value::Null;
    assert_eq!(
        line,
        serde_json::json!({
            "at": null, "client": 1, "direction": "client -> server", "number": 1, "bytes": 6, "lost": false,
            "duplicated": true, "held_back": false, "delays": [0.0, 0.0],
            "corrupted": { "byte": 4, "was": 0x67, "becomes": 0x67 ^ 0x8f }
        })
    );
    #[cfg(unix)]
    {
        program.signal("INT");
        let ending = program.ending();
        let totals: serde_json::Value = serde_json::from_str(&ending.output).unwrap();
        let there = &totals["totals"]["to_server"];
        assert_eq!(
            (&there["received"], &there["corrupted"], &there["waiting_at_the_end"]),
            (&1.into(), &1.into(), &0.into())
        );
    }
}

// What it refuses.

#[test]
fn a_relay_to_itself_is_refused() {
    let port = port_that_stays_free();
    let address = |host: &str| format!("{host}:{port}");
    let mut circles = vec![("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")];
    // Elsewhere nobody can be asked at the address that stands for none.
    if cfg!(target_os = "linux") {
        circles.extend([("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.1.2.3")]);
        if UdpSocket::bind("[::1]:0").is_ok() {
            circles.extend([("[::]", "127.0.0.1"), ("[::1]", "[::1]"), ("[::]", "[::1]")]);
        }
    }
    for (listen, to) in circles {
        Program::start(&mut udp_lab(&["relay", &address(listen), &address(to)]))
            .ending()
            .is_refused_with(2, "is the relay itself: the second address is that of the server");
    }
}

#[test]
fn what_is_no_share_delay_or_seed_is_wrong_use() {
    for (arguments, sentence) in [
        (["--lose", "30"], "write 30% or a fraction"),
        (["--lose", "130%"], "it lies between 0% and 100%"),
        (["--duplicate", "often"], "such as 30% or 0.3"),
        (["--reorder", ""], "such as 30% or 0.3"),
        (["--corrupt", "1.5"], "it lies between 0% and 100%"),
        (["--delay", "20"], "such as 20ms or 1s; or two of them: 20ms..80ms"),
        (["--delay", "80ms..20ms"], "the shorter time comes first: 20ms..80ms"),
        (["--delay", "2m"], "at most 60s"),
        (["--seed", "-1"], "invalid"),
    ] {
        let arguments = ["relay", LOOPBACK, "127.0.0.1:9", &arguments.join("=")];
        Program::start(&mut udp_lab(&arguments)).ending().is_refused_with(2, sentence);
    }
    for arguments in [&["relay"][..], &["relay", "9999"]] {
        Program::start(&mut udp_lab(arguments)).ending().is_refused_with(2, "<TO>");
    }
    Program::start(&mut udp_lab(&["relay", LOOPBACK, "239.1.2.3:8888"]))
        .ending()
        .is_refused_with(2, "is no address of a host");
}

// What is no third party's business.

/// Two relays that send to each other: the time to live that is left ends it.
#[cfg(unix)]
#[test]
fn relays_in_a_circle_come_to_an_end() {
    let first = SocketAddr::from((Ipv4Addr::LOCALHOST, port_that_stays_free()));
    let second = Relay::start(first, &[]);
    let first = Relay::start_at(&first.to_string(), second.address, &[]);
    let client = peer();
    client.set_ttl(9).unwrap();
    client.send_to(b"round", first.address).unwrap();
    // It goes on with 8, 7, 6 and so on: five times through the first relay, four times through the second.
    let mut last = String::new();
    while !last.contains("not forwarded") {
        last = first.line();
    }
    let rule = "client 5 -> server #5: not forwarded: rule against loops: its time to live is used up, as where relays send in \
                a circle";
    assert_eq!(last, rule);
    let [first, second] = [first, second].map(Relay::interrupted);
    assert_eq!(both_ways(&first, ["received", "forwarded", "not forwarded"]), [["5", "0"], ["4", "0"], ["1", "0"]]);
    assert_eq!(both_ways(&second, ["received", "forwarded", "not forwarded"]), [["4", "0"], ["4", "0"], ["0", "0"]]);
}

/// Through a relay the server's answers keep the time to live by which other servers know them.
#[cfg(unix)]
#[test]
fn two_servers_on_either_side_of_a_relay_do_not_answer_each_other() {
    let server = Server::start(&[]);
    let relay = Relay::start(server.address, &[]);
    let other = peer();
    other.set_ttl(33).unwrap();
    other.send_to(b"an answer, with one hop more than one", relay.address).unwrap();
    let line = server.line();
    assert!(line.contains("  not answered: rule against loops: arrived with a time to live of 32;"), "{line}");
    other.set_ttl(34).unwrap();
    other.send_to(b"a question", relay.address).unwrap();
    assert_eq!(receive(&other).0, b"Thanks");
}

/// Where there is IPv6.
#[cfg(unix)]
#[test]
fn a_relay_joins_clients_of_ipv6_to_a_server_of_ipv4_and_the_other_way_round() {
    let Ok(client) = UdpSocket::bind("[::1]:0") else { return };
    client.set_read_timeout(Some(LIMIT)).unwrap();
    let server = Server::start(&[]);
    let to_v4 = Relay::start_at("[::1]:0", server.address, &[]);
    let to_v6 = Relay::start(to_v4.address, &[]);
    client.send_to(b"hello", to_v4.address).unwrap();
    assert_eq!(receive(&client).0, b"Thanks");
    let client = peer();
    // Over two relays, with two hops less.
    for (hops, is_answered) in [(34, false), (35, true)] {
        client.set_ttl(hops).unwrap();
        client.send_to(b"hello", to_v6.address).unwrap();
        if is_answered {
            assert_eq!(receive(&client).0, b"Thanks");
        }
    }
    server.line();
    assert!(server.line().contains("rule against loops: arrived with a time to live of 32;"));
}

#[test]
fn at_most_a_hundred_clients_are_told_apart() {
    let Between { server, relay, .. } = Between::start(&[]);
    let clients: Vec<_> = (0..101).map(|_| peer()).collect();
    for (number, client) in (1..).zip(&clients[..100]) {
        client.send_to(b"hello", relay.address).unwrap();
        assert_eq!(relay.line(), format!("client {number} is {}", address_of(client)));
        relay.line();
        receive(&server);
    }
    clients[100].send_to(b"hello", relay.address).unwrap();
    let reason = "not forwarded: there are 100 clients, and none of them has been silent for 1m";
    assert_eq!(relay.line(), format!("{} -> server: {reason}", address_of(&clients[100])));
    clients[0].send_to(b"still here", relay.address).unwrap();
    assert_eq!(receive(&server).0, b"still here");
}

#[test]
fn a_flood_cannot_fill_the_memory() {
    let between = Between::start(&["--delay", "1m"]);
    for number in 1..=1000 {
        between.send(b"x");
        if number == 1 {
            between.relay.line();
        }
        let line = between.relay.line();
        assert!(line.ends_with(": forwarded after 60000.000 ms"), "{line}");
    }
    between.send(b"x");
    assert_eq!(between.relay.line(), "client 1 -> server #1001: not forwarded: 1000 others wait already");
}

#[cfg(target_os = "linux")]
#[test]
fn over_a_network_a_relay_amplifies_nothing() {
    support::in_a_namespace(module_path!(), "towards_a_third_party");
}

/// An address that is not of loopback, in a namespace: 192.0.2.0/24 is nobody's (RFC 5737).
#[cfg(target_os = "linux")]
#[test]
#[ignore = "adds an address: only in a namespace of its own"]
fn towards_a_third_party() {
    assert!(Command::new("ip").args(["address", "add", "192.0.2.1/32", "dev", "lo"]).status().unwrap().success());
    let client = UdpSocket::bind("192.0.2.1:0").unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    let server = peer();
    let relay = Relay::start_at("0.0.0.0:0", server.local_addr().unwrap(), &[]);
    client.send_to(b"ab", ("192.0.2.1", relay.address.port())).unwrap();
    let (_, upstream) = receive(&server);
    server.send_to(&[b'x'; 63], upstream).unwrap();
    server.send_to(&[b'y'; 62], upstream).unwrap();
    assert_eq!(receive(&client).0, [b'y'; 62], "of the longer one nothing came");
    for _ in 0..2 {
        relay.line();
    }
    let mut lines: Vec<String> = (0..3).map(|_| relay.line()).collect();
    lines.retain(|line| line.contains("not forwarded"));
    let rule = "server -> client 1 #1: not forwarded: rule against amplification: it would be 91 bytes in all, for 30 that came from there";
    assert!(lines.len() == 1 && lines[0].starts_with(rule), "{lines:?}");

    // A copy counts as what it is, and is no datagram of its own in the table.
    let client = UdpSocket::bind("192.0.2.1:0").unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    let relay = Relay::start_at("0.0.0.0:0", server.local_addr().unwrap(), &["--duplicate", "100%"]);
    client.send_to(b"ab", ("192.0.2.1", relay.address.port())).unwrap();
    server.send_to(&[b'x'; 32], receive(&server).1).unwrap();
    assert_eq!(receive(&client).0, [b'x'; 32]);
    let mut last = String::new();
    while !last.contains("not forwarded") {
        last = relay.line();
    }
    assert!(last.starts_with("server -> client 1 #1: not forwarded: its copy: rule against amplification: "), "{last}");
    let ending = relay.interrupted();
    assert_eq!(both_ways(&ending, ["forwarded", "duplicated", "not forwarded"]), [["1", "1"], ["1", "1"], ["0", "0"]]);
}
