//! While a lesson runs, others send to its ports: whoever they are and whatever they guess, its verdicts stand.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::{self, Report, Run, in_a_namespace, in_world, say, udp_lab};
use udp_lab::lessons::LESSONS;

/// What no lesson says.
const STRANGE: &[u8] = b"strange";

const NOTE: &str = "a datagram from another program on this machine was set aside";

/// What others say to a socket must show neither in a verdict nor in what was observed.
fn assert_stands(lesson: &str, run: Run) -> Report {
    assert_eq!(run.status, 0, "{lesson}: {}{}", run.out, run.err);
    let report = Report::from(run);
    assert_eq!(report.with_verdict("differs"), [""; 0], "{lesson}");
    for row in report.rows() {
        let observed = row["observed"].as_str().unwrap();
        assert!(!observed.contains("strange"), "{lesson}: {row}");
    }
    assert!(!report.0["events"].to_string().contains("strange"), "{lesson}: a stranger's datagram is among its own");
    report
}

/// The world of `tests/broken_world` in which a stranger sends to every socket that is bound or sent to, at once and
/// each time: here nothing depends on the moment.
#[test]
fn a_stranger_beside_every_send_changes_no_verdict_and_is_told_of() {
    for lesson in LESSONS {
        let alone = support::report(&[lesson.name], 0);
        let run = in_world("strangers").args([lesson.name, "--format", "json"]).output().unwrap().into();
        let report = assert_stands(lesson.name, run);
        assert_eq!(report.with_verdict("match"), alone.with_verdict("match"), "{}", lesson.name);
        assert_eq!(report.0["notes"], serde_json::json!([NOTE]), "{}", lesson.name);
    }
}

/// The addresses of the UDP sockets of this namespace.
fn sockets() -> Vec<SocketAddr> {
    let table = std::fs::read_to_string("/proc/self/net/udp").unwrap();
    let address = |text: &str| {
        let (ip, port) = text.split_once(':').unwrap();
        let ip = Ipv4Addr::from(u32::from_str_radix(ip, 16).unwrap().to_ne_bytes());
        SocketAddr::from((ip, u16::from_str_radix(port, 16).unwrap()))
    };
    table.lines().skip(1).map(|line| address(line.split_whitespace().nth(1).unwrap())).collect()
}

/// Sends to every port that is open until `done`, to none so much that its queue could run full: returns how many
/// datagrams left.
fn spray(done: &AtomicBool) -> usize {
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = stranger.local_addr().unwrap();
    let payloads: [&[u8]; 6] = [STRANGE, b"hello", b"|", b"", &[0], &[b'x'; 2000]];
    let (mut sent, mut passes) = (0, HashMap::new());
    while !done.load(Ordering::Relaxed) {
        let open: HashSet<SocketAddr> = sockets().into_iter().filter(|address| *address != own).collect();
        // A port that is opened again has an empty queue.
        passes.retain(|address, _| open.contains(address));
        for at in open {
            let passes = passes.entry(at).or_insert(0);
            *passes += 1;
            if *passes > 10 {
                continue;
            }
            let to = if at.ip().is_unspecified() { SocketAddr::from((Ipv4Addr::LOCALHOST, at.port())) } else { at };
            for payload in payloads {
                // Whoever has gone meanwhile is not there to be told.
                sent += usize::from(stranger.send_to(payload, to).is_ok());
            }
            // As one of the lesson's own, but for the address.
            if let Ok(twin) = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), at.port())) {
                sent += usize::from(twin.send_to(STRANGE, to).is_ok());
            }
        }
    }
    sent
}

#[test]
fn another_program_that_sprays_every_port_changes_no_verdict() {
    in_a_namespace(module_path!(), "spraying");
}

/// Rows that a full queue has spoilt are skipped and say so: nothing else becomes of them.
#[test]
#[ignore = "sprays every port: only in a namespace of its own"]
fn spraying() {
    let interfaces = std::fs::read_to_string("/proc/self/net/dev").unwrap();
    assert_eq!(interfaces.lines().count(), 3, "loopback alone: {interfaces}");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let sprayer = scope.spawn(|| spray(&done));
        let result = std::panic::catch_unwind(|| {
            for lesson in LESSONS {
                let run = udp_lab().args([lesson.name, "--format", "json"]).output().unwrap().into();
                let report = assert_stands(lesson.name, run);
                for id in report.with_verdict("skipped") {
                    let reason = report.row(id)["reason"].as_str().unwrap();
                    // The namespace has one user, who is root there.
                    let is_expected = ["filled a queue", "become another user"].iter().any(|why| reason.contains(why));
                    assert!(is_expected, "{id}: {reason}");
                }
            }
        });
        done.store(true, Ordering::Relaxed);
        let sent = sprayer.join().unwrap();
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        assert!(sent > 0, "nothing was sprayed");
        say(&format!("{sent} datagrams of strangers"));
    });
}
