//! The binary where it is used: narrow terminals, pipes, full disks, no colour, no network.

#[cfg(target_os = "linux")]
use std::process::Stdio;

use crate::support::{Run, run, udp_lab};

fn widest_line(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn every_command_fits_the_width_it_is_given() {
    for width in ["60", "80", "120"] {
        for args in [&["all"][..], &["list"], &["expect", "connectionless"], &["expect", "delivery", "--os", "windows"]]
        {
            let run = run([args, &["--width", width]].concat());
            assert!(widest_line(&run.out) <= width.parse().unwrap(), "{args:?} at {width}:\n{}", run.out);
        }
    }
}

#[test]
fn the_width_comes_from_columns_where_there_is_no_terminal() {
    let run = Run::from(udp_lab().arg("list").env("COLUMNS", "64").output().unwrap());
    assert_eq!(widest_line(&run.out), 64);
}

#[test]
fn words_of_the_verdict_stay_whole_at_a_projector() {
    let run = run(["connectionless", "--width", "60"]);
    for word in ["Expected", "Observed", "Verdict", "match"] {
        assert!(run.out.contains(word), "{word}:\n{}", run.out);
    }
    #[cfg(target_os = "linux")]
    assert!(run.out.contains("ECONNREFUSED"), "{}", run.out);
}

#[test]
fn ascii_is_ascii_and_comes_by_itself_without_a_utf8_locale() {
    let asked = run(["boundaries", "--ascii", "fünf", "你好"]);
    assert!(asked.out.is_ascii(), "{}", asked.out);
    assert!(asked.out.contains("\\u{4f60}"), "{}", asked.out);
    // On Windows as well, where a shell of Unix sets it.
    let by_itself = Run::from(udp_lab().arg("all").env("LC_ALL", "C").output().unwrap());
    assert!(by_itself.out.is_ascii(), "{}", by_itself.out);
}

#[test]
fn colour_is_for_those_who_ask() {
    let coloured = |args: &[&str], no_color: &str| {
        let output = udp_lab().args(args).env("NO_COLOR", no_color).output().unwrap();
        // ESC [ 32 m or 38;5;10 m: green, as the library writes it.
        output.stdout.windows(2).any(|pair| pair == b"\x1b[")
    };
    assert!(!coloured(&["boundaries"], ""), "a pipe gets none");
    assert!(coloured(&["boundaries", "--color", "always"], ""));
    assert!(coloured(&["boundaries", "--color", "always"], "1"), "the option is stronger than NO_COLOR");
    assert!(!coloured(&["boundaries", "--color", "never"], ""));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let plain = run(["truncation", "--no-picture", "--width", "120", "--color", "never"]).out;
    let coloured = run(["truncation", "--no-picture", "--width", "120", "--color", "always"]).out;
    let escape = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    // The line to check with repeats the arguments.
    assert_eq!(escape.replace_all(&coloured, "").replace("--color always", "--color never"), plain);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    for args in [&["all"][..], &["list"], &["--help"], &["boundaries", "--format", "json"]] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let run = Run::from(udp_lab().args(args).stdout(full).stderr(Stdio::piped()).output().unwrap());
        assert_eq!(run.status, 3, "{args:?}");
        assert!(run.err.contains("cannot write the output"), "{args:?}: {}", run.err);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_network_there_is_a_sentence() {
    let isolated = |args: &[&str]| {
        let mut unshare = std::process::Command::new("unshare");
        unshare.args(["--map-root-user", "--net"]).args(args).env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output()
    };
    match isolated(&["true"]) {
        Ok(output) if output.status.success() => {}
        _ => return crate::support::missing("a network namespace"),
    }
    for lesson in udp_lab::lessons::LESSONS.iter().map(|lesson| lesson.name).chain(["all"]) {
        let run = Run::from(isolated(&[env!("CARGO_BIN_EXE_udp-lab"), lesson]).unwrap());
        assert_eq!(run.status, 3, "{lesson}: {}", run.out);
        assert!(!run.out.contains("differs"), "{lesson}: {}", run.out);
        assert!(run.err.contains("ENETUNREACH 101"), "{}", run.err);
        assert!(run.err.contains("`ip link set lo up` starts it"), "{}", run.err);
    }
}

/// A machine that is not as the lessons take it: how it is made so, what is run there, the exit status, and what is
/// said.
#[cfg(target_os = "linux")]
const MACHINES: &[(&str, &str, i32, &[&str])] = &[
    // Loopback does not pass, or not as it is sent: one sentence, since nothing can be said of UDP.
    ("IN meta l4proto udp drop", "delivery", 3, &["UDP does not pass on loopback here: ", "Does a firewall drop it?"]),
    ("IN meta l4proto udp drop", "doctor", 3, &["UDP does not pass on loopback here: ", "Does a firewall drop it?"]),
    ("OUT meta l4proto udp drop", "boundaries", 3, &["UDP does not pass on loopback here: ", "(EPERM 1). A firewall"]),
    ("NAT snat to 127.0.0.3", "boundaries", 3, &["UDP does not pass on loopback here: ", " came from 127.0.0.3:"]),
    ("ip address del 127.0.0.1/8 dev lo", "ports", 3, &["bind 127.0.0.1:0: ", "(EADDRNOTAVAIL 99). No interface"]),
    (
        "ip address del 127.0.0.1/8 dev lo && ip address add 127.0.0.2/8 dev lo && ip address add 127.0.0.1/8 dev lo",
        "boundaries",
        3,
        &["what an unbound socket sends to 127.0.0.1 comes from 127.0.0.2."],
    ),
    ("ip link set lo down", "boundaries", 3, &["The loopback interface is down: `ip link set lo up` starts it."]),
    ("ip link set lo down", "doctor", 3, &["The loopback interface is down: `ip link set lo up` starts it."]),
    // Some of it does not pass.
    ("IN ip daddr 127.0.0.2 drop", "addresses", 0, &["a datagram to 127.0.0.2:", "Does a firewall drop it?"]),
    ("IN ip daddr 127.0.0.2 drop", "doctor", 0, &["a datagram to 127.0.0.2:", "Does a firewall drop it?"]),
    ("IN meta nfproto ipv6 drop", "sizes", 0, &["a datagram to [::1]:", "Does a firewall drop it?"]),
    ("IN meta l4proto icmp drop", "connect", 0, &["was not answered with ICMP, after 0 others were"]),
    (
        "IN udp length gt 12 drop",
        "truncation --scene 2",
        0,
        &["a datagram of 5 bytes to 127.0.0.1:", "Does a firewall"],
    ),
    ("IN udp length gt 12 drop", "doctor", 0, &["a datagram of 5 bytes to 127.0.0.1:", "Does a firewall drop it?"]),
    ("IN meta l4proto udp numgen inc mod 10 == 0 drop", "boundaries --scene 3", 0, &[]),
    ("IN meta l4proto icmp limit rate over 5/second burst 5 packets drop", "unreachable --scene 9", 0, &[]),
    ("IN meta l4proto udp numgen inc mod 10 == 0 drop", "unreachable --scene 5", 0, &[]),
    ("IN meta l4proto udp limit rate over 2000/second burst 500 packets drop", "buffers --scene 3", 0, &[]),
    ("IN tcp flags syn ct count over 3 reject with tcp reset", "compare --scene 4", 3, &["connect 127.0.0.1:"]),
    ("IN meta l4proto tcp meta length gt 1500 drop", "delivery", 0, &["the stream stands still: "]),
    ("IN meta l4proto tcp reject with icmpx type admin-prohibited", "compare", 3, &["(EHOSTUNREACH 113)"]),
    ("IN tcp flags '&' fin == fin drop", "compare", 0, &["neither bytes nor its end nor an error in 2.5 s"]),
    ("IN meta l4proto tcp drop", "ports", 0, &["was not made within 2.5 s. Does a firewall drop it?"]),
    // Something is used up.
    ("sysctl -qw net.ipv4.ip_local_port_range='40000 40000'", "all", 3, &["(EAGAIN 11). No local port is free: "]),
    ("sysctl -qw net.ipv4.ip_local_port_range='40000 40001'", "compare", 3, &["(EADDRNOTAVAIL 99). No local port is"]),
    ("ulimit -n 4", "connectionless", 3, &["accept on server: too many open files (EMFILE 24)"]),
    ("ulimit -n 6", "sizes", 0, &["read the counter IpFragCreates: too many open files (EMFILE 24)"]),
    ("ulimit -n 4", "waiting", 3, &["ask whether a thread waits in a call: too many open files (EMFILE 24)"]),
    ("sysctl -qw net.core.optmem_max=1", "sharing", 3, &["(ENOMEM 12)"]),
    ("ip link set lo mtu 68", "sizes", 3, &["(ENOBUFS 105)"]),
    // Each port of the range is in TIME-WAIT.
    (
        "sysctl -qw net.ipv4.ip_local_port_range='40000 40019' && CLOSED",
        "ports",
        3,
        &["TCP sockets, or connections in TIME-WAIT, have all ports that were tried"],
    ),
    // The machine takes more than others do.
    (
        "sysctl -qw net.ipv4.tcp_max_tw_buckets=0 net.ipv4.ip_nonlocal_bind=1",
        "ports",
        0,
        &["net.ipv4.tcp_max_tw_buckets is 0", "net.ipv4.ip_nonlocal_bind is set"],
    ),
    ("ip address add 203.0.113.1/32 dev lo", "ports", 0, &["this machine has the address 203.0.113.1"]),
    // Without /dev/null other programs can be run all the same.
    ("mount -t tmpfs none /dev", "unreachable", 0, &[]),
];

/// What is no answer of UDP is not called one: no row differs, and what was seen of the machine is said.
#[test]
#[cfg(target_os = "linux")]
fn no_machine_is_accused_of_what_it_was_told_to_do() {
    /// The exit status where this machine cannot be made so.
    const NOT_MADE: i32 = 99;
    /// Leaves a connection in TIME-WAIT at each of these ports.
    const CLOSED: &str = "import socket\n\
        server = socket.create_server(('127.0.0.1', 30000))\n\
        for port in range(40000, 40020):\n    \
            client = socket.create_connection(('127.0.0.1', 30000), source_address=('127.0.0.1', port))\n    \
            accepted, _ = server.accept()\n    \
            client.close()\n    \
            accepted.close()\n";
    const RULE: &str = "nft add table inet t && nft add chain inet t c \"{ type filter hook $1 priority 0; }\"";
    /// What whoever started the tests has left open would count as the program's.
    const NOTHING_INHERITED: &str = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-";
    let made = |machine: &str, arguments: &str| {
        let script = format!(
            "rule() {{ {RULE} && shift && nft add rule inet t c \"$@\"; }}
             IN() {{ rule input \"$@\"; }}
             OUT() {{ rule output \"$@\"; }}
             NAT() {{ nft add table ip n && nft add chain ip n p '{{ type nat hook postrouting priority 100; }}' \\
                 && nft add rule ip n p \"$@\"; }}
             CLOSED() {{ python3 -c \"{CLOSED}\"; }}
             {NOTHING_INHERITED}
             {{ ip link set lo up && {machine}; }} || exit {NOT_MADE}
             exec \"$0\" {arguments}"
        );
        let mut unshare = std::process::Command::new("unshare");
        unshare.args(["--map-root-user", "--net", "--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_udp-lab")]);
        unshare.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output()
    };
    match made("true", "list") {
        Ok(output) if output.status.success() => {}
        _ => return crate::support::missing("a network namespace"),
    }
    // Most of the time they wait, for what does not come.
    crate::support::concurrently(MACHINES, |(machine, arguments, status, said)| {
        let format = if *arguments == "doctor" { " --format json" } else { " --format csv" };
        let run = Run::from(made(machine, &format!("{arguments}{format}")).unwrap());
        if run.status == NOT_MADE {
            return crate::support::missing(&format!("`{machine}`: {}", run.err.trim()));
        }
        let all = format!("{} {}", run.out, run.err).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(run.status, *status, "{machine}: {all}");
        assert!(!run.out.contains(",differs,"), "{machine}: {}", run.out);
        for said in *said {
            assert!(all.contains(said), "{machine}: {said} is not in {all}");
        }
    });
}

#[test]
#[cfg(target_os = "linux")]
fn with_too_few_descriptors_there_is_a_sentence() {
    let mut shell = std::process::Command::new("sh");
    let script = "ulimit -n 64 && exec \"$0\" concurrency --clients 200 --work 0ms";
    let run = Run::from(shell.args(["-c", script, env!("CARGO_BIN_EXE_udp-lab")]).output().unwrap());
    assert_eq!(run.status, 3, "{}", run.out);
    assert!(run.err.contains("EMFILE 24") && run.err.contains("ulimit -n"), "{}", run.err);
}

/// 262 MB are sent: the log keeps the beginnings.
#[test]
#[cfg(target_os = "linux")]
fn memory_is_bounded_whatever_is_sent() {
    for args in ["all", "delivery --messages 4000 --size 65507 --no-picture"] {
        let mut shell = std::process::Command::new("sh");
        let script = format!("ulimit -v 100000 && exec \"$0\" {args}");
        let run = Run::from(shell.args(["-c", &script, env!("CARGO_BIN_EXE_udp-lab")]).output().unwrap());
        assert_eq!(run.status, 0, "{args}: {}{}", run.out, run.err);
    }
}

#[test]
fn help_of_every_command_is_worth_reading() {
    let lessons = udp_lab::lessons::LESSONS.iter().map(|lesson| lesson.name);
    for command in lessons.chain(["all", "list", "expect", "server", "client", "relay"]) {
        let run = run([command, "--help"]);
        assert_eq!(run.status, 0);
        assert!(run.out.contains(&format!("Example: udp-lab {command}")), "{}", run.out);
        assert!(run.out.contains("Exit status: 0"), "{}", run.out);
    }
}

#[test]
fn json_has_the_fields_of_schema_1() {
    let run = run(["all", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document["schema"], 1);
    for field in ["os", "release", "arch"] {
        assert!(document["host"][field].is_string(), "{field}");
    }
    let reports = document["reports"].as_array().unwrap();
    assert_eq!(reports.len(), udp_lab::lessons::LESSONS.len());
    for report in reports {
        for field in ["lesson", "title", "question"] {
            assert!(report[field].is_string(), "{field}");
        }
        for row in report["rows"].as_array().unwrap() {
            for field in ["id", "property", "expected", "observed", "verdict", "strength", "source"] {
                assert!(row[field].is_string(), "{field} of {row}");
            }
            assert!(row.get("reason").is_some(), "{row}");
        }
        for event in report["events"].as_array().unwrap() {
            assert!(event["scene"].is_u64() && event["returned_us"].is_u64() && event["who"].is_string(), "{event}");
            for field in ["call", "with", "payload", "result"] {
                assert!(event.get(field).is_some(), "{field} of {event}");
            }
        }
    }
    assert_eq!(reports[0]["rows"][1]["expected_value"], 3);
}

#[test]
fn all_sums_the_lessons_up() {
    let text = run(["all", "--full"]).out;
    let json: serde_json::Value = serde_json::from_str(&run(["all", "--format", "json"]).out).unwrap();
    for report in json["reports"].as_array().unwrap() {
        let rows = report["rows"].as_array().unwrap().len();
        let line = text.lines().rfind(|line| line.contains(report["lesson"].as_str().unwrap())).unwrap();
        assert_eq!(line.split(['│', '┆']).nth(2).unwrap().trim(), rows.to_string(), "{line}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_expected_is_known_without_a_network() {
    let mut unshare = std::process::Command::new("unshare");
    let binary = env!("CARGO_BIN_EXE_udp-lab");
    match unshare.args(["--map-root-user", "--net", binary, "expect", "boundaries"]).output() {
        Ok(output) if output.status.success() => assert_eq!(output.stderr, b""),
        Ok(output) if output.stderr.starts_with(b"unshare") => {
            crate::support::missing("a network namespace");
        }
        other => panic!("{other:?}"),
    }
}
