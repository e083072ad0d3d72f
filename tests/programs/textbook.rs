//! The assignment of networking courses, as the textbook has it: its client and its server, in Python, with ours.

use super::article::python;
#[cfg(unix)]
use super::relay::Relay;
use super::*;

/// What became of each ping of the textbook's client.
fn pings(output: &str) -> Vec<Option<&str>> {
    output.lines().map(|line| (line != "Request timed out").then_some(line)).collect()
}

#[test]
fn the_textbooks_client_is_answered_by_the_server() {
    let server = Server::start(&["--echo", "--count", "10"]);
    let Some(mut command) = python("pinger_client.py", &[server.address.port().into()]) else { return };
    let ending = Program::start(&mut command).ending();
    assert_eq!((ending.status, ending.errors.as_str()), (Some(0), ""), "{}", ending.output);
    for (number, ping) in (1..).zip(pings(&ending.output)) {
        let answer = ping.unwrap_or_else(|| panic!("{}", ending.output));
        assert!(answer.starts_with(&format!("Ping {number} ")) && answer.contains(" RTT: "), "{answer}");
    }
    assert_eq!(server.ending().totals(["datagrams", "peers", "answered"]), ["10", "1", "10"]);
}

/// By seed 45 the relay loses the answer to the first, and the sixth and the ninth on their way to the server. What is
/// lost here waits for its whole second.
#[cfg(unix)]
#[test]
fn the_textbooks_client_misses_what_the_relay_loses() {
    let server = Server::start(&["--echo", "--count", "8"]);
    let relay = Relay::start(server.address, &["--lose", "30%", "--seed", "45"]);
    let Some(mut command) = python("pinger_client.py", &[relay.address.port().into()]) else { return };
    let ending = Program::start(&mut command).ending();
    assert_eq!((ending.status, ending.errors.as_str()), (Some(0), ""), "{}", ending.output);
    let missing: Vec<usize> =
        (1..).zip(pings(&ending.output)).filter(|(_, ping)| ping.is_none()).map(|(number, _)| number).collect();
    assert_eq!(missing, [1, 6, 9], "{}", ending.output);
    let lost: Vec<String> = relay
        .interrupted()
        .output
        .lines()
        .filter(|line| line.ends_with(": lost"))
        .map(without_time_and_length)
        .collect();
    assert_eq!(lost, ["server -> client 1 #1", "client 1 -> server #6", "client 1 -> server #9"]);
    assert_eq!(server.ending().totals(["datagrams", "answered"]), ["8", "8"]);
}

#[cfg(unix)]
fn without_time_and_length(line: &str) -> String {
    let (_, text) = line.split_once(" s  ").unwrap();
    text.split(", ").next().unwrap().to_owned()
}

/// It says of each ping what it did: what the client counts is held against that.
#[test]
fn the_textbooks_server_is_pinged() {
    let Some(mut command) = python("pinger_server.py", &[0, 4]) else { return };
    let server = Program::start(&mut command);
    let address = format!("127.0.0.1:{}", server.line());
    let pinger = ["--count", "8", "--interval", "1ms", "--numbered", "--fail-unanswered"];
    let ending = Program::start(&mut client_with_timeout("2s", &address, &pinger)).ending();
    let answered: Vec<bool> = (0..8).map(|_| server.line() == "answered").collect();
    let lost = answered.iter().filter(|answered| !**answered).count();
    assert!(lost > 0 && lost < 8, "{answered:?}");
    assert_eq!(ending.status, Some(1), "{}{}", ending.output, ending.errors);
    let percent = format!("{lost} ({:.1}%)", 100.0 * lost as f64 / 8.0);
    let received = (8 - lost).to_string();
    assert_eq!(ending.totals(["sent", "received", "lost", "duplicates"]), ["8", &received, &percent, "0"]);
    for (number, answered) in (1..).zip(answered) {
        // It answers in capital letters.
        let said =
            if answered { format!("{number}  \"PING {number} ") } else { format!("{number}  no answer within 2s") };
        assert!(ending.output.lines().any(|line| line.starts_with(&said)), "{said}: {}", ending.output);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn client_relay_and_server_run_on_two_hosts() {
    support::in_a_namespace(module_path!(), "across_a_cable");
}

/// The client and the server on one host, the relay between them on another one: two namespaces with a cable between
/// them.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "makes hosts: only in a namespace of its own"]
fn across_a_cable() {
    use udp_lab::kernel::Namespace;

    let first = Namespace::new().unwrap();
    let hosts = [first.beside().unwrap(), first];
    let ip_with = |input: Stdio, host: &Namespace, arguments: &str| {
        let run = || Command::new("ip").args(arguments.split(' ')).stdin(input).status().unwrap();
        assert!(host.enter(run).unwrap().success(), "ip {arguments}");
    };
    let ip = |host: &Namespace, arguments: &str| ip_with(Stdio::null(), host, arguments);
    let cable = "link add cable type veth peer name cable netns /proc/self/fd/0";
    ip_with(hosts[1].as_input().unwrap(), &hosts[0], cable);
    for (host, address) in hosts.iter().zip(["192.0.2.1", "192.0.2.2"]) {
        ip(host, &format!("address add {address}/24 dev cable"));
        ip(host, "link set cable up");
    }
    let [between, ends] = &hosts;
    let server = ends.enter(|| Server::start_at("192.0.2.2:0", &["--echo", "--count", "8"])).unwrap();
    let relay =
        between.enter(|| Relay::start_at("192.0.2.1:0", server.address, &["--lose", "30%", "--seed", "45"])).unwrap();
    let pinger = ["--count", "10", "--interval", "1ms", "--numbered", "--fail-unanswered"];
    let ping = || Program::start(&mut client_with_timeout("2s", &relay.address.to_string(), &pinger)).ending();
    let ending = ends.enter(ping).unwrap();
    assert_eq!(ending.status, Some(1), "{}{}", ending.output, ending.errors);
    assert_eq!(ending.totals(["sent", "received", "lost"]), ["10", "7", "3 (30.0%)"]);
    for number in [1, 6, 9] {
        assert!(ending.output.contains(&format!("{number}  no answer within 2s")), "{}", ending.output);
    }
    assert!(server.line().starts_with("1  192.0.2.1:"), "it is the relay that asks");
    assert_eq!(relay.interrupted().output.matches(": lost\n").count(), 3);
    assert_eq!(server.ending().totals(["datagrams", "peers", "answered"]), ["8", "1", "8"]);
}
