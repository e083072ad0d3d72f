//! Addresses as they are given, and what is said of those that cannot be used.

use super::*;

#[test]
fn an_address_in_use_is_refused() {
    let held = peer();
    let address = address_of(&held);
    Program::start(&mut udp_lab(&["server", &address]))
        .ending()
        .is_refused_with(3, &format!("udp-lab: bind {address}: "));
}

/// RFC 5737: nobody has this address. Wine binds to it all the same.
#[cfg(unix)]
#[test]
fn an_address_that_is_not_ours_is_refused() {
    Program::start(&mut udp_lab(&["server", "192.0.2.1:0"])).ending().is_refused_with(3, "udp-lab: bind 192.0.2.1:0: ");
}

/// Where IPv6 is switched off, a socket on [::] is there all the same, and takes what comes over IPv4.
#[cfg(target_os = "linux")]
#[test]
fn the_command_to_paste_works_where_ipv6_is_switched_off_or_none_is_printed() {
    const WITHOUT_IPV6: &str = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && ip link set lo up";
    const DOWN: &str = "ip link set lo down";
    let inside = |machine: &str, arguments: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--net", "sh", "-c", &format!("{machine} && exec \"$@\""), "sh"]);
        unshare.arg(env!("CARGO_BIN_EXE_udp-lab")).args(arguments).env("LC_ALL", "C.UTF-8");
        unshare.env("PATH", path_with_the_binary());
        unshare
    };
    if !inside(WITHOUT_IPV6, &["list"]).stdin(Stdio::null()).output().is_ok_and(|output| output.status.success()) {
        return support::missing("a network namespace");
    }
    let server = ["server", "[::]:8888"].as_slice();
    for (machine, arguments, said) in [
        (WITHOUT_IPV6, server, "In another terminal: udp-lab client 127.0.0.1:8888"),
        (WITHOUT_IPV6, &["relay", "[::]:8888", "127.0.0.1:9"], "In another terminal: udp-lab client 127.0.0.1:8888"),
        (
            DOWN,
            server,
            "No client on this machine can ask here: connect 127.0.0.1:8888: network is unreachable (ENETUN",
        ),
    ] {
        let program = Program::start(&mut inside(machine, arguments));
        let mut lines = std::iter::repeat_with(|| program.line());
        let line = lines.find(|line| line.contains(" client ") || line.contains("No client ")).unwrap();
        assert!(line.starts_with(said), "{arguments:?}, {machine}: {line}");
    }
}

#[cfg(unix)]
#[test]
fn what_to_do_about_an_address_in_use_is_said() {
    let held = peer();
    let ending = Program::start(&mut udp_lab(&["server", &address_of(&held)])).ending();
    assert!(ending.errors.contains(": address already in use (EADDRINUSE "), "{}", ending.errors);
    assert!(
        ending.errors.ends_with("Another socket has this port: choose another one, or end the program that has it.\n")
    );
}

/// A broadcast address is what no socket may ask unpermitted, not even the superuser's. Nothing is sent.
#[cfg(target_os = "linux")]
#[test]
fn a_client_without_permission_says_so() {
    Program::start(&mut client("127.255.255.255:8888", &["hello"]))
        .ending()
        .is_refused_with(3, "udp-lab: connect 127.255.255.255:8888: permission denied (EACCES 13).");
}

#[test]
fn the_client_says_that_port_0_is_no_destination() {
    Program::start(&mut client(LOOPBACK, &["hello"]))
        .ending()
        .is_refused_with(2, "error: 127.0.0.1:0: port 0 is no destination");
}

#[test]
fn a_port_alone_means_this_machine() {
    let server = Server::start(&[]);
    let port = server.address.port().to_string();
    let ending = Program::start(&mut client(&port, &["hello"])).ending();
    assert_eq!(ending.status, Some(0), "{}", ending.errors);
    assert!(ending.output.contains("From server: \"Thanks\""), "{}", ending.output);
}

