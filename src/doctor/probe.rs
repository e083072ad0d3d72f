//! Looks at this machine.

use std::net::Ipv4Addr;
use std::path::Path;

use serde_json::{Value, json};

use crate::kernel::{self, HERE};
use crate::lab::{Call, SceneError, loopback, needs};
use crate::lessons::{LESSONS, UNLIKE_WINE};
use crate::vocabulary::{Claim, Expect, Machine, Need, Os};

/// The buffer that is asked for, to see what is granted.
const ASKED: usize = 1024 * 1024;

const NOT_KNOWN: &str = "not known";

/// What was found.
#[derive(Debug)]
pub struct Checkup {
    /// The machine.
    pub host: Machine,
    /// One entry for each thing that was looked at.
    pub findings: Vec<Finding>,
    /// What will be skipped, by lesson and reason.
    pub skipped: Vec<Skipped>,
    /// Whether a datagram came through over loopback.
    pub loopback: Result<(), SceneError>,
}

/// One thing that was looked at.
#[derive(Debug)]
pub struct Finding {
    /// A stable word.
    pub id: &'static str,
    /// What it is.
    pub name: &'static str,
    /// What was found, for people.
    pub text: String,
    /// The same for programs: a number, yes or no, a text, or nothing where it is not known.
    pub value: Value,
}

/// Rows of one lesson that will be skipped for one reason.
#[derive(Debug)]
pub struct Skipped {
    /// Why.
    pub reason: String,
    /// The lesson's name.
    pub lesson: &'static str,
    /// The ids of the rows.
    pub rows: Vec<String>,
}

impl Finding {
    fn text(id: &'static str, name: &'static str, text: String) -> Self {
        Finding { id, name, value: json!(text), text }
    }

    fn number(id: &'static str, name: &'static str, number: Option<u64>, unit: &str) -> Self {
        let text = number.map_or_else(|| NOT_KNOWN.to_owned(), |number| format!("{number}{unit}"));
        Finding { id, name, text, value: json!(number) }
    }

    fn not_known(id: &'static str, name: &'static str) -> Self {
        Finding { id, name, text: NOT_KNOWN.to_owned(), value: Value::Null }
    }

    /// Yes, or the reason why not.
    fn there(id: &'static str, name: &'static str, missing: Option<String>) -> Self {
        let value = json!(missing.is_none());
        Finding { id, name, text: missing.map_or_else(|| "yes".to_owned(), |reason| format!("no: {reason}")), value }
    }
}

impl Checkup {
    /// Looks at this machine; `terminal` is what the command line knows of it: id, name and text.
    ///
    /// # Errors
    /// When the parameters of a lesson do not fit by themselves, which the tests exclude.
    pub fn new(terminal: &[(&'static str, &'static str, String)]) -> Result<Self, clap::Error> {
        let host = kernel::host();
        let loopback = loopback::passes();
        let mut findings = vec![
            Finding::text("version", "udp-lab", env!("CARGO_PKG_VERSION").to_owned()),
            Finding::text("system", "System", format!("{} {}", host.os.name(), host.release).trim_end().to_owned()),
            Finding::text("architecture", "Architecture", host.arch.to_owned()),
            Finding::text(
                "surroundings",
                "Runs in",
                surroundings(HERE, &host.release, |path| Path::new(path).exists()).to_owned(),
            ),
        ];
        findings.extend(terminal.iter().map(|(id, name, text)| Finding::text(id, name, text.clone())));
        findings.extend(network(&loopback));
        findings.extend(system());
        Ok(Checkup { host, findings, skipped: skipped()?, loopback })
    }
}

/// Whose network this is: neither is reached from another machine as the machine itself is (docs/two-machines.md). The
/// files are those of Docker and Podman; the release is that of Microsoft's kernel for WSL.
fn surroundings(os: Os, release: &str, exists: impl Fn(&str) -> bool) -> &'static str {
    match os {
        Os::Linux if release.to_lowercase().contains("microsoft") => "WSL: see `explain two-machines`",
        Os::Linux if exists("/.dockerenv") || exists("/run/.containerenv") => "a container: see `explain two-machines`",
        Os::Linux | Os::Macos | Os::Windows => "no container that is known",
    }
}

fn network(loopback: &Result<(), SceneError>) -> Vec<Finding> {
    let bytes = |size: Call<usize>| size.ok().and_then(|bytes| u64::try_from(bytes).ok());
    let maximum = needs::most_receive_buffer().ok().and_then(|bytes| u64::try_from(bytes).ok());
    vec![
        Finding::there("loopback", "Loopback 127.0.0.1", loopback.as_ref().err().map(ToString::to_string)),
        delivery(loopback),
        Finding::there("ipv6", "IPv6 loopback ::1", needs::missing(Need::Ipv6)),
        Finding::there("second-loopback", "Second loopback 127.0.0.2", needs::missing(Need::SecondLoopback)),
        icmp(),
        Finding::there("tcp", "Connections of TCP", needs::missing(Need::Tcp)),
        Finding::number("buffer-default", "Receive buffer by default", bytes(needs::default_buffer()), " bytes"),
        Finding::number("buffer-maximum", "Receive buffer at most", maximum, " bytes"),
        Finding::number("buffer-granted", "Granted for 1 MiB", bytes(needs::granted_buffer(ASKED)), " bytes"),
        Finding::there("drops", "Drops counted by socket", needs::missing(Need::Drops)),
    ]
}