/// A name with an empty label is refused without asking any name server.
#[test]
fn an_unknown_host_name_is_said_to_be_unknown() {
    for command in ["server", "client"] {
        Program::start(&mut udp_lab(&[command, "no..host:8888"]))
            .ending()
            .is_refused_with(3, "udp-lab: no..host:8888: no host of this name is known here.");
    }
}

#[test]
fn malformed_arguments_are_wrong_use() {
    for (arguments, sentence) in [
        (["server", "teacher-pc"], "HOST:PORT or PORT is needed: write teacher-pc:8888"),
        (["client", "hello"], "write hello:8888 for a host of this name; a message comes after the address"),
        (["client", "hello world"], "a message comes after the address: client 8888 MESSAGE"),
        (["client", ":8888"], "HOST:PORT or PORT is needed"),
        (["client", "http://127.0.0.1:8888/"], "HOST:PORT or PORT is needed: write 127.0.0.1:8888"),
        (["server", "udp://127.0.0.1:8888"], "write 127.0.0.1:8888"),
        (["client", "127.0.0.1: 8888"], "write 127.0.0.1:8888"),
        (["client", "１２７。０。０。１：８８８８"], "write 127.0.0.1:8888"),
        (["client", "１２７.0.0.1:8888"], "write 127.0.0.1:8888"),
        (["client", "\u{200e}127.0.0.1:8888"], "HOST:PORT or PORT is needed: write 127.0.0.1:8888"),
        (["client", "udp-lab client 127.0.0.1:8888"], "HOST:PORT or PORT is needed: write 127.0.0.1:8888"),
        (["client", "10,0,0,7"], "write 10.0.0.7:8888"),
        (["client", "('127.0.0.1', 8888)"], "write 127.0.0.1:8888"),
        (["server", "fe80::1%eth0:8888"], "write [fe80::1%eth0]:8888"),
        (["client", "127.0.0.256:88"], "127.0.0.256 is no IPv4 address: that is four numbers from 0 to 255"),
        (["server", "127.0.0.1.1:88"], "127.0.0.1.1 is no IPv4 address"),
        (["client", "::1"], "write [::1]:8888"),
        (["server", "*:8888"], "write 0.0.0.0:8888"),
        (["client", "127.0.0.1:+8888"], "a port is a number from 0 to 65535"),
        (["client", "8888x"], "a port is a number from 0 to 65535"),
        (["server", "99999"], "a port is a number from 0 to 65535"),
        (["client", "127.0.0.1:65536"], "a port is a number from 0 to 65535"),
        (["client", "::1:8888"], "an IPv6 address stands in brackets"),
        (["server", "--count=0"], "0 is not in 1.."),
        (["server", "--buffer=65536"], "at most 65535 bytes"),
        (["client", "--timeout=2"], "a time with its unit is needed"),
        (["client", "--timeout=0s"], "at least 1ms is needed"),
        (["client", "--timeout=2h"], "at most 1h is allowed"),
    ] {
        Program::start(&mut udp_lab(&arguments)).ending().is_refused_with(2, sentence);
    }
}

/// A shell whose terminal has another encoding gives such bytes. Windows has arguments of another kind.
#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_is_named() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let with =
        |arguments: &[&str], last: &[u8]| Program::start(udp_lab(arguments).arg(OsStr::from_bytes(last))).ending();
    with(&["client", "127.0.0.1:9", "hi"], b"h\xe9\x1b[2J").is_refused_with(
        2,
        "error: invalid UTF-8 in \"h\\xe9\\u{1b}[2J\": any bytes can be sent with --hex, with --file or through a pipe\n",
    );
    with(&["concurrency", "--clients"], b"\xff").is_refused_with(2, "error: invalid UTF-8 in \"\\xff\"\n");
}

#[test]
fn what_is_pasted_as_a_url_hears_no_word_of_ipv6() {
    let ending = Program::start(&mut udp_lab(&["client", "http://127.0.0.1:8888/", "hi"])).ending();
    assert!(!ending.errors.contains("IPv6"), "{}", ending.errors);
}