/// Not known where not even one datagram arrives.
fn delivery(loopback: &Result<(), SceneError>) -> Finding {
    let (id, name) = ("delivery", "Every datagram arrives");
    match loopback {
        Ok(()) => Finding::there(id, name, loopback::some_are_lost(Ipv4Addr::LOCALHOST.into())),
        Err(_) => Finding::not_known(id, name),
    }
}

/// Not known where the system does not count the messages.
fn icmp() -> Finding {
    let (id, name) = ("icmp", "ICMP from closed ports");
    match kernel::refusals_received(Ipv4Addr::LOCALHOST.into()) {
        Some(_) => Finding::there(id, name, needs::missing(Need::Icmp)),
        None => Finding::not_known(id, name),
    }
}

fn system() -> Vec<Finding> {
    let readable = match (HERE, kernel::udp_port_in_use(0)) {
        (_, Ok(_)) => None,
        (Os::Linux, Err(error)) => Some(needs::unread("read it", &error, "there is no such file")),
        (os, Err(_)) => Some(format!("{} has none", os.name())),
    };
    let wine = kernel::under_wine();
    vec![
        Finding::there("namespaces", "Network namespace as a plain user", no_namespaces()),
        descriptors(),
        Finding::there("descriptor-list", "File descriptors listed", needs::missing(Need::Descriptors)),
        Finding::there("proc-net-udp", "/proc/net/udp readable", readable),
        Finding { id: "wine", name: "Wine", text: if wine { "yes" } else { "no" }.to_owned(), value: json!(wine) },
    ]
}

/// The limit; where it is so low that rows of any scene may be skipped, that as well.
fn descriptors() -> Finding {
    /// More than any scene has at once, except those that declare [`Need::Sockets`].
    const FEW: usize = 20;
    let mut finding = Finding::number("descriptors", "Open file descriptors at most", kernel::descriptor_limit(), "");
    if needs::free_descriptors().is_some_and(|free| free < FEW) {
        finding.text.push_str(": too few, so that more is skipped than is listed here (`ulimit -n` raises it)");
    }
    finding
}

fn setting(name: &str) -> Option<u64> {
    kernel::kernel_setting(name).ok()?.parse().ok()
}

/// Why a user without privilege can make no network namespace, as far as the settings tell; none is made.
fn no_namespaces() -> Option<String> {
    if HERE != Os::Linux {
        return Some(format!("{} has none", HERE.name()));
    }
    let zero = |name: &str| (setting(name) == Some(0)).then(|| format!("{name} is 0"));
    let restricted = "kernel.apparmor_restrict_unprivileged_userns";
    zero("user.max_net_namespaces")
        .or_else(|| zero("user.max_user_namespaces"))
        .or_else(|| zero("kernel.unprivileged_userns_clone"))
        .or_else(|| setting(restricted).filter(|value| *value != 0).map(|value| format!("{restricted} is {value}")))
        .or_else(|| setting("user.max_net_namespaces").is_none().then(|| "the kernel has no such setting".to_owned()))
}

fn skipped() -> Result<Vec<Skipped>, clap::Error> {
    let mut groups: Vec<Skipped> = Vec::new();
    for lesson in LESSONS {
        let scenes = lesson.predict(&lesson.default_scenes()?).scenes;
        for claim in scenes.into_iter().flat_map(|scene| scene.claims) {
            let Some(reason) = reason_to_skip(&claim) else { continue };
            match groups.iter_mut().find(|group| group.lesson == lesson.name && group.reason == reason) {
                Some(group) => group.rows.push(claim.id),
                None => groups.push(Skipped { reason, lesson: lesson.name, rows: vec![claim.id] }),
            }
        }
    }
    groups.sort_by(|a, b| a.reason.cmp(&b.reason));
    Ok(groups)
}

/// Why this machine cannot show the row of `claim`; nothing where it can.
pub fn reason_to_skip(claim: &Claim) -> Option<String> {
    match claim.expected.on(HERE) {
        Expect::Absent(reason) => Some((*reason).to_owned()),
        _ if claim.unlike_wine && kernel::under_wine() => Some(UNLIKE_WINE.to_owned()),
        _ => claim.needs.iter().find_map(|need| needs::missing(*need)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_machines_do_not_reach_is_told() {
        let docker = |path: &str| path == "/.dockerenv";
        for (release, said) in [("5.15.133.1-microsoft-standard-WSL2", "WSL"), ("4.4.0-19041-Microsoft", "WSL")] {
            assert!(surroundings(Os::Linux, release, docker).starts_with(said), "{release}");
        }
        assert!(surroundings(Os::Linux, "6.12.0", docker).starts_with("a container"));
        assert!(surroundings(Os::Linux, "6.12.0", |path| path == "/run/.containerenv").starts_with("a container"));
        assert_eq!(surroundings(Os::Linux, "6.12.0", |_| false), "no container that is known");
    }
}