#[test]
fn a_link_local_address_needs_its_interface() {
    for command in ["server", "client"] {
        let ending = Program::start(&mut udp_lab(&[command, "[fe80::1]:8888"])).ending();
        ending.is_refused_with(2, "a link-local address needs its interface: [fe80::1%");
    }
}

/// Unix: Wine knows interfaces by number only.
#[cfg(unix)]
#[test]
fn an_interface_that_is_not_there_is_named() {
    for command in ["server", "client"] {
        for interface in ["no-such0", "123456789"] {
            let address = format!("[fe80::1%{interface}]:8888");
            Program::start(&mut udp_lab(&[command, &address]))
                .ending()
                .is_refused_with(3, &format!("udp-lab: {address}: this machine has no network interface {interface}."));
        }
    }
}

/// The interface is there: the address is of another kind. Other systems take it.
#[cfg(target_os = "linux")]
#[test]
fn an_interface_behind_an_address_that_needs_none_is_not_said_to_be_missing() {
    Program::start(&mut udp_lab(&["client", "[::1%lo]:8888"])).ending().is_refused_with(
        3,
        "udp-lab: [::1%lo]:8888: ::1 is no link-local address, and only those have an interface behind a %: write [::1]:8888.",
    );
}

#[test]
fn a_group_is_no_address_of_a_host() {
    for address in ["239.1.2.3:8888", "[ff02::1]:8888", "255.255.255.255:8888"] {
        for command in ["server", "client"] {
            let ending = Program::start(&mut udp_lab(&[command, address])).ending();
            ending.is_refused_with(2, "is no address of a host");
        }
    }
}

/// Linux binds to it, and lets nobody ask there by default.
#[cfg(target_os = "linux")]
#[test]
fn a_server_is_not_started_at_the_broadcast_address_of_a_network() {
    Program::start(&mut udp_lab(&["server", "127.255.255.255:0"]))
        .ending()
        .is_refused_with(2, "127.255.255.255:0: a broadcast address is no address of a host: listen on 0.0.0.0:0");
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_looked_up_or_reached_is_told_apart() {
    support::in_a_namespace(module_path!(), "without_name_servers_ports_and_ways");
}

/// A namespace has no name server, its own range of ports, and routes that forbid and refuse.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "changes the network: only in a namespace of its own"]
fn without_name_servers_ports_and_ways() {
    let client = |address: &str| Program::start(&mut client(address, &["hi"])).ending();
    client("example.org:8888").is_refused_with(3, "example.org:8888: the name could not be looked up now");

    for [action, address] in [["prohibit", "192.0.2.1"], ["unreachable", "192.0.2.2"]] {
        assert!(Command::new("ip").args(["route", "add", action, address]).status().unwrap().success());
    }
    let forbidden = client("192.0.2.1:9");
    forbidden.is_refused_with(3, "(EACCES 13).");
    assert!(forbidden.errors.contains("a firewall or a route of this machine forbids it"), "{}", forbidden.errors);
    let unreachable = client("192.0.2.2:9");
    unreachable.is_refused_with(3, "(EHOSTUNREACH 113).");
    assert!(unreachable.errors.contains("or a firewall rejects"), "{}", unreachable.errors);
    assert!(Command::new("ip").args(["route", "add", "blackhole", "192.0.2.4"]).status().unwrap().success());
    client("192.0.2.4:9").is_refused_with(
        3,
        "(EINVAL 22). The routing table may discard what is for there: `ip route` shows such a route",
    );
    client("192.0.2.3:9").is_refused_with(3, "No interface leads there, or a firewall rejects it.");

    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "50000 50001").unwrap();
    let taken = ["127.0.0.1:50000", "127.0.0.1:50001"].map(|address| UdpSocket::bind(address).unwrap());
    client("127.0.0.1:9").is_refused_with(3, "No local port is free");
    Program::start(&mut udp_lab(&["server", LOOPBACK])).ending().is_refused_with(3, "No local port is free");
    drop(taken);
}

#[cfg(target_os = "linux")]
#[test]
fn a_firewall_is_named_where_it_may_be_the_reason() {
    if !Command::new("nft").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return support::missing("nft");
    }
    support::in_a_namespace(module_path!(), "behind_a_firewall");
}

/// A server listens all the while.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "has firewall rules: only in a namespace of its own"]
fn behind_a_firewall() {
    let server = Server::start(&[]);
    let address = server.address.to_string();
    let nft = |command: &str| assert!(Command::new("nft").arg(command).status().unwrap().success(), "{command}");
    nft("add table inet t");
    for (chain, hook) in [("i", "input"), ("o", "output")] {
        nft(&format!("add chain inet t {chain} {{ type filter hook {hook} priority 0; }}"));
    }
    for (chain, rule, sentences) in [
        ("i", "reject", ["(ECONNREFUSED 111)", ", or a firewall refuses (ECONNREFUSED"]),
        ("i", "reject with icmpx type admin-prohibited", ["(EHOSTUNREACH 113)", "or a firewall rejects"]),
        ("o", "drop", ["(EPERM 1)", "A firewall on this machine forbids it"]),
    ] {
        nft(&format!("add rule inet t {chain} udp dport {} {rule}", server.address.port()));
        let ending = Program::start(&mut client(&address, &["hi"])).ending();
        assert_eq!(ending.status, Some(0), "{rule}: {}", ending.errors);
        let found = sentences.iter().all(|sentence| ending.output.contains(sentence));
        assert!(found, "{rule}: {}", ending.output);
        nft(&format!("flush chain inet t {chain}"));
    }
}

/// A client's socket is connected: it hears no other address.
#[cfg(target_os = "linux")]
#[test]
fn a_server_on_every_address_answers_from_the_one_that_was_asked() {
    for everywhere in ["0.0.0.0:0", "[::]:0"] {
        let server = Server::start_at(everywhere, &["--count", "2"]);
        for asked in ["127.0.0.1", "127.0.0.2"] {
            let ending = Program::start(&mut client(&format!("{asked}:{}", server.address.port()), &["hi"])).ending();
            assert!(ending.output.contains("From server: \"Thanks\""), "{everywhere}, {asked}: {}", ending.output);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_greeting_names_the_addresses_that_other_machines_reach() {
    support::in_a_namespace(module_path!(), "on_a_network_of_two_interfaces");
}

/// And a broadcast is answered, though not from the address to which it was sent.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "makes network interfaces: only in a namespace of its own"]
fn on_a_network_of_two_interfaces() {
    for command in [
        "link add name one type veth peer name two",
        "addr add 10.9.8.7/24 brd + dev one",
        "addr add 2001:db8::7/64 dev one nodad",
        "link set one up",
        "link set two up",
    ] {
        assert!(Command::new("ip").args(command.split(' ')).status().unwrap().success(), "{command}");
    }
    let reached = |at: &str| {
        let server = Server::start_at(at, &["--count", "1"]);
        let port = server.address.port();
        let lines = server.greeting.lines().filter_map(|line| line.strip_prefix("On another machine, through "));
        let lines: Vec<_> = lines.map(|line| line.replace(&format!(":{port}"), ":PORT")).collect();
        (server, lines)
    };
    let (v4, v6) = ("one: udp-lab client 10.9.8.7:PORT", "one: udp-lab client [2001:db8::7]:PORT");
    assert_eq!(reached("0.0.0.0:0").1, [v4]);
    assert_eq!(reached("10.9.8.7:0").1, [v4]);
    assert_eq!(reached("[::]:0").1, [v4, v6]);
    assert_eq!(reached("127.0.0.1:0").1, Vec::<String>::new());

    let (server, _) = reached("0.0.0.0:0");
    let here = UdpSocket::bind("10.9.8.7:0").unwrap();
    here.set_read_timeout(Some(LIMIT)).unwrap();
    here.set_broadcast(true).unwrap();
    here.send_to(b"hi", ("10.9.8.255", server.address.port())).unwrap();
    let mut answer = [0; 16];
    let (length, from) = here.recv_from(&mut answer).unwrap();
    assert_eq!((&answer[..length], from.ip().to_string()), (&b"Thanks"[..], "10.9.8.7".to_owned()));
}
